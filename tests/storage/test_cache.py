"""The user's cache saves time: without one, what would be in it is made again."""

import subprocess
import sys
from pathlib import Path

import pytest
from trainings import ROOT

from gen_models.storage import cache


def test_what_is_kept_is_recalled(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.recalled("room", "name") == b""
    cache.keep("room", "name", b"content")
    assert cache.recalled("room", "name") == b"content"
    assert cache.fillable_folder("room") == tmp_path / "gen_models" / "room"


@pytest.mark.usefixtures("no_cache")
def test_without_a_cache_nothing_is_recalled():
    cache.keep("room", "name", b"content")
    assert cache.recalled("room", "name") == b""


def test_without_a_home_nothing_is_recalled(monkeypatch):
    def expanduser(_):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "expanduser", expanduser)
    cache.keep("room", "name", b"content")
    assert cache.recalled("room", "name") == b""
    assert cache.fillable_folder("room").name == "room"


def test_a_read_only_cache_is_read_and_an_empty_room_passed_over(tmp_path, read_only, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache.keep("room", "name", b"content")
    (tmp_path / "gen_models" / "empty").mkdir()
    for room in ("room", "empty"):
        read_only(tmp_path / "gen_models" / room)
    cache.keep("room", "name", b"other")
    assert cache.recalled("room", "name") == b"content"
    assert cache.fillable_folder("room") == tmp_path / "gen_models" / "room"
    assert tmp_path not in cache.fillable_folder("empty").parents


SCRIPT = """
from gen_models.storage import cache
folder = cache.fillable_folder("room")
folder.mkdir(parents=True)
print(folder)
"""


@pytest.mark.usefixtures("no_cache")
def test_the_folder_instead_of_a_cache_is_removed_with_the_process():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True
    )
    folder = Path(done.stdout.strip())
    assert folder.name == "room" and not folder.parent.exists()
