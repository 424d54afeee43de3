"""Atomic writing of files, so that a reader never sees half of one, and locks of folders."""

import contextlib
import errno
import os
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, BinaryIO

import filelock

from gen_models.errors import UserError

# Advice for the usual reasons why writing fails.
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
    errno.ENOLCK: "choose a folder on a file system that has locks",
    errno.EOPNOTSUPP: "choose a folder on a file system that has locks",
}
# Errors of file systems that cannot force a file to disk, as some in networks or user space.
_NO_SYNC = (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS)


_TEMPORARY = re.compile(r"\..+\.([0-9]{1,9})-[0-9a-f]{8}\.tmp")  # names made by atomic_write


def write_error(path: Path, error: OSError) -> UserError:
    """A UserError with the reason why `path` cannot be written, and advice."""
    reason = error.strerror or str(error)
    advice = _ADVICE.get(error.errno or 0)
    return UserError(f"cannot write {path}: {reason}" + (f"; {advice}" if advice else ""))


@contextlib.contextmanager
def atomic_write(path: str | Path) -> Iterator[BinaryIO]:
    """Open `path` for writing bytes; it appears, whole and on disk, when the block succeeds.

    The bytes go to `.<name>.<pid>-<random>.tmp` in the same folder, which is flushed to disk and
    renamed. If the block fails in any way, that file is removed and `path` is unchanged. Only a
    killed process leaves one behind, with its process id in the name.

    Raises UserError for any OSError, including those of the block.
    """
    path = Path(path)
    if not path.name or "\0" in str(path):
        raise UserError(f"cannot write {str(path)!r}: it is not the path of a file")
    temporary = path.with_name(f".{path.name[:40]}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        try:
            with temporary.open("xb") as file:
                yield file
                sync(file)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)  # does not exist after success
    except OSError as error:
        raise write_error(path, error) from error
    _sync_folder(path.parent)


def sync(file: IO) -> None:
    """Force what has been written to a file to disk, if the file system can. Raises OSError."""
    file.flush()
    try:
        os.fsync(file.fileno())
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically, replacing an existing one. Raises UserError."""
    with atomic_write(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, replacing an existing one. Raises UserError."""
    write_bytes(path, text.encode())


@contextlib.contextmanager
def locked(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock `path`, an empty file, as soon as no other process does; call `waiting` first
    if one does. A process that ends releases its locks. Raises UserError."""
    lock = filelock.FileLock(path)
    try:
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            waiting()
            lock.acquire()
    except OSError as error:
        raise write_error(path, error) from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def sole_writer(path: Path) -> Iterator[None]:
    """Exclude other processes in a `sole_writer` block for the same `path`; create its folder.
    Raises UserError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(path.parent, error) from error
    with locked(path.with_name(f".{path.name}.lock")):
        yield


def remove_leftovers(folder: Path) -> None:
    """Remove half-written files of processes that no longer run from `folder`. Raises OSError."""
    for path in folder.iterdir():
        match = _TEMPORARY.fullmatch(path.name)
        if match and not _is_running(int(match[1])):
            path.unlink(missing_ok=True)


def _is_running(pid: int) -> bool:
    """Whether another process has this id. Files with this process's own id are leftovers."""
    if pid == os.getpid():
        return False
    if os.name == "nt":  # on Windows signal 0 is Ctrl-C
        return True
    with contextlib.suppress(PermissionError):  # another user's process, but running
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
    return True


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut, if the file system supports it."""
    # The file is in place, and some file systems cannot sync a folder: that is no error.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def check_prefix(out: Path | None, option: str = "--out") -> None:
    """Raise UserError if the prefix of files that an option gives is a folder."""
    if out is not None and (not out.name or out.is_dir()):
        raise UserError(
            f"{option} is {out}, a folder; expected a prefix of files, such as {out / 'own'}"
        )


def without_ending(out: Path | None, *endings: str) -> Path | None:
    """The prefix of the files that --out gives, whether or not it has one of their `endings`; None
    for None. Raises UserError for a folder and for the ending of another kind of file."""
    check_prefix(out)
    return out and _without_ending(out, endings)


def with_ending(out: Path | None, ending: str) -> Path | None:
    """The path of the file that --out gives, with or without its ending; None for None. Raises
    UserError for a folder and for the ending of another kind of file."""
    if out is None:
        return None
    path = out.parent / f"{_without_ending(out, [ending]).name}{ending}"
    if not out.name or path.is_dir():
        raise UserError(f"--out is {out}, a folder; expected the name of a {ending} file")
    return path


def _without_ending(out: Path, endings: Sequence[str]) -> Path:
    """A path without one of these endings. Raises UserError if it has another one."""
    if out.suffix in endings:
        return out.with_suffix("")
    if out.suffix[1:2].isalpha():  # .001 is no ending: it belongs to a name such as lr-0.001
        raise UserError(
            f"--out is {out}, expected a name that ends in {' or '.join(endings)}, or one without "
            f"an ending, such as {out.with_suffix('')}"
        )
    return out


def check_parent(path: Path) -> None:
    """Raise UserError if the folder of a file does not exist."""
    if not path.parent.is_dir():
        raise UserError(f"cannot write {path}: there is no folder {path.parent}")
