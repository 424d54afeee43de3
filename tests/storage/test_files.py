"""Atomic writes: whole or not at all, whatever goes wrong."""

import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gen_models.errors import UserError
from gen_models.storage.files import atomic_write, with_ending, without_ending, write_error

ROOT = Path(__file__).parents[2]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_file_appears_whole_under_its_final_name(tmp_path):
    path = tmp_path / "file"
    with atomic_write(path) as file:
        file.write(b"new")
        assert not path.exists()
        assert re.fullmatch(rf"\.file\.{os.getpid()}-[0-9a-f]+\.tmp", names(tmp_path)[0])
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, SystemExit])
def test_failing_block_changes_nothing(tmp_path, error):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(error), atomic_write(path) as file:
        file.write(b"new")
        raise error
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_full_disk_is_a_user_error(tmp_path):
    with (
        pytest.raises(UserError, match="file: No space left on device; free space or choose"),
        atomic_write(tmp_path / "file") as file,
    ):
        file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert names(tmp_path) == []


def test_file_size_limit_is_a_user_error(tmp_path):
    """A real failure of the file system, and in flush rather than in write."""
    code = f"""
import resource
from gen_models.errors import UserError
from gen_models.storage.files import atomic_write
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    with atomic_write({str(tmp_path / "file")!r}) as file:
        file.write(bytes(6000))
except UserError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert "file: File too large; raise the file size limit" in done.stdout, done.stderr
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("absent/file", "No such file or directory; create the folder first"),
        ("", "it is not the path of a file|Is a directory|Device or resource busy"),
        ("folder", "Is a directory; choose the path of a file"),
        ("file/file", "Not a directory; choose a path whose parent is a folder"),
        ("nul\0", "it is not the path of a file"),
    ],
)
def test_a_path_that_cannot_be_written_is_a_user_error(tmp_path, path, message):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    target = tmp_path / path if path else "/"
    with pytest.raises(UserError, match=message), atomic_write(target) as file:
        file.write(b"x")
    assert names(tmp_path) == ["file", "folder"]


def test_read_only_file_system_has_advice(tmp_path):
    message = str(write_error(tmp_path, OSError(errno.EROFS, os.strerror(errno.EROFS))))
    assert message.endswith("Read-only file system; choose a folder that you may write to")


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_that_cannot_sync_is_written_nevertheless(tmp_path, monkeypatch, number):
    def fsync(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fsync)
    with atomic_write(tmp_path / "file") as file:
        file.write(b"x")
    assert (tmp_path / "file").read_bytes() == b"x"


def test_an_error_that_only_syncing_shows_is_a_user_error(tmp_path, monkeypatch):
    def fsync(_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(UserError, match="Input/output error"), atomic_write(tmp_path / "file"):
        pass
    assert names(tmp_path) == []


def test_a_file_system_without_locks_has_advice(tmp_path):
    message = str(write_error(tmp_path, OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))))
    assert message.endswith("; choose a folder on a file system that has locks")


@pytest.mark.parametrize("name", ["side", "side.html", "side.png"])
def test_the_ending_of_out_may_be_left_out(name):
    assert without_ending(Path("made", name), ".html", ".png") == Path("made/side")
    assert with_ending(Path("side.png"), ".png") == with_ending(Path("side"), ".png")


def test_a_number_in_a_name_is_no_ending():
    assert without_ending(Path("lr-0.001"), ".html") == Path("lr-0.001")
    assert with_ending(Path("lr-0.001"), ".png") == Path("lr-0.001.png")


def test_another_ending_and_a_folder_are_refused(tmp_path):
    for ending in (without_ending, with_ending):
        assert ending(None, ".png") is None
        with pytest.raises(UserError, match=r"x\.jpg, expected .* \.png, or .*, such as x$"):
            ending(Path("x.jpg"), ".png")
        with pytest.raises(UserError, match="a folder; expected"):
            ending(Path(), ".png")
    with pytest.raises(UserError, match="a folder; expected a prefix of files"):
        without_ending(tmp_path, ".png")


def test_a_file_may_be_called_after_a_folder_but_not_be_one(tmp_path):
    assert with_ending(tmp_path, ".png") == Path(f"{tmp_path}.png")
    (tmp_path / "own.png").mkdir()
    for name in ("own", "own.png"):
        with pytest.raises(UserError, match=r"a folder; expected the name of a \.png file"):
            with_ending(tmp_path / name, ".png")


def test_killed_outright_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    code = f"""
import os, signal
from gen_models.storage.files import atomic_write
with atomic_write({str(path)!r}) as file:
    file.write(b"new")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    leftover = next(name for name in names(tmp_path) if name != "file")
    assert leftover.startswith(".file.")
    assert leftover.endswith(".tmp")
