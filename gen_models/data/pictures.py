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
    path: Path, files: Sequence[str], open_file: Callable[[str], BinaryIO]
) -> tuple[np.ndarray, np.ndarray | None]:
    """The PNG pictures in natural order of their names, u8[N,H,W], and the whole numbers that name
    their folders, i64[N], or None. Raises ImagesError."""
    if len(files) > MAX_FILES:
        raise ImagesError(f"{path} holds more than {MAX_FILES} files; take some out")
    names = sorted((name for name in files if name.lower().endswith(".png")), key=_natural_order)
    others = sorted(set(files).difference(names))
    if others or not names:
        wanted = "PNG pictures and no other files, or .npy files alone in a zip"
        raise ImagesError(f"{path} holds {describe_contents(others)}; expected {wanted}")
    labels = _folder_numbers(path, names)
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


def _folder_numbers(path: Path, names: Sequence[str]) -> np.ndarray | None:
    """i64[N], the number that names each picture's folder; None unless all are whole numbers."""
    parents = [PurePosixPath(name).parts[:-1] for name in names]
    while parents[0] and not _is_number(parents[0][0]) and len({p[:1] for p in parents}) == 1:
        parents = [parent[1:] for parent in parents]  # a folder around all of them
    depths = {len(parent) for parent in parents}
    if depths not in ({0}, {1}):
        raise ImagesError(
            f"{path} holds pictures at several depths, or more than one deep; expected all in one "
            "folder, or all in its sub-folders, one a class"
        )
    if depths == {0} or not all(_is_number(folder) for (folder,) in parents):
        return None
    return np.array([int(folder) for (folder,) in parents], np.int64)


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
