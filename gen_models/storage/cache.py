"""The user's cache: downloaded data, features of real images, compiled programs.

It saves time and nothing else. Where it cannot be read or written (containers, compute nodes, a
full disk) what would be in it is made again.
"""

import contextlib
import functools
import os
import tempfile
from pathlib import Path

from gen_models.errors import UserError
from gen_models.storage.files import write_bytes


def cache_folder(name: str) -> Path:
    """The folder `$XDG_CACHE_HOME/gen_models/<name>`, by default in ~/.cache. It need not exist.

    Raises UserError if there is no home folder.
    """
    root = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not root.is_absolute():  # also if unset; the XDG specification ignores relative paths
        root = expanded("~/.cache")
    return root / "gen_models" / name


def recalled(room: str, name: str) -> bytes:
    """What `keep` kept under these names; nothing if it cannot be read."""
    with contextlib.suppress(UserError, OSError):
        return (cache_folder(room) / name).read_bytes()
    return b""


def keep(room: str, name: str, data: bytes) -> None:
    """Keep data for later processes, if there can be a cache."""
    with contextlib.suppress(UserError, OSError):
        folder = cache_folder(room)
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / name, data)


def fillable_folder(room: str) -> Path:
    """The folder of a room of the cache, created, or a temporary one of this process instead if it
    cannot be written and is empty."""
    with contextlib.suppress(UserError, OSError):
        folder = cache_folder(room)
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK) or any(folder.iterdir()):
            return folder
    return Path(_temporary().name) / room


@functools.cache
def _temporary() -> tempfile.TemporaryDirectory:
    """A folder that is removed when this process ends."""
    return tempfile.TemporaryDirectory(prefix="gen_models-", ignore_cleanup_errors=True)


def expanded(path: str | Path) -> Path:
    """The path with ~ replaced by the home folder. Raises UserError if there is none."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UserError(f"cannot tell what ~ means in {path}: {error}") from error
