"""The cache of compiled programs: the user's own is left alone, one that cannot be written is only
read, and what a kill or a full disk cuts short is removed, once seen."""

import math
import os
import zlib

import jax
import pytest

from gen_models.storage import compilations
from gen_models.storage.compilations import remove_damaged

WHOLE = zlib.compress(bytes(range(256)) * 9)


def test_remove_damaged_removes_entries_that_were_cut_short(tmp_path):
    entries = {"whole": WHOLE, "cut": WHOLE[:-3], "empty": b"", "zeros": WHOLE[:2] + bytes(99)}
    entries |= {"other": b"(\xb5/\xfd of another kind"}
    for name, content in entries.items():
        (tmp_path / f"{name}-cache").write_bytes(content)
    (tmp_path / "notes").write_bytes(b"")
    remove_damaged(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"whole-cache", "other-cache", "notes", "checked-at"}


def test_remove_damaged_reads_only_entries_newer_than_its_last_look(tmp_path):
    remove_damaged(tmp_path)
    old, new = tmp_path / "old-cache", tmp_path / "new-cache"
    for path in (old, new):
        path.write_bytes(WHOLE[:9])
    os.utime(old, (0, 0))
    remove_damaged(tmp_path)
    assert (old.exists(), new.exists()) == (True, False)


NAMES = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")


def settings():
    return tuple(getattr(jax.config, name) for name in NAMES)


@pytest.fixture
def unset(tmp_path, monkeypatch):
    """JAX's settings as they are without ours or the user's, and an empty cache."""
    before = settings()
    for name, value in zip(NAMES, (None, 1.0), strict=True):
        jax.config.update(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(NAMES[1].upper(), raising=False)
    yield tmp_path / "gen_models" / "xla"
    for name, value in zip(NAMES, before, strict=True):
        jax.config.update(name, value)


def test_keep_keeps_programs_in_the_cache_of_the_user(unset):
    compilations.keep()
    assert settings() == (str(unset), compilations.MIN_COMPILE_S)


@pytest.mark.parametrize("folder", ["", "/of/the/user"])  # an empty one switches JAX's cache off
def test_keep_leaves_a_cache_that_the_user_has_set_as_it_is(unset, folder):
    jax.config.update(NAMES[0], folder)
    compilations.keep()
    assert settings() == (folder, 1.0)
    assert not unset.exists()


def test_keep_takes_the_shortest_compilation_that_the_user_has_set(unset, monkeypatch):
    monkeypatch.setenv(NAMES[1].upper(), "3")
    compilations.keep()
    assert settings() == (str(unset), 3.0)


def test_keep_does_without_a_folder_that_cannot_be_made(unset, monkeypatch):
    unset.parent.parent.joinpath("file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(unset.parent.parent / "file"))
    compilations.keep()
    assert settings() == (None, 1.0)


def test_keep_only_reads_a_folder_that_cannot_be_written(unset, read_only):
    unset.mkdir(parents=True)
    read_only(unset)
    compilations.keep()
    assert settings() == (str(unset), math.inf)
