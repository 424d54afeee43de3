"""IDX files: what is written comes back, and every malformed byte is a clear error."""

import gzip
import hashlib
import os
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gen_models.data import idx
from gen_models.data.idx import IdxError

DTYPES = [np.uint8, np.int8, np.int16, np.int32, np.float32, np.float64]
IMAGES = struct.pack(">BBBBIII", 0, 0, 8, 3, 2, 4, 5) + bytes(range(40))


def head(code, *shape):
    return bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


@st.composite
def arrays(draw):
    dtype = np.dtype(draw(st.sampled_from(DTYPES))).newbyteorder(draw(st.sampled_from("<>")))
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=6, min_side=0, max_side=4))
    return draw(hnp.arrays(dtype, shape))


@settings(
    deadline=None,
    max_examples=150,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(array=arrays(), compress=st.booleans())
def test_round_trip(tmp_path, array, compress):
    path = tmp_path / "file"
    idx.write(path, array, compress)
    back = idx.read(path)
    assert back.shape == array.shape
    assert back.dtype == array.dtype.newbyteorder(">")
    assert back.tobytes() == array.astype(back.dtype).tobytes()  # NaNs too
    assert not back.flags.writeable
    assert isinstance(back, np.memmap) != compress
    assert idx.digest(array) == idx.digest(back)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_bytes_are_the_formats_own(tmp_path, dtype):
    idx.write(tmp_path / "file", np.array([[1, 2, 3]], dtype))
    code = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}[np.dtype(dtype).str[1:]]
    letter = {8: "B", 9: "b", 11: "h", 12: "i", 13: "f", 14: "d"}[code]
    expected = head(code, 1, 3) + struct.pack(f">3{letter}", 1, 2, 3)
    assert (tmp_path / "file").read_bytes() == expected


def test_large_and_strided_arrays_round_trip(tmp_path):
    array = np.arange(3 * 700 * 900, dtype=np.int32).reshape(3, 700, 900)[:, ::-1, ::2]
    for compress in (False, True):
        idx.write(tmp_path / "file", array, compress)
        np.testing.assert_array_equal(idx.read(tmp_path / "file"), array)


def test_digest_is_that_of_the_uncompressed_file(tmp_path):
    (tmp_path / "file").write_bytes(IMAGES)
    assert idx.digest(idx.read(tmp_path / "file")) == hashlib.sha256(IMAGES).hexdigest()


def test_gzip_is_told_by_its_bytes_and_is_deterministic(tmp_path):
    array = np.arange(40, dtype=np.uint8).reshape(2, 4, 5)
    idx.write(tmp_path / "a", array, compress=True)
    idx.write(tmp_path / "b.gz", array, compress=True)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b.gz").read_bytes()
    (tmp_path / "raw.gz").write_bytes(IMAGES)
    np.testing.assert_array_equal(idx.read(tmp_path / "a"), idx.read(tmp_path / "raw.gz"))


def test_gzip_of_several_members_and_zero_padding_is_read(tmp_path):
    """Both are legal gzip; gzip -d reads them too."""
    content = gzip.compress(IMAGES[:20]) + gzip.compress(IMAGES[20:]) + bytes(100)
    (tmp_path / "file").write_bytes(content)
    assert idx.read(tmp_path / "file").shape == (2, 4, 5)


def test_writing_keeps_the_old_file_when_it_fails(tmp_path, monkeypatch):
    path = tmp_path / "file"
    idx.write(path, np.zeros(3, np.uint8))
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(IdxError, match=r"cannot write .*file: No space left; free space"):
        idx.write(path, np.zeros(1000, np.uint8))
    assert path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("dtype", [np.int64, np.uint16, bool, np.float16, complex, object, "U3"])
def test_other_types_are_refused(tmp_path, dtype):
    allowed = "uint8, int8, int16, int32, float32, float64"
    with pytest.raises(IdxError, match=f"file: IDX has no type .*; convert .* one of {allowed}"):
        idx.write(tmp_path / "file", np.zeros(3, dtype))
    assert list(tmp_path.iterdir()) == []


def test_too_large_a_dimension_is_refused(tmp_path):
    array = np.broadcast_to(np.uint8(0), (2**32, 0))
    with pytest.raises(IdxError, match="exceeds 4294967295"):
        idx.write(tmp_path / "file", array)


MALFORMED = {
    "empty": (b"", "byte 0: found an empty file, expected an IDX header"),
    "one byte": (b"\0", "byte 1: found the end of the file, expected a header of 4 bytes"),
    "magic cut": (IMAGES[:3], "byte 3: found the end of the file, expected a header of 4 bytes"),
    "sizes cut": (IMAGES[:11], "byte 11: found the end of the file, expected a header of 16 bytes"),
    "wrong magic": (b"\x89PNG\r\n", "byte 0: found 0x8950, expected 0x0000"),
    "second byte": (b"\0\1" + IMAGES[2:], "byte 0: found 0x0001, expected 0x0000"),
    "type": (head(10, 1) + b"x", "byte 2: found type 0x0a, expected one of 0x08 uint8, .*float64"),
    "rank": (bytes([0, 0, 8, 65]) + bytes(260), "byte 3: found rank 65, expected at most 64"),
    "short": (IMAGES[:-1], "byte 55: .* after 39 bytes of values, expected 40 for uint8.2, 4, 5."),
    "long": (IMAGES + b"xy", "byte 56: found .*more bytes, expected the end of the file"),
    "dimensions": (head(8, *[2**32 - 1] * 3), "byte 4: found dimensions uint8.4294967295, .*2..63"),
    "zero times too much": (head(14, 0, *[2**32 - 1] * 2), "byte 4: found dimensions float64.0, 4"),
}


@pytest.mark.parametrize("compress", [False, True], ids=["raw", "gzip"])
@pytest.mark.parametrize(("content", "message"), MALFORMED.values(), ids=MALFORMED)
def test_malformed(tmp_path, content, message, compress):
    path = tmp_path / "images"
    path.write_bytes(gzip.compress(content) if compress else content)
    with pytest.raises(IdxError, match=f"^{path}: {message}"):
        idx.read(path)


def broken_crc():
    content = bytearray(gzip.compress(IMAGES))
    content[-8] ^= 1
    return bytes(content)


BROKEN_GZIP = {
    "magic alone": (b"\x1f\x8b", "after byte 0 of its content: .*ended"),
    "truncated": (gzip.compress(IMAGES)[:-9], "ended before"),
    "no trailer": (gzip.compress(IMAGES)[:-8], "ended before"),
    "crc": (broken_crc(), "CRC"),
    "trailing garbage": (gzip.compress(IMAGES) + b"garbage", "Not a gzipped file"),
    "method": (b"\x1f\x8b\x07" + gzip.compress(IMAGES)[3:], "compression method"),
    "deflate": (gzip.compress(IMAGES)[:10] + b"\xff" * 20, "invalid"),
}


@pytest.mark.parametrize(("content", "message"), BROKEN_GZIP.values(), ids=BROKEN_GZIP)
def test_broken_gzip(tmp_path, content, message):
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    with pytest.raises(IdxError, match=f"{path}: broken gzip near byte .*{message}.*; get the fil"):
        idx.read(path)


def refuse(path):
    """The message with which `path` is refused, and the bytes allocated on the way."""
    tracemalloc.start()
    try:
        with pytest.raises(IdxError) as caught:
            idx.read(path)
        return str(caught.value), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("compress", [False, True], ids=["raw", "gzip"])
def test_four_billion_images_are_not_allocated(tmp_path, compress):
    content = head(8, 2**32 - 1, 28, 28) + bytes(100)
    (tmp_path / "file").write_bytes(gzip.compress(content) if compress else content)
    message, allocated = refuse(tmp_path / "file")
    assert "3367254359296" in message or "4294967295, 28, 28" in message
    assert allocated < 2**20


def test_gzip_bomb_is_not_unpacked_beyond_its_header(tmp_path):
    packer = zlib.compressobj(9, wbits=31)
    bomb = packer.compress(head(8, 1000))
    zeros = bytes(2**20)
    bomb += b"".join(packer.compress(zeros) for _ in range(200)) + packer.flush()
    assert len(bomb) < 2**18
    (tmp_path / "file").write_bytes(bomb)
    message, allocated = refuse(tmp_path / "file")
    assert "byte 1008: found more bytes, expected the end of the file after uint8[1000]" in message
    assert allocated < 2**20


def test_large_gzip_payloads_are_refused_with_advice(tmp_path):
    noise = np.random.default_rng(0).bytes(2**20 + 2**16)
    (tmp_path / "file").write_bytes(gzip.compress(head(8, 2**30 + 1) + noise))
    message, allocated = refuse(tmp_path / "file")
    assert "decompress it first; raw files are memory-mapped" in message
    assert allocated < 2**20


def test_what_is_not_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for name, message in {
        "absent": "No such file",
        "": "it is not a file; give the path of an IDX file",
        "pipe": "it is not a file",  # opening it would wait for ever
        "loop": "symbolic links",
        "nul\0": "null byte",
    }.items():
        with pytest.raises(IdxError, match=f"cannot read .*{message}"):
            idx.read(tmp_path / name)


def test_unreadable_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(IMAGES)
    path.chmod(0)
    if os.access(path, os.R_OK):  # root reads everything
        pytest.skip("file modes do not bind this user")
    with pytest.raises(IdxError, match=r"cannot read .*: Permission denied"):
        idx.read(path)
