"""Find the IDX files of data sets in folders by the files' names."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from gen_models.data import idx
from gen_models.data.fetch import DataError
from gen_models.data.known import CATALOG, FILES, IMAGES, LABELS, SPELLINGS

LISTED = 10  # most names in a message
DEPTH = 2  # levels of sub-folders that are searched: torchvision has MNIST/raw
CONTAINERS = ("raw", "gzip")  # folders of torchvision and EMNIST, which name no data set


class DatasetFiles(NamedTuple):
    """The files of a data set, whole or in part."""

    place: Path  # the folder, or folder/prefix of the file names: both are valid for --data-dir
    name: str  # name of the data set if it is not a known one
    files: dict[str, Path]  # paths by the name in FILES

    @property
    def is_whole(self) -> bool:
        return len(self.files) == len(FILES)


def find(place: Path) -> list[DatasetFiles]:
    """The complete data sets in a folder or, if `place` is no folder, with this path prefix.

    Files without a prefix hide all others. Raises DataError if there are incomplete ones only, and
    OSError.
    """
    sets = data_sets_in(place, place)
    sets = [data_set for data_set in sets if data_set.place == place] or sets
    whole = [data_set for data_set in sets if data_set.is_whole]
    if sets and not whole:
        part, files = sets[0].place, sets[0].files
        prefix = "" if part.is_dir() else f"{part.name}-"
        have = shortened_list(path.name for path in files.values())
        lacking = ", ".join(prefix + file for file in FILES if file not in files)
        has = f"; it has {describe_files(place)}" if place.is_dir() else ""
        raise DataError(f"{place} holds {have}; it lacks {lacking}{has}")
    return whole


def data_sets_in(place: Path, named: Path) -> list[DatasetFiles]:
    """The data sets, complete or not, with files in `place`, a folder or folder/prefix of the file
    names. `named` is the folder that the user named: `place` or a folder above it. Raises
    OSError."""
    folder = place if place.is_dir() else place.parent
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    paths: dict[str, dict[str, Path]] = {}  # by prefix, then by the name in FILES
    # Of several spellings of a file the last one stays.
    for match in sorted(filter(None, map(SPELLINGS.fullmatch, names)), key=_preference):
        prefix, path = match["prefix"].rstrip("-_."), folder / match.string
        if path.is_file() and folder / prefix in (place, place / prefix):
            paths.setdefault(prefix, {})[_standard_name(match)] = path
    unprefixed = _folder_name(folder, named)
    return [
        DatasetFiles(folder / prefix, _own_name(prefix or unprefixed), paths[prefix])
        for prefix in sorted(paths)
    ]


def _preference(match: re.Match[str]) -> tuple[bool, bool, bool]:
    """Sort key of a file's spellings, the preferred one last: t10k, raw, with a hyphen after
    "images" or "labels"."""
    is_hyphenated = match["kind"].startswith(("images-", "labels-"))
    return match["split"] != "test", match["gzip"] is None, is_hyphenated


def _standard_name(match: re.Match[str]) -> str:
    """The name in FILES of a spelling of it."""
    names = IMAGES if match["kind"].startswith("images") else LABELS
    return names["train" if match["split"] == "train" else "test"]


def _folder_name(folder: Path, named: Path) -> str:
    """The name of the innermost folder, from `folder` up to `named`, that is not in CONTAINERS;
    that of `named` if all are."""
    outwards = [*reversed(folder.parts[len(named.parts) :]), named.resolve().name]
    return next((name for name in outwards if name.lower() not in CONTAINERS), outwards[-1])


def choose(folder: Path, sets: list[DatasetFiles], name: str | None) -> DatasetFiles | None:
    """The only data set or, of several, the one with the known name; None if there is none. Raises
    DataError if the choice is ambiguous, and IdxError."""
    if len(sets) > 1 and name is not None:
        sets = [data_set for data_set in sets if identify(data_set.files) == name][:1]
    if len(sets) > 1:
        places = [str(data_set.place) for data_set in sets]
        raise DataError(
            f"{folder} holds {len(sets)} data sets: {shortened_list(places)}; name one of them, "
            f"such as --data-dir {places[0]}"
        )
    return sets[0] if sets else None


def folders_below(folder: Path) -> Iterator[Path]:
    """The sub-folders of a folder, up to DEPTH levels, without hidden and unreadable ones."""
    for inner, folders, _ in os.walk(folder, followlinks=True):
        path = Path(inner)
        deep = len(path.parts) - len(folder.parts)
        hidden = [name for name in folders if name.startswith((".", "__MACOSX"))]
        folders[:] = [] if deep == DEPTH else sorted(set(folders).difference(hidden))
        if deep:
            yield path


def describe_files(folder: Path) -> str:
    """The files in a folder and below as text, those that look like IDX first."""
    folders = [folder, *folders_below(folder)] if folder.is_dir() else []
    names = [
        str(path.relative_to(folder))
        for inner in folders
        for path in inner.iterdir()
        if not path.is_dir()
    ]
    return shortened_list(sorted(names, key=lambda name: ("ubyte" not in name, name)))


def shortened_list(names: Iterable[str]) -> str:
    """Names as text, the first LISTED of them if there are more."""
    names = list(names)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more if names else "no files"


def identify(files: dict[str, Path]) -> str | None:
    """Name of the known data set with exactly these files, or None. Raises IdxError."""
    left = list(CATALOG.values())
    for name in (*LABELS.values(), *IMAGES.values()):  # small files first: they decide most cases
        digest = idx.digest(idx.read(files[name])) if left else ""
        left = [entry for entry in left if any(p.sha256 == digest for p in entry.payloads)]
    return left[0].name if left else None


def _own_name(name: str) -> str:
    """Name, in [a-z0-9_-], of a user's own data set, never that of a known data set."""
    name = re.sub("[^a-z0-9_-]+", "_", name.lower()).strip("_") or "data"
    return f"{name}-own" if name in CATALOG else name
