"""Find and load a data set.

It is looked for in the folder that the user names, where an operating system's package puts it, and
in the user's cache, and is fetched into that cache if not found. Any other folder that holds the
four IDX files of an MNIST-like data set is a data set of its own.
"""

import contextlib
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np

from gen_models.algorithm import Spec
from gen_models.data import folders, idx, own
from gen_models.data.fetch import DataError, fetch, notice
from gen_models.data.known import (
    CATALOG,
    FILES,
    IMAGES,
    LABELS,
    QMNIST_COLUMNS,
    KnownDataset,
)
from gen_models.errors import UserError
from gen_models.fields import nearest
from gen_models.storage.cache import expanded, fillable_folder

Split = Literal["train", "test"]

DEFAULT = "fashion_mnist"
DATA_DIR_VARIABLE = "GEN_MODELS_DATA"
MAX_IN_MEMORY_BYTES = 2**30


class Dataset(NamedTuple):
    """One split of a data set of labelled grey images."""

    name: str  # "fashion_mnist", "mnist" or the name of the folder
    images: np.ndarray  # u8[N,H,W], read-only, memory-mapped where the file is raw
    labels: np.ndarray  # i32[N], read-only, in [0, num_classes)
    class_names: tuple[str, ...]  # names in the order of the labels
    digest: str  # SHA-256, in hex, that identifies images and labels of this split

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    @property
    def spec(self) -> Spec:
        """The properties that a model is built for."""
        return Spec(*self.image_shape, self.num_classes)

    @property
    def image_shape(self) -> tuple[int, int]:
        """Height and width (H, W) of the images."""
        return self.images.shape[1:]

    def part(self, chosen: np.ndarray, what: str) -> "Dataset":
        """Some of the images, chosen by a mask or indices. `what` names the choice, so that the
        digest of the part can be computed from it."""
        images, labels = self.images[chosen], self.labels[chosen]
        for array in (images, labels):
            array.flags.writeable = False
        digest = hashlib.sha256(f"{self.digest} {what}".encode()).hexdigest()
        return self._replace(images=images, labels=labels, digest=digest)


class Splits(NamedTuple):
    """Both splits of a data set."""

    train: Dataset  # images to train on
    test: Dataset  # images to measure with


def name_to_look_for(recorded: str | None, folder: Path | None) -> str | None:
    """The name to give to `load` for a recorded name, or None if the folder alone identifies the
    data: a run on the user's own data records a name made from the folder's, not one of CATALOG."""
    return recorded if recorded in CATALOG or folder is None else None


def with_name(splits: Splits, name: str) -> Splits:
    """The splits under a name that was recorded for them, whatever their folder is called today."""
    return Splits(*(data._replace(name=name) for data in splits))


def load_splits(name: str | None = None, data_dir: str | Path | None = None) -> Splits:
    """Load both splits as `load` does, but into memory unless they are huge.

    A mapped file that another program truncates would kill this process, and one that it
    overwrites would change the data during training.
    """
    return Splits(*(_in_memory(load(name, split, data_dir)) for split in get_args(Split)))


def _in_memory(dataset: Dataset) -> Dataset:
    is_mapped = isinstance(dataset.images, np.memmap)
    if not is_mapped or dataset.images.nbytes > MAX_IN_MEMORY_BYTES:
        return dataset
    images = np.array(dataset.images)
    images.flags.writeable = False
    return dataset._replace(images=images)


def load(
    name: str | None = None, split: Split = "train", data_dir: str | Path | None = None
) -> Dataset:
    """Find, check and load one split of a data set.

    `data_dir`, or else the environment variable GEN_MODELS_DATA, is a folder that holds the four
    IDX files, raw or .gz, directly, in a sub-folder named like the data set, or in any other up to
    `folders.DEPTH` levels deep. It may end in the prefix of the files' names, if they have one.
    Without `name`, the folder is the known data set with the same digests, or else a data set of
    its own, named after the prefix or the folder. The default is fashion_mnist. Digests of known
    data sets are always checked.

    Raises DataError: unknown name, wrong digest, inconsistent or missing files, or nothing could be
    fetched; IdxError: a malformed file.
    """
    if name is not None and name not in CATALOG:
        raise DataError(
            f"no data set is called {name!r}; {nearest(name, CATALOG)}; a folder of your own "
            "goes to --data-dir"
        )
    if split not in get_args(Split):
        raise DataError(f"no split is called {split!r}; {nearest(split, get_args(Split))}")
    try:
        # A folder named without a data set must be used; no other data may replace it.
        insist = name is None and data_dir is not None
        return _search(name, split, _named_folder(data_dir), insist)
    except OSError as error:  # errors of reading and writing files are handled elsewhere
        raise DataError(f"cannot look at {error.filename}: {error.strerror}") from error


def _search(name: str | None, split: Split, folder: Path | None, insist: bool) -> Dataset:
    """Load from the user's folder or, unless `insist`, from an installed or fetched copy."""
    if folder is not None:
        for candidate, known in _candidates(folder, name):
            data_set = folders.choose(candidate, folders.find(candidate), known)
            if data_set is not None:
                return _load_files(data_set, known or folders.identify(data_set.files), split)
        below = [
            data_set
            for inner in folders.folders_below(folder)
            for data_set in folders.data_sets_in(inner, folder)
        ]
        whole = [data_set for data_set in below if data_set.is_whole]
        if name is not None:  # ignore other data sets
            whole = [data_set for data_set in whole if folders.identify(data_set.files) == name]
        data_set = folders.choose(folder, whole, name)
        if data_set is not None:
            return _load_files(data_set, folders.identify(data_set.files), split)
        if insist:
            raise DataError(
                f"{folder} holds no IDX files of a data set, by their names; it has "
                f"{folders.describe_files(folder)}; expected {', '.join(FILES)}, raw or .gz, "
                "together there or in a folder in it (python -m experiments.convert makes them of "
                "pictures); name a --dataset to look for it elsewhere too"
            )
        notice(f"{folder} holds no IDX files; looking for {name or DEFAULT} elsewhere")
    return _load_installed(CATALOG[name or DEFAULT], split)


def _load_installed(entry: KnownDataset, split: Split) -> Dataset:
    """Load from an OS package's folder or the cache, which is filled or repaired if necessary."""
    for os_folder in map(Path, entry.os_folders):
        for data_set in folders.find(os_folder):
            return _load_known(entry, data_set.files, split, "reinstall the package that owns it")
    folder = fillable_folder(entry.name)
    files = {file: folder / file for file in FILES}
    if all(path.is_file() for path in files.values()):
        # `fetch` finds damaged files, reports them and gets them again.
        with contextlib.suppress(DataError, idx.IdxError):
            return _load_known(entry, files, split, "")
    fetch(entry.name, entry.payloads, entry.sources, folder)
    return _load_known(entry, files, split, "remove it")


def _load_files(data_set: folders.DatasetFiles, known: str | None, split: Split) -> Dataset:
    """Load files as the data set `known`, or as a data set of their own if that is None."""
    if known is None:
        return _load_own(data_set, split)
    return _load_known(CATALOG[known], data_set.files, split, _own_hint(data_set.place))


def _load_known(entry: KnownDataset, files: dict[str, Path], split: Split, hint: str) -> Dataset:
    expected = {payload.name: payload.sha256 for payload in entry.payloads}
    arrays, digests = [], []
    for file in (IMAGES[split], LABELS[split]):
        arrays.append(idx.read(files[file]))
        digests.append(idx.digest(arrays[-1]))
        if digests[-1] != expected[file]:
            raise DataError(
                f"{files[file]} is not {entry.name}'s: found sha256 {digests[-1]}, "
                f"expected {expected[file]}; {hint}"
            )
    return _dataset(entry.name, *arrays, entry.class_names, *digests)


def _load_own(data_set: folders.DatasetFiles, split: Split) -> Dataset:
    """Load files as a data set of their own, with image shape and classes found in them."""
    arrays = {file: idx.read(data_set.files[file]) for file in FILES}
    for file in LABELS.values():
        if arrays[file].ndim == 2 and arrays[file].shape[1] == QMNIST_COLUMNS:
            arrays[file] = arrays[file][:, 0]
    own.check_arrays(arrays, data_set.files)
    images, labels = arrays[IMAGES[split]], arrays[LABELS[split]]
    names = own.read_class_names(data_set.place, own.count_classes(arrays))
    if split == "train":
        _say_absent(data_set.name, labels, names)
    digests = (idx.digest(images), idx.digest(labels))
    return _dataset(data_set.name, images, labels, names, *digests)


def _say_absent(name: str, labels: np.ndarray, class_names: Sequence[str]) -> None:
    """Print which classes, if any, have no training image."""
    absent = np.setdiff1d(np.arange(len(class_names)), labels)
    if absent.size:
        named = folders.shortened_list(class_names[label] for label in absent)
        notice(
            f"{name}: no training image has the label {named}; "
            "no picture and no sample is of such a class unless it is asked for"
        )


def _dataset(
    name: str,
    images: np.ndarray,
    labels: np.ndarray,
    class_names: tuple[str, ...],
    images_digest: str,
    labels_digest: str,
) -> Dataset:
    digest = hashlib.sha256(f"{images_digest} {labels_digest}".encode()).hexdigest()
    labels = labels.astype(np.int32)
    labels.flags.writeable = False
    return Dataset(name, images, labels, class_names, digest)


def _named_folder(data_dir: str | Path | None) -> Path | None:
    """The folder named by argument or environment variable, or None. Raises DataError if it does
    not exist."""
    source = "the data folder"
    if data_dir is None:
        data_dir = os.environ.get(DATA_DIR_VARIABLE) or None
        source = f"the data folder that {DATA_DIR_VARIABLE} names"
    if data_dir is None:
        return None
    try:
        folder = expanded(data_dir)
    except UserError as error:
        raise DataError(str(error)) from error
    if not folder.is_dir() and not folders.data_sets_in(folder, folder):
        raise DataError(f"{source}, {folder}, is not there or not a folder")
    return folder


def _candidates(folder: Path, name: str | None) -> list[tuple[Path, str | None]]:
    """Folders to look in, each with the known data set that it must hold, or None for any."""
    known = name or DEFAULT
    inside = [(folder / known, known), (folder / known.replace("_", "-"), known)]
    direct = (folder, name)
    return [direct, *inside] if name is None else [*inside, direct]


def _own_hint(folder: Path) -> str:
    return (
        f"get it again, or, to use it as a data set of its own, leave out --dataset and give "
        f"--data-dir {folder}"
    )
