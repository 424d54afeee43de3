"""Grey PNG pictures in a folder or a zip, as other programs write them."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np
from PIL import Image

from gen_models.data.foreign import (
    MAX_UNPACKED_BYTES,
    ImagesError,
    describe_contents,
    explain_errors,
    is_hidden,
)
from gen_models.fields import nearest

MAX_PICTURE_PIXELS = 2**22
MAX_FILES = 10**6


def files(folder: Path, within: str = "", depth: int = 2) -> Iterator[str]:
    """Names, relative to `folder`, of the files in it and in its sub-folders, `depth` deep."""
    for entry in (folder / within).iterdir():
        name = within + entry.name
        if depth and entry.is_dir() and not is_hidden(name):
            yield from files(folder, f"{name}/", depth - 1)
        elif not is_hidden(name):
            yield name if entry.is_file() else f"{name} (not a file)"


def read(
    path: Path,
    files: Sequence[str],
    open_file: Callable[[str], BinaryIO],
    class_names: Sequence[str] = (),
) -> tuple[np.ndarray, np.ndarray | None]:
    """The PNG pictures in natural order of their names, u8[N,H,W], and their labels i64[N] or None:
    the whole numbers that name their folders, or the places of these names in `class_names`. Raises
    ImagesError."""
    if len(files) > MAX_FILES:
        raise ImagesError(f"{path} holds more than {MAX_FILES} files; take some out")
    names = _picture_names(files)
    others = sorted(set(files).difference(names))
    if others or not names:
        wanted = "PNG pictures and no other files, or .npy files alone in a zip"
        raise ImagesError(f"{path} holds {describe_contents(others)}; expected {wanted}")
    labels = _folder_labels(path, _folders(path, names), class_names)
    pixels = np.empty((0, 0, 0), np.uint8)
    for index, name in enumerate(names):
        where = f"{path}/{name}"
        with (
            explain_errors(where, "PNG picture"),
            open_file(name) as file,
            Image.open(file, formats=["PNG"]) as image,
        ):
            size = f"{image.height}×{image.width} pixels"
            if index == 0:
                most = min(MAX_PICTURE_PIXELS, MAX_UNPACKED_BYTES // len(names))
                if image.height * image.width > most:
                    raise ImagesError(
                        f"{where} has {size}, expected at most {most} in each of {len(names)} "
                        "pictures"
                    )
                pixels = np.empty((len(names), image.height, image.width), np.uint8)
            if (image.height, image.width) != pixels.shape[1:]:
                expected = "×".join(map(str, pixels.shape[1:]))
                raise ImagesError(f"{where} has {size}, expected {expected} as {names[0]} has")
            pixels[index] = _picture_to_grey(where, image)
    return pixels, labels


def class_folders(path: Path, files: Sequence[str]) -> tuple[str, ...]:
    """The names of the folders of PNG pictures, in natural order; none if all pictures are in one
    folder, or if all names are whole numbers. Raises ImagesError."""
    folders = set(_folders(path, _picture_names(files)))
    return () if all(map(_is_number, folders)) else tuple(sorted(folders, key=_natural_order))


def _picture_names(files: Sequence[str]) -> list[str]:
    """The PNG pictures among the files, in natural order."""
    return sorted((name for name in files if name.lower().endswith(".png")), key=_natural_order)


def _folders(path: Path, names: Sequence[str]) -> list[str]:
    """The name of each picture's folder; [] if all are in one folder."""
    parents = [PurePosixPath(name).parts[:-1] for name in names]
    while (
        parents
        and parents[0]
        and not _is_number(parents[0][0])
        and len({p[:1] for p in parents}) == 1
    ):
        parents = [parent[1:] for parent in parents]  # a folder around all of them
    depths = {len(parent) for parent in parents}
    if depths not in (set(), {0}, {1}):
        raise ImagesError(
            f"{path} holds pictures at several depths, or more than one deep; expected all in one "
            "folder, or all in its sub-folders, one a class"
        )
    return [folder for parent in parents for folder in parent]


def _folder_labels(
    path: Path, folders: Sequence[str], class_names: Sequence[str]
) -> np.ndarray | None:
    """The labels i64[N] that folders are named by; None if some name is no whole number and none
    is a class."""
    if folders and all(map(_is_number, folders)):
        return np.array([int(folder) for folder in folders], np.int64)
    labels = {name.casefold(): label for label, name in enumerate(class_names)}
    others = sorted({folder for folder in folders if folder.casefold() not in labels})
    if len(others) == len(set(folders)):
        return None
    if others:
        raise ImagesError(
            f"{path} has a folder {others[0]}, which is no class; {nearest(others[0], class_names)}"
        )
    return np.array([labels[folder.casefold()] for folder in folders], np.int64)


def _is_number(name: str) -> bool:
    return re.fullmatch("[0-9]{1,9}", name) is not None


def _natural_order(name: str) -> tuple[list[str | tuple[int, str]], str]:
    """A sort key that compares runs of digits by value, however many they are."""
    parts: list[str | tuple[int, str]] = [*re.split("([0-9]+)", name)]
    parts[1::2] = [(len(digits.lstrip("0")), digits.lstrip("0")) for digits in parts[1::2]]
    return parts, name


def _picture_to_grey(where: str, image: Image.Image) -> np.ndarray:
    """The pixels u8[H,W] of an opaque, grey picture of any mode."""
    if image.mode.startswith("I"):  # 16 bits, which Pillow's own conversion clips
        return (np.asarray(image) >> 8).astype(np.uint8)
    rgba = np.asarray(image.convert("RGBA"))
    if np.any(rgba[..., 3] != 255):
        raise ImagesError(f"{where} is partly transparent, expected an opaque picture; flatten it")
    if np.any(rgba[..., :3] != rgba[..., :1]):
        raise ImagesError(f"{where} has colours, expected a grey picture; convert it")
    return rgba[..., 0]
