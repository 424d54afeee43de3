"""Thousands of mutated IDX files: each reads as an array or is refused as an IdxError."""

import gzip
import os
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gen_models.data import idx
from gen_models.data.idx import IdxError

EXAMPLES = int(os.environ.get("GEN_MODELS_FUZZ", "300"))


def whole(code, shape):
    size = int(np.prod(shape)) * idx.TYPES[code].itemsize
    return bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + bytes(size)


sizes = st.sampled_from([0, 1, 2, 28, 255, 65536, 2**31, 2**32 - 1])
headers = st.builds(
    lambda code, shape: bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape),
    st.integers(0, 255),
    st.lists(sizes, max_size=70),
)


@st.composite
def mutated(draw, content):
    """`content` after a few bit flips, cuts, insertions and new headers."""
    content = bytearray(content)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(content)))
        # Half of the time near the start, where the header is.
        place = min(place, draw(st.sampled_from([24, len(content)])))
        kind = draw(st.sampled_from(["flip", "cut", "insert", "delete", "header"]))
        if kind == "flip" and place < len(content):
            content[place] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del content[place:]
        elif kind == "insert":
            content[place:place] = draw(st.binary(min_size=1, max_size=8))
        elif kind == "delete":
            del content[place : place + draw(st.integers(1, 8))]
        elif kind == "header":
            header = draw(headers)
            content[: len(header)] = header
    return bytes(content)


@st.composite
def files(draw):
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=4)))
    content = draw(mutated(whole(draw(st.sampled_from(list(idx.TYPES))), shape)))
    if draw(st.booleans()):
        content = draw(mutated(gzip.compress(content, mtime=0)))
    return content


@settings(
    deadline=None,
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(content=files())
def test_any_bytes_are_an_array_or_an_idx_error(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    try:
        array = idx.read(path)
    except IdxError as error:
        assert str(path) in str(error)
        return
    plain = content if content[:2] != b"\x1f\x8b" else gzip.decompress(content)
    assert idx.header(array) + array.tobytes() == plain
    assert not array.flags.writeable


@pytest.mark.parametrize("ending", range(57))
def test_every_truncation_is_refused(tmp_path, ending):
    content = whole(8, (2, 4, 5))
    (tmp_path / "file").write_bytes(content[:ending])
    if ending == len(content):
        assert idx.read(tmp_path / "file").shape == (2, 4, 5)
    else:
        with pytest.raises(IdxError):
            idx.read(tmp_path / "file")
