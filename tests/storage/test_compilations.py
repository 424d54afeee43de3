"""What a kill or a full disk cuts short in the cache of compiled programs is removed, once seen."""

import os
import zlib

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
