"""Names of folders and files, for readers."""

from collections.abc import Sequence
from pathlib import Path


def distinct_names(folders: Sequence[Path]) -> list[str]:
    """Names of folders or files, with as many of their parents as tell them apart."""
    places = [folder.absolute().parts for folder in folders]
    names: list[str] = []
    for count in range(1, max(map(len, places), default=0) + 1):
        names = ["/".join(parts[-count:]) for parts in places]
        if len(set(names)) == len(set(places)):
            break
    return names
