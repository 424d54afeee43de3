"""The lock of a run, which one process at a time works on."""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import filelock

from gen_models.runs.errors import BusyRunError
from gen_models.storage.files import write_error, write_text


@contextlib.contextmanager
def hold_lock(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which the system releases when this process ends in any way. Raises
    BusyRunError, with the holder's name, if another process has it; UserError."""
    path, holder = folder / ".lock", folder / ".lock-holder"
    lock = filelock.FileLock(path, timeout=0)
    try:
        acquired = lock.acquire()
    except filelock.Timeout as error:
        raise BusyRunError(
            f"{folder} is in use by {_read_holder(holder)}; wait for it, stop it, or choose "
            "another folder with --out"
        ) from error
    except OSError as error:
        raise write_error(path, error) from error
    with acquired:
        write_text(holder, f"process {os.getpid()} on {socket.gethostname()}")
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # the disk may be read-only by now; the lock counts
                holder.unlink(missing_ok=True)


def _read_holder(path: Path) -> str:
    """The process that holds the lock as text; it may not have written its name yet."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return "another process"
