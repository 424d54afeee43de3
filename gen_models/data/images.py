"""Read generated images, and their labels, as any other program may have written them.

A file is recognised by its first bytes; its name does not matter. Pickles are never loaded.
"""

import contextlib
import io
import itertools
import math
import re
import stat
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np
from PIL import Image

from gen_models.data import idx
from gen_models.errors import UserError

MAX_UNPACKED_BYTES = 2**30  # of all files in a zip; and of the grey pixels of all pictures
MAX_PICTURE_PIXELS = 2**22
MAX_FILES = 10**6
MAX_LABEL = 2**31 - 1

_MAGIC = {
    b"\0\0": "idx",
    b"\x1f\x8b": "idx",  # gzip
    b"\x93NUMPY": "npy",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",  # with no files in it
}
_IMAGE_FORMATS = "IDX, .npy, .npz, or a folder or zip of PNG pictures"
_LABEL_FORMATS = "IDX, .npy, .npz, or text with one whole number a line and no heading"
_IMAGE_ARRAYS = ("images", "samples", "x", "arr_0")
_LABEL_ARRAYS = ("labels", "label", "y")
# Black, white, and the least maximum of float images: darker ones are in another range.
_FLOAT_RANGES = ((0, 1, -math.inf), (-1, 1, -math.inf), (0, 255, 64))
# What NumPy, Pillow and zipfile raise for a file that is broken.
_BROKEN = (
    *(OSError, ValueError, SyntaxError, LookupError, TypeError, EOFError, MemoryError),
    *(OverflowError, RuntimeError, struct.error, zlib.error, tokenize.TokenError),
    *(zipfile.BadZipFile, Image.DecompressionBombError),
)


class ImagesError(UserError):
    """A file does not hold images or labels in a form that is understood, or cannot be read."""


def read_images(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Read images u8[N,H,W], C-contiguous, maybe read-only, and their labels i32[N] or None.

    `path` is one of
    - IDX, raw or gzip, or .npy: images alone;
    - .npz: the array `images`, `samples`, `x` or `arr_0`, or else the only one of rank 3 or 4;
      labels are `labels`, `label` or `y`, or, beside `arr_0`, the integers `arr_1[N]`;
    - a folder or zip of PNG pictures of one size, opaque and grey in any mode, in natural order
      (2 before 10). All are in one folder, or all in its sub-folders. Sub-folders whose names are
      all whole numbers, of 9 digits at most, are the labels. Hidden files do not count. Of 16 bits
      the upper 8 are read.

    Arrays have the shape [N,H,W], [N,H·W] with H = W, [N,H,W,C] or [N,C,H,W]; C is 1, or 3 equal
    channels. Values are bool, integers in [0,255] or floats. The range of floats over the whole
    array says what they mean: the first of [0,1], [-1,1] and, if the maximum is at least 64,
    [0,255] that they are in, up to a thousandth of its width, which is clipped. Integers with the
    maximum 1 are refused: black and white is bool, and the rest are floats cut to integers.

    Raises ImagesError, or IdxError for a malformed IDX file.
    """
    path = Path(path)
    with _explained(path):
        images, labels = _load_images(path)
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
    with _explained(path):
        kind, _ = _recognise(path)
        if kind in ("folder", "pictures"):
            raise ImagesError(
                f"{path} is a folder or zip of other files; expected {_LABEL_FORMATS}"
            )
        with _ARRAYS[kind](path) if kind else _open_text(path) as arrays:
            labels = arrays[_choose(path, arrays, _LABEL_ARRAYS, _is_classes)]
    return _to_classes(path, labels)


def _load_images(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Images and labels as they are stored; pictures as u8[N,H,W]."""
    kind, start = _recognise(path)
    if kind == "folder":
        names = list(itertools.islice(_files(path), MAX_FILES + 1))
        return _read_pictures(path, names, lambda name: (path / name).open("rb"))
    if kind == "pictures":
        with zipfile.ZipFile(path) as archive:
            names = _members(archive)
            return _read_pictures(path, names, lambda name: _unpack(archive, name))
    if kind is None:
        found = f"begins with {start!r}" if start else "is empty"
        raise ImagesError(f"{path} {found}; expected {_IMAGE_FORMATS}")
    with _ARRAYS[kind](path) as arrays:
        name = _choose(path, arrays, _IMAGE_ARRAYS, lambda array: array.ndim in (3, 4))
        label_names = [label for label in _LABEL_ARRAYS if label in arrays]
        # numpy.savez(file, images, labels) calls them arr_0 and arr_1.
        if name == "arr_0" and "arr_1" in arrays and _is_classes(arrays["arr_1"]):
            label_names.append("arr_1")
        return arrays[name], arrays[label_names[0]] if label_names else None


def _recognise(path: Path) -> tuple[str | None, bytes]:
    """The kind ("folder", "pictures" in a zip, a key of `_ARRAYS`, None) and the first bytes."""
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
        # `_unpack` reads no file beyond the size that is claimed here.
        size = sum(info.file_size for info in archive.infolist())
        names = _members(archive)
    if size > MAX_UNPACKED_BYTES:
        raise ImagesError(
            f"{path} unpacks to {size} bytes, expected at most {MAX_UNPACKED_BYTES}; write the "
            "images as one .npy file"
        )
    arrays = names and all(name.endswith(".npy") for name in names)
    return "npz" if arrays else "pictures", start


@contextlib.contextmanager
def _explained(where: Path | str, expected: str = "file without pickles") -> Iterator[None]:
    """Make one line of what a library raises for a broken file, and drop its warnings."""
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except _BROKEN as error:
        if isinstance(error, OSError) and error.strerror:
            raise ImagesError(f"cannot read {error.filename or where}: {error.strerror}") from error
        # The first line, without "<_io.BytesIO object at …>" and a full stop.
        reason = re.split("[.]? <|[.]?\n|[.]$", str(error))[0] or type(error).__name__
        raise ImagesError(
            f"cannot read {where}: {reason}; expected an unbroken {expected}; write it again"
        ) from error


# --- zips


def _members(archive: zipfile.ZipFile) -> list[str]:
    names = dict.fromkeys(archive.namelist())  # one that is there twice counts once
    return [name for name in names if not name.endswith("/") and not _is_hidden(name)]


def _unpack(archive: zipfile.ZipFile, name: str) -> io.BytesIO:
    """A file of a zip, in memory: no more than it claims to be, even on the way."""
    info = archive.getinfo(name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile("it is compressed in another way than deflate")
    with archive.open(name) as file:
        # Without a size, read() unpacks all there is before it cuts that to the claim.
        return io.BytesIO(file.read(info.file_size))


# --- arrays


def _open_text(path: Path) -> contextlib.nullcontext[dict[str, np.ndarray]]:
    """The whole numbers i32[N] of a text file, one on each line that is not blank."""
    values = []
    lines = path.read_text("utf-8-sig", errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = float(line)  # numpy.savetxt writes 3 as 3.000000000000000000e+00
        except ValueError:
            value = math.nan
        if not (0 <= value <= MAX_LABEL and value.is_integer()):
            found = f"{path}, line {number}: found {line[:40]!r}"
            raise ImagesError(f"{found}; expected {_LABEL_FORMATS}")
        values.append(int(value))
    return contextlib.nullcontext({"arr_0": np.array(values, np.int32)})


class _Npz(Mapping[str, np.ndarray]):
    """The arrays of an .npz file by name. Each is read, whole, when it is asked for."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._members = {name.removesuffix(".npy"): name for name in _members(archive)}

    def __getitem__(self, name: str) -> np.ndarray:
        file = _unpack(self._archive, self._members[name])
        return np.lib.format.read_array(file, allow_pickle=False)

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


@contextlib.contextmanager
def _open_npz(path: Path) -> Iterator[_Npz]:
    with zipfile.ZipFile(path) as archive:
        yield _Npz(archive)


# Each opens a mapping from names to arrays. A file of one array calls it as numpy.savez does.
_ARRAYS = {
    "idx": lambda path: contextlib.nullcontext({"arr_0": idx.read(path)}),
    "npy": lambda path: contextlib.nullcontext({"arr_0": np.load(path, "r", allow_pickle=False)}),
    "npz": _open_npz,
}


def _choose(
    path: Path,
    arrays: Mapping[str, np.ndarray],
    names: Sequence[str],
    fits: Callable[[np.ndarray], bool],
) -> str:
    """The first of `names` that is there, or the only array, or the only one that fits."""
    named = [name for name in names if name in arrays]
    if named or len(arrays) == 1:
        return (named or list(arrays))[0]
    fitting = [name for name, array in arrays.items() if fits(array)]
    if len(fitting) == 1:
        return fitting[0]
    found = _listing([f"{name} {_kind(array)}" for name, array in arrays.items()])
    raise ImagesError(f"{path} holds {found}; expected an array called {' or '.join(names)}")


def _kind(array: np.ndarray) -> str:
    return f"{array.dtype.name}{list(array.shape)}"


def _listing(names: Sequence[str]) -> str:
    more = [f"{len(names) - 5} more"] if len(names) > 5 else []
    return ", ".join([*names[:5], *more]) or "nothing"


def _is_classes(array: np.ndarray) -> bool:
    return array.ndim == 1 and array.dtype.kind in "iu"


def _to_classes(where: Path | str, labels: np.ndarray) -> np.ndarray:
    """Integers of any type, [N] or [N,1] -> i32[N]."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if not _is_classes(labels) or labels.size == 0:
        raise ImagesError(
            f"{where}: found {_kind(labels)}, expected one integer an image, [N]; save one-hot "
            "rows as argmax(axis=1), and floats as integers"
        )
    wrong = np.flatnonzero((labels < 0) | (labels > MAX_LABEL))
    if wrong.size:
        found = f"{where}: found {labels[wrong[0]]} at position {wrong[0]}"
        raise ImagesError(f"{found}, expected 0 to {MAX_LABEL}")
    return labels.astype(np.int32)


def _to_grey(path: Path, images: np.ndarray) -> np.ndarray:
    """Images of any shape, type and range that `read_images` allows -> u8[N,H,W], C-contiguous."""
    channels = _to_uint8(path, _channels_last(path, images))
    coloured = np.flatnonzero((channels != channels[..., :1]).any(axis=(1, 2, 3)))
    if coloured.size:
        found = f"{path}: the channels of image {coloured[0]} differ"
        raise ImagesError(f"{found}, expected grey images; save one channel")
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
            f"{path} holds {_kind(images)}, expected images [N,H,W], [N,H,W,C] or [N,C,H,W] with 1 "
            "or 3 channels, or [N,H·W] with H = W"
        )
    return view


def _to_uint8(path: Path, images: np.ndarray) -> np.ndarray:
    """Bool, integers or floats -> u8 of the same shape, black 0 and white 255."""
    if images.dtype.kind == "b":
        return images * np.uint8(255)
    if images.dtype.kind not in "iuf":
        found = f"{path} holds {images.dtype.name} values"
        raise ImagesError(f"{found}, expected integers, floats or bool")
    low, high = float(images.min()), float(images.max())
    found = f"{path} holds {images.dtype.name} values from {low:g} to {high:g}"
    if images.dtype.kind != "f":
        if low < 0 or high > 255:
            raise ImagesError(f"{found}, expected integers from 0 to 255")
        if high == 1:
            raise ImagesError(f"{found}, expected 0 to 255; save black and white as bool")
        return images.astype(np.uint8, copy=False)
    if not (math.isfinite(low) and math.isfinite(high)):
        first = np.argwhere(~np.isfinite(images))[0][0]
        raise ImagesError(f"{path}: image {first} holds NaN or infinity, expected finite numbers")
    for black, white, least in _FLOAT_RANGES:
        rounding = (white - black) / 1000
        if black - rounding <= low and least <= high <= white + rounding:
            scaled = (images.astype(np.float32) - black) * (255 / (white - black))
            return np.rint(scaled).clip(0, 255).astype(np.uint8)
    raise ImagesError(f"{found}, expected floats in [0,1], [-1,1] or [0,255]; rescale them")


# --- pictures


def _files(folder: Path, within: str = "", depth: int = 2) -> Iterator[str]:
    """Names, relative to `folder`, of the files in it and in its sub-folders, `depth` deep."""
    for entry in (folder / within).iterdir():
        name = within + entry.name
        if depth and entry.is_dir() and not _is_hidden(name):
            yield from _files(folder, f"{name}/", depth - 1)
        elif not _is_hidden(name):
            yield name if entry.is_file() else f"{name} (not a file)"


def _is_hidden(name: str) -> bool:
    """Whether a file is one of those that operating systems leave beside the user's."""
    litter = ("__MACOSX", "Thumbs.db", "desktop.ini")
    return any(part.startswith(".") or part in litter for part in PurePosixPath(name).parts)


def _read_pictures(
    path: Path, files: Sequence[str], open_file: Callable[[str], BinaryIO]
) -> tuple[np.ndarray, np.ndarray | None]:
    """PNG pictures in natural order, u8[N,H,W]; the numbers of their folders, if they have such."""
    if len(files) > MAX_FILES:
        raise ImagesError(f"{path} holds more than {MAX_FILES} files; take some out")
    names = sorted((name for name in files if name.lower().endswith(".png")), key=_natural_order)
    others = sorted(set(files).difference(names))
    if others or not names:
        wanted = "PNG pictures and no other files, or .npy files alone in a zip"
        raise ImagesError(f"{path} holds {_listing(others)}; expected {wanted}")
    labels = _folder_numbers(path, names)
    pixels = np.empty((0, 0, 0), np.uint8)
    for index, name in enumerate(names):
        where = f"{path}/{name}"
        with (
            _explained(where, "PNG picture"),
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
