"""The user's cache of compiled programs, which makes the next start quick."""

import contextlib
import math
import os
import time
import zlib
from pathlib import Path

import jax

from gen_models.errors import UserError
from gen_models.storage.cache import cache_folder

MIN_COMPILE_S = 0.2
_CHECKED = "checked-at"
_LEAST = "jax_persistent_cache_min_compile_time_secs"


def keep() -> None:
    """Let JAX keep compiled programs in the user's cache, if that is possible.

    A cache that the user has set for JAX, by JAX_COMPILATION_CACHE_DIR, is left as it is.
    """
    if jax.config.jax_compilation_cache_dir is not None:
        return
    given = os.environ.get(_LEAST.upper())
    with contextlib.suppress(UserError, OSError):  # no home or no room: train without a cache
        folder = cache_folder("xla")
        folder.mkdir(parents=True, exist_ok=True)
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update(_LEAST, math.inf)  # JAX would warn of every program that it cannot write
        remove_damaged(folder)  # fails where the folder is read-only
        jax.config.update(_LEAST, MIN_COMPILE_S if given is None else float(given))


def remove_damaged(folder: Path) -> None:
    """Remove entries that a killed process or a full disk truncated. Raises OSError.

    JAX does not write entries atomically, nor replace them: it would warn about such an entry and
    compile the program again at each start. Entries older than the last check are not read again.
    """
    marker, now = folder / _CHECKED, time.time()
    checked_at = marker.stat().st_mtime if marker.exists() else 0.0
    for path in folder.glob("*-cache"):
        with contextlib.suppress(FileNotFoundError):  # another process has removed it
            if path.stat().st_mtime >= checked_at and not _is_whole(path.read_bytes()):
                path.unlink(missing_ok=True)
    marker.touch()
    os.utime(marker, (now, now))


def _is_whole(entry: bytes) -> bool:
    """Whether an entry is not empty and, if it is a zlib stream, not truncated."""
    if not entry.startswith(b"\x78"):
        return bool(entry)  # other compressions are possible, an empty entry is not
    unpack = zlib.decompressobj()
    with contextlib.suppress(zlib.error):
        unpack.decompress(entry)
    return unpack.eof
