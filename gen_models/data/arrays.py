"""Arrays in files of other programs: IDX, .npy, .npz, and whole numbers as text."""

import contextlib
import math
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from gen_models.data import idx
from gen_models.data.foreign import ImagesError, describe_contents, members, unpack

MAX_LABEL = 2**31 - 1
LABEL_FORMATS = "IDX, .npy, .npz, or text with one whole number a line and no heading"


def open_text(path: Path) -> contextlib.nullcontext[dict[str, np.ndarray]]:
    """The whole numbers i32[N] of a text file, one on each line that is not blank. Raises
    ImagesError."""
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
            raise ImagesError(
                f"{path}, line {number}: found {line[:40]!r}; expected {LABEL_FORMATS}"
            )
        values.append(int(value))
    return contextlib.nullcontext({"arr_0": np.array(values, np.int32)})


class _Npz(Mapping[str, np.ndarray]):
    """The arrays of an .npz file by name. Each is read, whole, when it is asked for."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._members = {name.removesuffix(".npy"): name for name in members(archive)}

    def __getitem__(self, name: str) -> np.ndarray:
        file = unpack(self._archive, self._members[name])
        return np.lib.format.read_array(file, allow_pickle=False)

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


@contextlib.contextmanager
def _open_npz(path: Path) -> Iterator[_Npz]:
    with zipfile.ZipFile(path) as archive:
        yield _Npz(archive)


# Each opens a mapping from names to arrays. A single unnamed array is arr_0, as in numpy.savez.
OPENERS = {
    "idx": lambda path: contextlib.nullcontext({"arr_0": idx.read(path)}),
    "npy": lambda path: contextlib.nullcontext({"arr_0": np.load(path, "r", allow_pickle=False)}),
    "npz": _open_npz,
}


def choose(
    path: Path,
    arrays: Mapping[str, np.ndarray],
    names: Sequence[str],
    fits: Callable[[np.ndarray], bool],
) -> str:
    """The first of `names` that exists, else the only array, else the only one that fits. Raises
    ImagesError if none or several fit."""
    named = [name for name in names if name in arrays]
    if named or len(arrays) == 1:
        return (named or list(arrays))[0]
    fitting = [name for name, array in arrays.items() if fits(array)]
    if len(fitting) == 1:
        return fitting[0]
    contents = describe_contents(
        [f"{name} {type_and_shape(array)}" for name, array in arrays.items()]
    )
    raise ImagesError(f"{path} holds {contents}; expected an array called {' or '.join(names)}")


def type_and_shape(array: np.ndarray) -> str:
    """Type and shape of an array as text."""
    return f"{array.dtype.name}{list(array.shape)}"


def is_classes(array: np.ndarray) -> bool:
    """Whether an array has one integer per image."""
    return array.ndim == 1 and array.dtype.kind in "iu"
