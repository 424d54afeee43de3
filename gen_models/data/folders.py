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


class Found(NamedTuple):
    """The files of a data set, whole or in part."""

    place: Path  # the folder, or folder/prefix of the file names: both are valid for --data-dir
    name: str  # name of the data set if it is not a known one
    files: dict[str, Path]  # paths by the name in FILES


def find(place: Path) -> list[Found]:
    """The complete data sets in a folder or, if `place` is no folder, with this path prefix.

    Files without a prefix hide all others. Raises DataError if there are incomplete ones only, and
    OSError.
    """
    found = data_sets_in(place, place)
    found = [one for one in found if one.place == place] or found
    whole = [one for one in found if len(one.files) == len(FILES)]
    if found and not whole:
        part, files = found[0].place, found[0].files
        prefix = "" if part.is_dir() else f"{part.name}-"
        have = in_words(path.name for path in files.values())
        lacking = ", ".join(prefix + file for file in FILES if file not in files)
        has = f"; it has {files_in_words(place)}" if place.is_dir() else ""
        raise DataError(f"{place} holds {have}; it lacks {lacking}{has}")
    return whole


def data_sets_in(place: Path, named: Path) -> list[Found]:
    """The data sets, complete or not, with files in `place`, a folder or folder/prefix of the file
    names. `named` is the folder that the user named: `place` or a folder above it. Raises
    OSError."""
    folder = place if place.is_dir() else place.parent
    sets: dict[str, dict[str, Path]] = {}
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    # The preferred spelling is the last: t10k, raw, with a hyphen.
    order = lambda m: (m["split"] != "test", m["gzip"] is None, m["kind"][6] == "-")  # noqa: E731
    for match in sorted(filter(None, map(SPELLINGS.fullmatch, names)), key=order):
        split = "train" if match["split"] == "train" else "test"
        file = (IMAGES if match["kind"].startswith("images") else LABELS)[split]
        prefix = match["prefix"].rstrip("-_.")
        if (folder / match.string).is_file() and folder / prefix in (place, place / prefix):
            sets.setdefault(prefix, {})[file] = folder / match.string
    around = [named.resolve().name, *folder.parts[len(named.parts) :]]
    own = next((part for part in reversed(around) if part.lower() not in CONTAINERS), around[0])
    return [
        Found(folder / prefix, _own_name(prefix or own), sets[prefix]) for prefix in sorted(sets)
    ]


def the_one(folder: Path, sets: list[Found], name: str | None) -> Found | None:
    """The only data set or, of several, the one with the known name; None if there is none. Raises
    DataError if the choice is ambiguous, and IdxError."""
    if len(sets) > 1 and name is not None:
        sets = [found for found in sets if identify(found.files) == name][:1]
    if len(sets) > 1:
        places = [str(found.place) for found in sets]
        raise DataError(
            f"{folder} holds {len(sets)} data sets: {in_words(places)}; name one of them, such as "
            f"--data-dir {places[0]}"
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


def files_in_words(folder: Path) -> str:
    """The files in a folder and below as text, those that look like IDX first."""
    folders = [folder, *folders_below(folder)] if folder.is_dir() else []
    names = [
        str(path.relative_to(folder))
        for inner in folders
        for path in inner.iterdir()
        if not path.is_dir()
    ]
    return in_words(sorted(names, key=lambda name: ("ubyte" not in name, name)))


def in_words(names: Iterable[str]) -> str:
    """Names as text, the first LISTED of them if there are more."""
    names = list(names)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more if names else "no files"


def identify(files: dict[str, Path]) -> str | None:
    """Name of the known data set with exactly these files, or None. Raises IdxError."""
    left = list(CATALOG.values())
    for name in (*LABELS.values(), *IMAGES.values()):  # small files first: they decide most cases
        found = idx.digest(idx.read(files[name])) if left else ""
        left = [entry for entry in left if any(p.sha256 == found for p in entry.payloads)]
    return left[0].name if left else None


def _own_name(name: str) -> str:
    """Name, in [a-z0-9_-], of a user's own data set, never that of a known data set."""
    name = re.sub("[^a-z0-9_-]+", "_", name.lower()).strip("_") or "data"
    return f"{name}-own" if name in CATALOG else name
