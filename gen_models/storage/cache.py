"""The user's cache: downloaded data, features of real images, compiled programs.

It only saves time. Where it cannot be read or written (containers, compute nodes, a full disk), its
contents are downloaded or computed again.
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
    """The bytes that `keep` stored under these names; b"" if they cannot be read."""
    with contextlib.suppress(UserError, OSError):
        return (cache_folder(room) / name).read_bytes()
    return b""


def keep(room: str, name: str, data: bytes) -> None:
    """Store data for later processes, if the cache can be written."""
    with contextlib.suppress(UserError, OSError):
        folder = cache_folder(room)
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / name, data)


def fillable_folder(room: str) -> Path:
    """The cache's folder `room`, created if missing; if it is empty and cannot be written, a
    temporary folder of this process instead."""
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
