"""Data sets of the user's own: what their arrays must be, and how they are written."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from gen_models.data import idx
from gen_models.data.fetch import DataError
from gen_models.data.known import CLASSES, FILES, IMAGES, LABELS
from gen_models.storage.cache import expanded
from gen_models.storage.files import write_error, write_text

MIN_IMAGE_SIZE = 4
MAX_CLASSES = 2**16  # bound, so that a stray label does not make a million class names
MAX_NAME = 60  # characters of a class name, which is printed beside pictures


def save_dataset(
    folder: str | Path,
    train: tuple[ArrayLike, ArrayLike | None],
    test: tuple[ArrayLike, ArrayLike | None],
    class_names: Sequence[str] | None = None,
) -> None:
    """Write images of your own as a data set: a folder for `data_dir` of `train` and for --data-dir
    of the commands, after whose name the data set is called.

    `train` and `test` are pairs (images, labels): images u8[N,H,W], where H and W divide by 4, and
    whole numbers [N], from 0 on; None in both for images without labels, then of one class, 0.
    `class_names` are in the order of the labels; without them classes are called by their numbers.
    Files of a data set that are in the folder are replaced. Raises DataError for arrays and names
    of another kind and UserError if the folder cannot be written.
    """
    arrays, places = {}, {}
    for split, pair in {"train": train, "test": test}.items():
        if not (isinstance(pair, tuple | list) and len(pair) == 2):
            raise DataError(
                f"{split} is of the type {type(pair).__name__}, expected a pair (images, labels); "
                "labels are None for images without labels"
            )
        images, labels = pair
        if (labels is None) != (train[1] is None):
            raise DataError("only one of train and test has labels; give both labels, or None")
        places[IMAGES[split]] = f"the array of {split} images"
        places[LABELS[split]] = f"the array of {split} labels"
        images = _array(images, places[IMAGES[split]])
        labels = np.zeros(images.shape[:1], np.uint8) if labels is None else labels
        arrays |= {IMAGES[split]: images, LABELS[split]: _array(labels, places[LABELS[split]])}
    check_arrays(arrays, places)
    check_size("the data set", images.shape[1:])
    if class_names is not None:
        _check_class_names(class_names, count_classes(arrays), "class_names")
    folder = expanded(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in (*FILES, CLASSES):  # old and new files together would be a wrong data set
            (folder / file).unlink(missing_ok=True)
    except OSError as error:
        raise write_error(folder, error) from error
    for file, array in arrays.items():
        idx.write(folder / file, array if file in IMAGES.values() else compact(array))
    if class_names is not None:
        write_text(folder / CLASSES, "".join(f"{name}\n" for name in class_names))


def _array(values: ArrayLike, place: str) -> np.ndarray:
    """An array of values. Raises DataError for images of several sizes in a list."""
    try:
        return np.asarray(values)
    except ValueError as error:
        raise DataError(f"{place} cannot be made: {error}") from error


def compact(labels: np.ndarray) -> np.ndarray:
    """Labels of any integer type, one or more, in a type of IDX: as bytes if they fit."""
    return labels.astype(np.uint8 if labels.max() < 256 else np.int32)


def count_classes(arrays: Mapping[str, np.ndarray]) -> int:
    """The number of classes that the labels of a data set need."""
    return 1 + max(int(arrays[file].max()) for file in LABELS.values())


def read_class_names(place: Path, num_classes: int) -> tuple[str, ...]:
    """The class names in the file beside a data set, whose `place` is its folder or folder/prefix:
    `classes.txt` or `<prefix>-classes.txt`. Without that file, names are the labels' numbers.
    Raises DataError for names that do not fit, and OSError."""
    file = place / CLASSES if place.is_dir() else place.with_name(f"{place.name}-{CLASSES}")
    if not file.exists():
        return tuple(map(str, range(num_classes)))
    try:
        names = tuple(line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is no text in UTF-8: {error.reason}") from error
    _check_class_names(names, num_classes, file)
    return names


def _check_class_names(names: Sequence[str], num_classes: int, place: object) -> None:
    """Raise DataError unless these name at least so many classes, each by one line of its own that
    is not the number of another. `place` says in messages where they are from."""
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise DataError(f"{place} holds {names!r:.60}, expected texts, one for each class")
    if not num_classes <= len(names) <= MAX_CLASSES:
        raise DataError(
            f"{place} has {len(names)} names, expected one for each of the {num_classes} classes, "
            "in the order of the labels"
        )
    labels = {name.casefold(): label for label, name in enumerate(names)}
    for label, name in enumerate(names):
        number = int(name) if name.isdecimal() else label
        if labels[name.casefold()] != label or number != label:
            raise DataError(f"{place} calls class {label} {name!r}, as another class is called")
        if not name.strip() or not name.isprintable() or len(name) > MAX_NAME:
            raise DataError(
                f"{place} calls class {label} {name!r:.80}, expected 1 to {MAX_NAME} printable "
                "characters"
            )


def check_size(name: str, shape: tuple[int, int]) -> None:
    """Raise DataError unless the nets can be built for images of this height and width."""
    height, width = shape
    if height % 4 or width % 4:
        raise DataError(
            f"{name}: images are {height}×{width}; the nets halve them twice, so height and width "
            "must divide by 4; pad or crop them"
        )


def check_arrays(arrays: Mapping[str, np.ndarray], places: Mapping[str, object]) -> None:
    """Raise DataError unless these are the four arrays of a data set, by their names in FILES:
    images u8[N,H,W] of one size and integers [N] in [0, MAX_CLASSES). `places` says in messages
    where each is from."""
    for file in IMAGES.values():
        _check_images(arrays[file], places[file])
    for file in LABELS.values():
        _check_labels(arrays[file], places[file])
    for split, file in LABELS.items():
        images = arrays[IMAGES[split]]
        if len(arrays[file]) != len(images):
            raise DataError(
                f"{places[file]} has {len(arrays[file])} labels, expected one for each of the "
                f"{len(images)} images of {places[IMAGES[split]]}"
            )
    train, test = (arrays[file].shape[1:] for file in (IMAGES["train"], IMAGES["test"]))
    if train != test:
        raise DataError(
            f"{places[IMAGES['test']]} has images of {test}, "
            f"expected {train} as in {places[IMAGES['train']]}"
        )


def _check_images(images: np.ndarray, place: object) -> None:
    """Raise DataError unless these are images u8[N,H,W], enough and large enough to train on."""
    if images.dtype != np.uint8 or images.ndim != 3:
        raise DataError(
            f"{place} holds {images.dtype.name}{list(images.shape)}, expected images uint8[N,H,W]"
        )
    if len(images) == 0 or min(images.shape[1:]) < MIN_IMAGE_SIZE:
        raise DataError(
            f"{place} holds {images.shape[0]} images of {images.shape[1]}x{images.shape[2]}, "
            f"expected at least one, of at least {MIN_IMAGE_SIZE}x{MIN_IMAGE_SIZE}"
        )


def _check_labels(labels: np.ndarray, place: object) -> None:
    """Raise DataError unless these are labels [N] of any integer type in [0, MAX_CLASSES)."""
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise DataError(
            f"{place} holds {labels.dtype.name}{list(labels.shape)}, expected integer labels [N]"
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= MAX_CLASSES))
    if wrong.size:
        raise DataError(
            f"{place} has label {labels[wrong[0]]} at position {wrong[0]}, "
            f"expected 0 to {MAX_CLASSES - 1}"
        )
