"""Writing files so that a reader never meets half of one."""

import contextlib
import errno
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from gen_models.errors import UserError

# What a person can do about the ways in which writing usually fails.
_ADVICE = {
    errno.ENOSPC: "free space or choose another folder",
    errno.EDQUOT: "free space or choose another folder",
    errno.EFBIG: "raise the file size limit (ulimit -f) or choose another folder",
    errno.EACCES: "choose a folder that you may write to",
    errno.EPERM: "choose a folder that you may write to",
    errno.EROFS: "choose a folder that you may write to",
    errno.ENOENT: "create the folder first",
    errno.ENOTDIR: "choose a path whose parent is a folder",
    errno.EISDIR: "choose the path of a file, not of a folder",
}


_TEMPORARY = re.compile(r"\..+\.([0-9]{1,9})-[0-9a-f]{8}\.tmp")  # as atomic_write names them


def write_error(path: Path, error: OSError) -> UserError:
    """The UserError that says why `path` cannot be written and what to do about it."""
    reason = error.strerror or str(error)
    advice = _ADVICE.get(error.errno or 0)
    return UserError(f"cannot write {path}: {reason}" + (f"; {advice}" if advice else ""))


@contextlib.contextmanager
def atomic_write(path: str | Path) -> Iterator[BinaryIO]:
    """Open `path` for writing bytes; it appears, whole and on disk, when the block ends well.

    The bytes go to `.<name>.<pid>-<random>.tmp` beside it, which is flushed to disk and renamed. If
    the block fails, however it fails, that file is removed and `path` is as it was before. Only a
    process killed outright leaves one behind; its pid says whose it was.

    Raises UserError for any OSError, those of the block included.
    """
    path = Path(path)
    if not path.name or "\0" in str(path):
        raise UserError(f"cannot write {str(path)!r}: it is not the path of a file")
    temporary = path.with_name(f".{path.name[:40]}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        try:
            with temporary.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)  # gone already when all went well
    except OSError as error:
        raise write_error(path, error) from error
    _sync_folder(path.parent)


def write_bytes(path: Path, data: bytes) -> None:
    """Replace a file, whole or not at all. Raises UserError."""
    with atomic_write(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Replace a text file, whole or not at all. Raises UserError."""
    write_bytes(path, text.encode())


def remove_leftovers(folder: Path) -> None:
    """Remove what processes that are dead by now left half-written in `folder`. Raises OSError."""
    for path in folder.iterdir():
        match = _TEMPORARY.fullmatch(path.name)
        if match and not _is_running(int(match[1])):
            path.unlink(missing_ok=True)


def _is_running(pid: int) -> bool:
    """Whether another process has this id; our own files are closed by now, whoever had our id."""
    if pid == os.getpid():
        return False
    if os.name == "nt":  # where signal 0 is Ctrl-C
        return True
    with contextlib.suppress(PermissionError):  # someone else's, but running
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
    return True


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut, where the file system offers that."""
    # The file is in place by now, and some file systems refuse to sync a folder: no reason to fail.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
