"""Labels of other programs: every convention gives the same i32, every fault a clear line."""

import numpy as np
import pytest
from image_files import (
    LABEL_FILES,
    LABELS,
    NOT_BROKEN,
    OTHER,
    PICTURE,
    WIDE,
    flat,
    npy,
    npz,
    refusal,
    zipped,
)

from gen_models.data import idx
from gen_models.data.images import ImagesError, read_labels
from gen_models.errors import UserError


@pytest.mark.parametrize("content", LABEL_FILES.values(), ids=LABEL_FILES)
def test_read_labels_of(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    labels = read_labels(tmp_path / "x")
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, LABELS)


@pytest.mark.parametrize("compress", [False, True], ids=["raw", "gzip"])
def test_read_labels_of_idx(tmp_path, compress):
    idx.write(tmp_path / "x", LABELS.astype(np.uint8), compress)
    np.testing.assert_array_equal(read_labels(tmp_path / "x"), LABELS)


@pytest.mark.parametrize(
    "arrays",
    [
        {"images": WIDE, "labels": LABELS, "seeds": LABELS[:2]},
        {"label": LABELS},
        {"x": WIDE, "y": LABELS.astype(np.uint64)},
        {"arr_0": WIDE, "arr_1": LABELS},
        {"images": WIDE, "classes": LABELS},
        {"classes": LABELS[:, None]},
    ],
)
def test_read_labels_of_an_npz(tmp_path, arrays):
    np.testing.assert_array_equal(read_labels(npz(tmp_path / "x", **arrays)), LABELS)


LABEL_FORMATS = r"expected IDX, \.npy, \.npz, or text with one whole number a line and no heading"
REFUSED_LABELS = {
    "heading": (b"label\n3\n", f"x, line 1: found 'label'; {LABEL_FORMATS}"),
    "columns": (b"3\n4,5\n", f"x, line 2: found '4,5'; {LABEL_FORMATS}"),
    "picture": (PICTURE, f"x, line 1: found '.*PNG'; {LABEL_FORMATS}"),
    "UTF-16": ("3\n4\n".encode("utf-16"), f"x, line 1: found .*; {LABEL_FORMATS}"),
    "a long line": (b"x" * 99, f"x, line 1: found 'x{{40}}'; {LABEL_FORMATS}"),
    "empty": (b"", r"x: found int32\[0\], expected one integer an image, \[N\]"),
    "fraction": (b"3\n\n4.5\n", f"x, line 3: found '4.5'; {LABEL_FORMATS}"),
    "negative": (b"3\n-1\n", f"x, line 2: found '-1'; {LABEL_FORMATS}"),
    "NaN": (b"nan", f"x, line 1: found 'nan'; {LABEL_FORMATS}"),
    "great": (b"2147483648", f"x, line 1: found '2147483648'; {LABEL_FORMATS}"),
    "great integer": (
        npy(np.array([1, 2**63], "u8")),
        "x: found 9223372036854775808 at position 1",
    ),
    "negative integer": (npy(LABELS - 1), "x: found -1 at position 0, expected 0 to 2147483647"),
    "floats": (npy(LABELS / 1.0), r"x: found float64\[12\], .*, and floats as integers"),
    "one-hot": (npy(np.eye(10)), r"x: found float64\[10, 10\], .* rows as argmax\(axis=1\)"),
    "images": (npy(WIDE), r"x: found uint8\[12, 5, 6\], expected one integer an image"),
    "bool": (npy(LABELS > 3), r"x: found bool\[12\], expected one integer"),
    "pickle": (npy(np.array([{}])), f"cannot read .*x: .*Python objects.*{NOT_BROKEN}"),
    "npy cut": (npy(LABELS)[:-1], f"cannot read .*x: .*; {NOT_BROKEN}"),
    "idx cut": (b"\0\0\x08\1\0\0\0\2\1", "x: byte 9: found the end of the file after 1 bytes"),
    "zip of pictures": (zipped(**flat()), f"x is a folder or zip of other files; {LABEL_FORMATS}"),
}


@pytest.mark.parametrize(("content", "message"), REFUSED_LABELS.values(), ids=REFUSED_LABELS)
def test_read_labels_refuses(tmp_path, content, message):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_labels(tmp_path / "x")
    refusal(read_labels, tmp_path / "x")


def test_read_labels_refuses_an_npz_of_several_candidates(tmp_path):
    path = npz(tmp_path / "x", a=LABELS, b=LABELS, z=OTHER)
    with pytest.raises(ImagesError, match=r"holds a int32.12., b int32.12., z .*called labels or "):
        read_labels(path)


def test_read_labels_refuses_a_folder(tmp_path):
    assert "is a folder or zip of other files; expected IDX" in refusal(read_labels, tmp_path)
