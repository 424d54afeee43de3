"""The files of the playground's page, to be served or written to a folder."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from gen_models.errors import UserError
from gen_models.evaluation import features
from gen_models.playground import material
from gen_models.storage.files import write_bytes

BUILT = Path(__file__).parents[2] / "playground/dist"  # where `make playground` builds it
INDEX = "index.html"


class Site(NamedTuple):
    """Functions that make a page's files, by path below its URL. Each is called when its file is
    requested, and may raise UserError."""

    files: dict[str, Callable[[], bytes]]


def site(built: Path = BUILT) -> Site:
    """The built page, and a data file for each known data set. Raises UserError if the page is not
    built."""
    if not (built / INDEX).is_file():
        raise UserError(
            f"the playground is not built: {built} has no {INDEX}; "
            "run `make playground` in a clone of the repository, for which npm is needed"
        )
    paths = sorted(path for path in built.rglob("*") if path.is_file())
    pages = {path.relative_to(built).as_posix(): path.read_bytes for path in paths}
    data = {
        f"data/{name}.safetensors": _once(partial(material.pack_data, name))
        for name in features.NAMES
    }
    return Site(pages | data)


def _once(make: Callable[[], bytes]) -> Callable[[], bytes]:
    """A cached `make` for several threads: the first call runs it, concurrent calls wait and get
    its result. An exception is not cached."""
    cached, lock = cache(make), Lock()

    def make_once() -> bytes:
        with lock:
            return cached()

    return make_once


def write(site: Site, folder: Path) -> list[Path]:
    """Write all files into a folder that a web host can serve. Raises UserError."""
    paths = []
    for name, content in site.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, content())
        paths.append(path)
    return paths
