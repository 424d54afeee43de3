"""Find and load a data set.

It is looked for in the folder that the user names, where an operating system's package puts it, and
in the user's cache, and fetched into that cache if it is nowhere. Any other folder that holds the
four IDX files of an MNIST-like data set is a data set of its own.
"""

import contextlib
import difflib
import hashlib
import os
import re
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np

from gen_models.algorithm import Spec
from gen_models.data import idx
from gen_models.data.fetch import DataError, fetch, notice
from gen_models.data.known import CATALOG, FILES, IMAGES, LABELS, KnownDataset
from gen_models.errors import UserError
from gen_models.storage.cache import cache_folder, expanded

Split = Literal["train", "test"]

DEFAULT = "fashion_mnist"
DATA_DIR_VARIABLE = "GEN_MODELS_DATA"
MIN_IMAGE_SIZE = 4
MAX_IN_MEMORY_BYTES = 2**30
MAX_CLASSES = 2**16  # a stray label must not make a million class names


class Dataset(NamedTuple):
    """One split of a data set of labelled grey images."""

    name: str  # "fashion_mnist", "mnist" or the folder's own name
    images: np.ndarray  # u8[N,H,W], read-only, memory-mapped where the file is raw
    labels: np.ndarray  # i32[N], read-only, in [0, num_classes)
    class_names: tuple[str, ...]  # one a class
    digest: str  # SHA-256, in hex, that identifies images and labels of this split

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    @property
    def spec(self) -> Spec:
        """What a model must know of it."""
        return Spec(*self.image_shape, self.num_classes)

    @property
    def image_shape(self) -> tuple[int, int]:
        """(H, W)"""
        return self.images.shape[1:]


class Splits(NamedTuple):
    """Both splits of a data set."""

    train: Dataset
    test: Dataset


def load_splits(name: str | None = None, data_dir: str | Path | None = None) -> Splits:
    """Both splits, as `load` finds them, read into memory unless they are huge.

    A mapped file that another program cuts short kills this process, and one that it overwrites
    changes the data under training.
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
    IDX files, raw or .gz, or has a sub-folder named like the data set that does. Without `name`
    such a folder is the known data set whose digests it has, or else a data set of its own, named
    after it. Without either it is fashion_mnist. A known data set's digests are checked each time.

    Raises DataError: unknown name, wrong digest, inconsistent or missing files, or nothing could be
    fetched; IdxError: a malformed file.
    """
    if name is not None and name not in CATALOG:
        raise DataError(f"there is no data set {name!r}{_nearest(name, list(CATALOG))}")
    if split not in get_args(Split):
        raise DataError(f"there is no split {split!r}{_nearest(split, list(get_args(Split)))}")
    try:
        # An own folder that is named, and nothing else, is what to train on; nothing may stand in.
        insist = name is None and data_dir is not None
        return _search(name, split, _named_folder(data_dir), insist)
    except OSError as error:  # those of reading and writing files have been dealt with
        raise DataError(f"cannot look at {error.filename}: {error.strerror}") from error


def _search(name: str | None, split: Split, folder: Path | None, insist: bool) -> Dataset:
    """Load from the folder that the user names, or else, unless that must be it, as installed."""
    if folder is not None:
        for candidate, known in _candidates(folder, name):
            files = _find_files(candidate)
            if files is not None:
                known = known or _identify(files)
                if known is None:
                    return _load_own(candidate, files, split)
                return _load_known(CATALOG[known], files, split, _own_hint(candidate))
        if insist:
            raise DataError(
                f"{folder} holds no IDX files; expected {', '.join(FILES)}, raw or .gz; name a "
                "--dataset to look for it elsewhere too"
            )
        notice(f"{folder} holds no IDX files; looking for {name or DEFAULT} elsewhere")
    return _load_installed(CATALOG[name or DEFAULT], split)


def _load_installed(entry: KnownDataset, split: Split) -> Dataset:
    """Load from an OS package's folder or the cache, which is filled or mended first if need be."""
    for os_folder in map(Path, entry.os_folders):
        files = _find_files(os_folder) if os_folder.is_dir() else None
        if files is not None:
            return _load_known(entry, files, split, "reinstall the package that owns it")
    folder = cache_folder(entry.name)
    files = {file: folder / file for file in FILES}
    if all(path.is_file() for path in files.values()):
        # `fetch` finds what is damaged, says so and gets it again.
        with contextlib.suppress(DataError, idx.IdxError):
            return _load_known(entry, files, split, "")
    fetch(entry.name, entry.payloads, entry.sources, folder)
    return _load_known(entry, files, split, "remove it")


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


def _load_own(folder: Path, files: dict[str, Path], split: Split) -> Dataset:
    """Load a folder that is a data set of its own; its shape and classes are what the files say."""
    images = {key: _read_images(files[file]) for key, file in IMAGES.items()}
    labels = {key: _read_labels(files[file]) for key, file in LABELS.items()}
    for key in get_args(Split):
        if len(images[key]) != len(labels[key]):
            raise DataError(
                f"{files[LABELS[key]]} has {len(labels[key])} labels, expected one for each of the "
                f"{len(images[key])} images of {files[IMAGES[key]]}"
            )
    if images["train"].shape[1:] != images["test"].shape[1:]:
        raise DataError(
            f"{files[IMAGES['test']]} has images of {images['test'].shape[1:]}, "
            f"expected {images['train'].shape[1:]} as in {files[IMAGES['train']]}"
        )
    num_classes = 1 + max(int(array.max()) for array in labels.values())
    names = tuple(map(str, range(num_classes)))
    digests = (idx.digest(images[split]), idx.digest(labels[split]))
    return _dataset(_own_name(folder), images[split], labels[split], names, *digests)


def _read_images(path: Path) -> np.ndarray:
    """u8[N,H,W] with N, H and W large enough to train on."""
    images = idx.read(path)
    if images.dtype != np.uint8 or images.ndim != 3:
        raise DataError(
            f"{path} holds {images.dtype.name}{list(images.shape)}, expected images uint8[N,H,W]"
        )
    if len(images) == 0 or min(images.shape[1:]) < MIN_IMAGE_SIZE:
        raise DataError(
            f"{path} holds {images.shape[0]} images of {images.shape[1]}x{images.shape[2]}, "
            f"expected at least one, of at least {MIN_IMAGE_SIZE}x{MIN_IMAGE_SIZE}"
        )
    return images


def _read_labels(path: Path) -> np.ndarray:
    """Any integer type [N], every value in [0, MAX_CLASSES)."""
    labels = idx.read(path)
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise DataError(
            f"{path} holds {labels.dtype.name}{list(labels.shape)}, expected integer labels [N]"
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= MAX_CLASSES))
    if wrong.size:
        raise DataError(
            f"{path} has label {labels[wrong[0]]} at position {wrong[0]}, "
            f"expected 0 to {MAX_CLASSES - 1}"
        )
    return labels


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
    """The folder that the user names, by argument or environment variable. It must exist."""
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
    if not folder.is_dir():
        raise DataError(f"{source}, {folder}, is not there or not a folder")
    return folder


def _candidates(folder: Path, name: str | None) -> list[tuple[Path, str | None]]:
    """Where in `folder` to look, and which known data set must be there, if any must."""
    known = name or DEFAULT
    inside = [(folder / known, known), (folder / known.replace("_", "-"), known)]
    direct = (folder, name)
    return [direct, *inside] if name is None else [*inside, direct]


def _find_files(folder: Path) -> dict[str, Path] | None:
    """Where each of the four files is, raw or .gz; None when none is there."""
    files = {}
    for name in FILES:
        spellings = (name, name.replace("-idx", ".idx"))  # some copies have the dot
        paths = [folder / (file + ending) for ending in ("", ".gz") for file in spellings]
        path = next((path for path in paths if path.is_file()), None)
        if path is not None:
            files[name] = path
    missing = [name for name in FILES if name not in files]
    if files and missing:
        raise DataError(f"{folder} holds {', '.join(files)}; it lacks {', '.join(missing)}")
    return files or None


def _identify(files: dict[str, Path]) -> str | None:
    """The known data set that has exactly these files; None when none has."""
    left = list(CATALOG.values())
    for name in (*LABELS.values(), *IMAGES.values()):  # the small ones decide most cases
        found = idx.digest(idx.read(files[name])) if left else ""
        left = [entry for entry in left if any(p.sha256 == found for p in entry.payloads)]
    return left[0].name if left else None


def _own_name(folder: Path) -> str:
    """The folder's name in [a-z0-9_-], never that of a known data set, which it is not."""
    name = re.sub("[^a-z0-9_-]+", "_", folder.resolve().name.lower()).strip("_") or "data"
    return f"{name}-own" if name in CATALOG else name


def _own_hint(folder: Path) -> str:
    return (
        f"get it again, or, to use it as a data set of its own, leave out --dataset and give "
        f"--data-dir {folder}"
    )


def _nearest(name: str, right: list[str]) -> str:
    near = difflib.get_close_matches(name, right, 1, 0.4)
    return f"; perhaps you meant {near[0]}?" if near else f"; there are {', '.join(right)}"
