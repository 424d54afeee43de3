"""Read generated images, and their labels, as any other program may have written them.

A file is recognised by its first bytes; its name does not matter. Pickles are never loaded.
"""

import itertools
import math
import stat
import zipfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from gen_models.data import arrays, pictures
from gen_models.data.foreign import (
    MAX_UNPACKED_BYTES,
    ImagesError,
    check_printable,
    explain_errors,
    members,
    unpack,
)

__all__ = ["ImagesError", "class_folders", "read_images", "read_labels"]

_MAGIC = {
    b"\0\0": "idx",
    b"\x1f\x8b": "idx",  # gzip
    b"\x93NUMPY": "npy",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",  # with no files in it
}
_IMAGE_FORMATS = "IDX, .npy, .npz, or a folder or zip of PNG pictures"
_IMAGE_ARRAYS = ("images", "samples", "x", "arr_0")
_LABEL_ARRAYS = ("labels", "label", "y")
# Black, white, and the least maximum of float images: darker ones are in another range.
_FLOAT_RANGES = ((0, 1, -math.inf), (-1, 1, -math.inf), (0, 255, 64))


def read_images(
    path: Path, class_names: Sequence[str] = ()
) -> tuple[np.ndarray, np.ndarray | None]:
    """Read images u8[N,H,W], C-contiguous, maybe read-only, and their labels i32[N] or None.

    `path` is one of
    - IDX, raw or gzip, or .npy: images alone;
    - .npz: the array `images`, `samples`, `x` or `arr_0`, or else the only one of rank 3 or 4;
      labels are `labels`, `label` or `y`, or, beside `arr_0`, the integers `arr_1[N]`;
    - a folder or zip of PNG pictures of one size, opaque and grey in any mode, in natural order
      (2 before 10). All are in one folder, or all in its sub-folders. Sub-folders whose names are
      all whole numbers, of 9 digits at most, are the labels; those that are all in `class_names`,
      in upper or lower case, stand for the places there. Hidden files are ignored. Of 16-bit
      pictures the upper 8 bits are read.

    Arrays have the shape [N,H,W], [N,H·W] with H = W, [N,H,W,C] or [N,C,H,W]; C is 1, or 3 equal
    channels. Values are bool, integers in [0,255] or floats. Floats are interpreted by the range of
    the whole array: the first of [0,1], [-1,1] and, if the maximum is at least 64, [0,255] that
    holds them; an excess of up to a thousandth of its width is clipped. Integers with the maximum 1
    are refused: black and white must be bool, and others are floats truncated to integers.

    Raises ImagesError, or IdxError for a malformed IDX file.
    """
    path = Path(path)
    with explain_errors(path):
        images, labels = _load_images(path, class_names)
    pixels = _to_grey(path, images)
    if labels is None:
        return pixels, None
    classes = _to_classes(f"{path}, labels", labels)
    if len(classes) != len(pixels):
        raise ImagesError(
            f"{path} holds {len(classes)} labels, expected {len(pixels)}, one an image"
        )
    return pixels, classes


def read_labels(path: Path) -> np.ndarray:
    """Read labels i32[N] in [0, 2**31).

    `path` is one of
    - IDX, raw or gzip, or .npy: integers [N] or [N,1];
    - .npz: the array `labels`, `label` or `y`, or else the only integers of rank 1;
    - text (.txt, .csv) with one whole number a line, "3" or "3.0", and no heading.

    Raises ImagesError, or IdxError for a malformed IDX file.
    """
    path = Path(path)
    with explain_errors(path):
        kind, _ = _recognise(path)
        if kind in ("folder", "pictures"):
            raise ImagesError(
                f"{path} is a folder or zip of other files; expected {arrays.LABEL_FORMATS}"
            )
        with arrays.OPENERS[kind](path) if kind else arrays.open_text(path) as stored:
            labels = stored[arrays.choose(path, stored, _LABEL_ARRAYS, arrays.is_classes)]
    return _to_classes(path, labels)


def class_folders(path: Path) -> tuple[str, ...]:
    """The names, in natural order, of the sub-folders of a folder or zip of PNG pictures. None if
    they are whole numbers, and of other files. Raises ImagesError."""
    path = Path(path)
    with explain_errors(path):
        kind, _ = _recognise(path)
        if kind == "folder":
            return pictures.class_folders(path, _files(path))
        if kind == "pictures":
            with zipfile.ZipFile(path) as archive:
                return pictures.class_folders(path, members(archive))
    return ()


def _files(folder: Path) -> list[str]:
    """The names of the user's files in a folder of pictures. Raises ImagesError."""
    names = list(itertools.islice(pictures.files(folder), pictures.MAX_FILES + 1))
    check_printable(folder, names)
    return names


def _load_images(path: Path, class_names: Sequence[str]) -> tuple[np.ndarray, np.ndarray | None]:
    """Images and labels as they are stored; pictures as u8[N,H,W]."""
    kind, start = _recognise(path)
    if kind == "folder":
        open_file = lambda name: (path / name).open("rb")
        return pictures.read(path, _files(path), open_file, class_names)
    if kind == "pictures":
        with zipfile.ZipFile(path) as archive:
            names = members(archive)
            return pictures.read(path, names, partial(unpack, archive), class_names)
    if kind is None:
        beginning = f"begins with {start!r}" if start else "is empty"
        raise ImagesError(f"{path} {beginning}; expected {_IMAGE_FORMATS}")
    with arrays.OPENERS[kind](path) as stored:
        name = arrays.choose(path, stored, _IMAGE_ARRAYS, lambda array: array.ndim in (3, 4))
        label_names = [label for label in _LABEL_ARRAYS if label in stored]
        # numpy.savez(file, images, labels) calls them arr_0 and arr_1.
        if name == "arr_0" and "arr_1" in stored and arrays.is_classes(stored["arr_1"]):
            label_names.append("arr_1")
        return stored[name], stored[label_names[0]] if label_names else None


def _recognise(path: Path) -> tuple[str | None, bytes]:
    """The kind ("folder", "pictures" in a zip, a key of `arrays.OPENERS`, or None) and the first
    bytes."""
    # Looked at before it is opened, because opening a named pipe waits for a writer.
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        return "folder", b""
    if not stat.S_ISREG(mode):
        raise ImagesError(f"cannot read {path}: it is neither a file nor a folder")
    with path.open("rb") as file:
        start = file.read(8)
    kind = next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)
    if kind != "zip":
        return kind, start
    with zipfile.ZipFile(path) as archive:
        # `unpack` reads no file beyond the size that is claimed here.
        size = sum(info.file_size for info in archive.infolist())
        names = members(archive)
    if size > MAX_UNPACKED_BYTES:
        raise ImagesError(
            f"{path} unpacks to {size} bytes, expected at most {MAX_UNPACKED_BYTES}; write the "
            "images as one .npy file"
        )
    is_npz = names and all(name.endswith(".npy") for name in names)
    return "npz" if is_npz else "pictures", start


def _to_classes(where: Path | str, labels: np.ndarray) -> np.ndarray:
    """Integers of any type, [N] or [N,1] -> i32[N]."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if not arrays.is_classes(labels) or labels.size == 0:
        raise ImagesError(
            f"{where}: found {arrays.type_and_shape(labels)}, expected one integer an image, [N]; "
            "save one-hot rows as argmax(axis=1), and floats as integers"
        )
    wrong = np.flatnonzero((labels < 0) | (labels > arrays.MAX_LABEL))
    if wrong.size:
        raise ImagesError(
            f"{where}: found {labels[wrong[0]]} at position {wrong[0]}, expected 0 to "
            f"{arrays.MAX_LABEL}"
        )
    return labels.astype(np.int32)


def _to_grey(path: Path, images: np.ndarray) -> np.ndarray:
    """Images of any shape, type and range that `read_images` allows -> u8[N,H,W], C-contiguous."""
    channels = _to_uint8(path, _channels_last(path, images))
    coloured = np.flatnonzero((channels != channels[..., :1]).any(axis=(1, 2, 3)))
    if coloured.size:
        raise ImagesError(
            f"{path}: the channels of image {coloured[0]} differ, expected grey images; save one "
            "channel"
        )
    return np.ascontiguousarray(channels[..., 0])


def _channels_last(path: Path, images: np.ndarray) -> np.ndarray:
    """A view [N,H,W,C] of the images, where C is 1 or 3."""
    view = images
    side = math.isqrt(images.shape[1]) if images.ndim == 2 else 0
    if side and side**2 == images.shape[1]:
        view = images.reshape(-1, side, side, 1)
    elif images.ndim == 3:
        view = images[..., None]
    elif images.ndim == 4 and images.shape[3] not in (1, 3):
        view = np.moveaxis(images, 1, 3)
    if view.size == 0 or view.ndim != 4 or view.shape[3] not in (1, 3):
        raise ImagesError(
            f"{path} holds {arrays.type_and_shape(images)}, expected images [N,H,W], [N,H,W,C] or "
            "[N,C,H,W] with 1 or 3 channels, or [N,H·W] with H = W"
        )
    return view


def _to_uint8(path: Path, images: np.ndarray) -> np.ndarray:
    """Bool, integers or floats -> u8 of the same shape, black 0 and white 255."""
    if images.dtype.kind == "b":
        return images * np.uint8(255)
    if images.dtype.kind not in "iuf":
        raise ImagesError(
            f"{path} holds {images.dtype.name} values, expected integers, floats or bool"
        )
    low, high = float(images.min()), float(images.max())
    holds = f"{path} holds {images.dtype.name} values from {low:g} to {high:g}"
    if images.dtype.kind != "f":
        if low < 0 or high > 255:
            raise ImagesError(f"{holds}, expected integers from 0 to 255")
        if high == 1:
            raise ImagesError(f"{holds}, expected 0 to 255; save black and white as bool")
        return images.astype(np.uint8, copy=False)
    if not (math.isfinite(low) and math.isfinite(high)):
        first = np.argwhere(~np.isfinite(images))[0][0]
        raise ImagesError(f"{path}: image {first} holds NaN or infinity, expected finite numbers")
    for black, white, least in _FLOAT_RANGES:
        rounding = (white - black) / 1000
        if black - rounding <= low and least <= high <= white + rounding:
            scaled = (images.astype(np.float32) - black) * (255 / (white - black))
            return np.rint(scaled).clip(0, 255).astype(np.uint8)
    raise ImagesError(f"{holds}, expected floats in [0,1], [-1,1] or [0,255]; rescale them")
