"""Fetch the files of a data set into the user's cache, from the first source that works.

A source leaves the files, raw or gzip, in a scratch folder. `fetch` unpacks them, checks their
digests and only then gives them their names: the cache never holds an incomplete file.
"""

import contextlib
import gzip
import hashlib
import os
import shutil
import signal
import tempfile
import threading
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import BinaryIO, NoReturn

from gen_models.data.sources import DownloadSource, Payload, SourceError, console
from gen_models.errors import UserError
from gen_models.storage.files import atomic_write, locked, write_error

_PIECE_BYTES = 2**18


class DataError(UserError):
    """A data set that cannot be found, fetched or trusted."""


def fetch(
    name: str, payloads: Sequence[Payload], sources: Sequence[DownloadSource], folder: Path
) -> None:
    """Make `folder` hold every payload, uncompressed and with the right digest, under its name.

    Existing whole files are kept. Of two processes that fetch into one folder, the second waits and
    then finds the files. An interrupted fetch (SIGINT, SIGTERM) leaves no file behind; leftovers of
    a killed one are removed by the next.

    Raises DataError, naming each source and why it failed; UserError: the folder can't be written.
    """
    waiting = partial(notice, f"Waiting for another process to fetch {name}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _exit_on_sigterm(), locked(folder / ".lock", waiting):
            for leftover in folder.glob(".*.tmp"):
                _remove(leftover)
            missing = [payload for payload in payloads if not _is_whole(folder, payload)]
            if missing:
                _fetch_missing(name, missing, sources, folder)
    except OSError as error:
        raise write_error(folder, error) from error


def notice(message: str) -> None:
    """Print a message to the user on stderr."""
    console.print(message, markup=False, highlight=False, soft_wrap=True)


def _fetch_missing(
    name: str, missing: Sequence[Payload], sources: Sequence[DownloadSource], folder: Path
) -> None:
    notice(f"Fetching {name} into {folder}, once")
    failures = []
    for source in sources:
        # The scratch folder is in `folder`, on the same file system, so that files can be renamed.
        with tempfile.TemporaryDirectory(
            ".tmp", f".fetch-{os.getpid()}-", folder, ignore_cleanup_errors=True
        ) as scratch:
            try:
                downloaded = source.download(missing, Path(scratch))
                for payload in missing:
                    _install(downloaded, payload, folder)
            except SourceError as error:
                failures.append(f"  {source}: {error}")
            else:
                notice(f"Fetched {name} from {source}")
                return
    raise DataError(
        f"cannot fetch {name}; tried\n"
        + "\n".join(failures)
        + f"\nGet these files and put them, unpacked, into {folder}, or, raw or .gz, into a "
        f"folder that --data-dir or GEN_MODELS_DATA names:\n  {', '.join(p.name for p in missing)}"
    )


def _is_whole(folder: Path, payload: Payload) -> bool:
    path = folder / payload.name
    if not path.exists():
        return False
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() == payload.sha256:
            return True
    notice(f"{path} is damaged; fetching it again")
    return False


def _install(source_folder: Path, payload: Payload, folder: Path) -> None:
    """Unpack and check one downloaded file, then give it its name in `folder`."""
    names = (payload.name, f"{payload.name}.gz")
    path = next((source_folder / name for name in names if (source_folder / name).is_file()), None)
    if path is None:
        raise SourceError(f"it has no {payload.name}")
    with path.open("rb") as file, atomic_write(folder / payload.name) as out:
        _copy_checked(file, out, payload)


def _copy_checked(file: BinaryIO, out: BinaryIO, payload: Payload) -> None:
    is_gzip = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    stream = gzip.GzipFile(fileobj=file) if is_gzip else file
    sha = hashlib.sha256()
    left = payload.bytes + 1  # unpack only one byte too many, enough to see it
    try:
        while left and (piece := stream.read(min(left, _PIECE_BYTES))):
            sha.update(piece)
            out.write(piece)
            left -= len(piece)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SourceError(f"its {payload.name} is broken gzip: {error}") from error
    if sha.hexdigest() != payload.sha256:
        raise SourceError(
            f"its {payload.name} has sha256 {sha.hexdigest()}, expected {payload.sha256}"
        )


@contextlib.contextmanager
def _exit_on_sigterm() -> Iterator[None]:
    """Let SIGTERM unwind the stack as SIGINT does, so that unfinished files are removed."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread can handle signals
        return

    def leave(number: int, _: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    previous = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous or signal.SIG_DFL)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
