"""Arrays of other programs: every convention gives the same u8, every fault a clear line."""

import gzip
import io
import os
import struct
import tracemalloc

import numpy as np
import pytest
from image_files import (
    IMAGES,
    LABELS,
    NOT_BROKEN,
    OTHER,
    UNIT,
    WIDE,
    assert_reads,
    npy,
    npz,
    png,
    refusal,
    zipped,
)

from gen_models.data import idx
from gen_models.data.images import ImagesError, read_images, read_labels
from gen_models.errors import UserError

FORMATS = r"IDX, \.npy, \.npz, or a folder or zip of PNG pictures"


# --- values and shapes

BLACK_AND_WHITE = IMAGES > 127
VALUES = {
    "uint8": (IMAGES, IMAGES),
    "int16": (IMAGES.astype(">i2"), IMAGES),
    "int64": (IMAGES.astype(np.int64), IMAGES),
    "uint64": (IMAGES.astype(np.uint64), IMAGES),
    "bool": (BLACK_AND_WHITE, BLACK_AND_WHITE * np.uint8(255)),
    "black integers": (np.zeros((2, 6, 6), np.uint8), np.zeros((2, 6, 6))),
    "float64 in 0 to 1": (UNIT, IMAGES),
    "float16 in 0 to 1": (UNIT.astype(np.float16), IMAGES),
    "float32 in -1 to 1": (UNIT.astype(np.float32) * 2 - 1, IMAGES),
    "float16 in -1 to 1": ((UNIT * 2 - 1).astype(np.float16), IMAGES),
    "float32 in 0 to 255": (IMAGES.astype(">f4"), IMAGES),
    "black floats in 0 to 1": (np.zeros((2, 6, 6)), np.zeros((2, 6, 6))),
    "black floats in -1 to 1": (np.full((2, 6, 6), -1.0), np.zeros((2, 6, 6))),
    "rounding beyond 0 to 1": (UNIT * 1.001 - 0.0005, IMAGES),
    "rounding beyond -1 to 1": (UNIT * 2.002 - 1.001, IMAGES),
    "rounding beyond 0 to 255": (UNIT * 255.4 - 0.2, IMAGES),
    "dark floats in 0 to 255": (np.full((2, 6, 6), 64.4), np.full((2, 6, 6), 64)),
}


@pytest.mark.parametrize(("array", "expected"), VALUES.values(), ids=VALUES)
def test_read_images_of_an_npy_of_values(tmp_path, array, expected):
    np.save(tmp_path / "x.npy", array)
    assert_reads(tmp_path / "x.npy", expected)


def test_read_images_rounds_floats_as_the_nearest_grey(tmp_path):
    np.save(tmp_path / "x.npy", np.array([[[0.0, 0.49, 0.51, 127.5, 128.5, 255.0]]]))
    assert_reads(tmp_path / "x.npy", [[[0, 0, 1, 128, 128, 255]]])


SHAPES = {
    "N,H,W": (WIDE, WIDE),
    "N,H,W,1": (WIDE[..., None], WIDE),
    "N,1,H,W": (WIDE[:, None], WIDE),
    "N,H*W": (IMAGES.reshape(12, 36), IMAGES),
    "N,H,W,3": (np.stack([WIDE] * 3, 3), WIDE),
    "N,3,H,W": (np.stack([WIDE] * 3, 1), WIDE),
    "one image": (WIDE[:1], WIDE[:1]),
    "Fortran order": (np.asfortranarray(WIDE), WIDE),
}


@pytest.mark.parametrize("convert", [lambda x: x, lambda x: x / np.float32(127.5) - 1])
@pytest.mark.parametrize(("array", "expected"), SHAPES.values(), ids=SHAPES)
def test_read_images_of_an_npy_of_shape(tmp_path, array, expected, convert):
    np.save(tmp_path / "x.npy", convert(array))
    assert_reads(tmp_path / "x.npy", expected)


def test_read_images_maps_a_uint8_npy_into_memory(tmp_path):
    np.save(tmp_path / "x.npy", np.full((4096, 32, 32), 7, np.uint8))
    tracemalloc.start()
    try:
        images, _ = read_images(tmp_path / "x.npy")
        assert tracemalloc.get_traced_memory()[0] < 2**20
    finally:
        tracemalloc.stop()
    assert images.shape == (4096, 32, 32)
    assert not images.flags.writeable


def at(array, value):
    array = array.astype(np.float32)
    array[5, 1, 2] = value
    return array


VALUES_AND_SHAPES = r"expected images \[N,H,W\], \[N,H,W,C\] or \[N,C,H,W\] with 1 or 3 channels"
REFUSED_ARRAYS = {
    "NaN": (at(UNIT, np.nan), ": image 5 holds NaN or infinity, expected finite numbers"),
    "inf": (at(UNIT, np.inf), ": image 5 holds NaN or infinity"),
    "-inf": (at(UNIT, -np.inf), ": image 5 holds NaN or infinity"),
    "standardised": (UNIT * 3 - 0.5, "float64 values from -0.5 to 2.5, expected floats in .0,1., "),
    "unclipped": (UNIT * 1.25, r"from 0 to 1.25, expected floats in .*\[0,255\]; rescale them"),
    "too bright": (UNIT * 300, "float64 values from 0 to 300, expected floats"),
    "too dark": (UNIT * 63, "float64 values from 0 to 63, expected floats"),
    "negative": (UNIT * 255 - 127.5, "from -127.5 to 127.5, expected floats"),
    "int8": (IMAGES.view(np.int8), "int8 values from -128 to 127, expected integers from 0 to 255"),
    "uint16": (IMAGES.astype("u2") * 257, "uint16 values from 0 to 65535, expected integers from"),
    "0 and 1": (BLACK_AND_WHITE.astype("u1"), "from 0 to 1, expected 0 to 255; save .* as bool"),
    "complex": (UNIT.astype(complex), "holds complex128 values, expected integers, floats or bool"),
    "text": (np.full((2, 3, 4), "a"), "holds str32 values, expected integers, floats or bool"),
    "colours": (np.stack([IMAGES, IMAGES, IMAGES ^ 1], 3), "channels of image 0 differ, .* grey"),
    "colours first": (np.stack([WIDE, WIDE ^ 1, WIDE], 1), ": the channels of image 0 differ"),
    "no images": (IMAGES[:0], rf"holds uint8\[0, 6, 6\], {VALUES_AND_SHAPES}"),
    "no pixels": (IMAGES[:, :0], r"holds uint8\[12, 0, 6\], expected images"),
    "empty rows": (np.zeros((3, 0)), r"holds float64\[3, 0\], expected images"),
    "scalar": (np.uint8(3), r"holds uint8\[\], expected images"),
    "rank 1": (LABELS, rf"holds int32\[12\], {VALUES_AND_SHAPES}, or \[N,H·W\] with H = W"),
    "no square": (IMAGES.reshape(24, 18), r"holds uint8\[24, 18\], expected images"),
    "two channels": (np.stack([WIDE] * 2, 3), r"holds uint8\[12, 5, 6, 2\], expected images"),
    "rank 5": (IMAGES[None, None], r"holds uint8\[1, 1, 12, 6, 6\], expected images"),
}


@pytest.mark.parametrize(("array", "message"), REFUSED_ARRAYS.values(), ids=REFUSED_ARRAYS)
def test_read_images_refuses_an_array(tmp_path, array, message):
    (tmp_path / "x").write_bytes(npy(array))
    with pytest.raises(ImagesError, match=f"^{tmp_path}/x.*{message}"):
        read_images(tmp_path / "x")


# --- files


@pytest.mark.parametrize("compress", [False, True], ids=["raw", "gzip"])
def test_read_images_of_idx(tmp_path, compress):
    idx.write(tmp_path / "x", WIDE, compress)
    assert_reads(tmp_path / "x", WIDE)
    idx.write(tmp_path / "x", WIDE.astype(np.float32) / 255, compress)
    assert_reads(tmp_path / "x", WIDE)


@pytest.mark.parametrize("ending", ["npz", "png", "idx3-ubyte.gz", "txt", ""])
def test_read_images_and_labels_whatever_the_name_says(tmp_path, ending):
    path = tmp_path / f"x.{ending}"
    path.write_bytes(npy(WIDE))
    assert_reads(path, WIDE)
    path.write_bytes(npy(LABELS))
    np.testing.assert_array_equal(read_labels(path), LABELS)


ARCHIVES = {
    "images and labels": ({"images": WIDE, "labels": LABELS, "z": WIDE}, LABELS),
    "samples": ({"samples": WIDE, "z": WIDE}, None),
    "x and y": ({"x": WIDE, "y": LABELS.astype(np.uint8)}, LABELS),
    "x and label": ({"x": WIDE, "label": LABELS[:, None]}, LABELS),
    "arr_0": ({"arr_0": WIDE}, None),
    "arr_0 and arr_1": ({"arr_0": WIDE, "arr_1": LABELS.astype(np.int64)}, LABELS),
    "arr_0 and another arr_1": ({"arr_0": WIDE, "arr_1": WIDE / 2}, None),
    "only one": ({"drawn": WIDE}, None),
    "only one of rank 3": ({"drawn": WIDE, "seed": np.int64(3), "z": OTHER}, None),
    "only one of rank 4": ({"drawn": WIDE[:, None], "z": OTHER, "y": LABELS}, LABELS),
    "the first name": ({"x": WIDE[:3], "images": WIDE}, None),
    "named of rank 2": ({"images": np.stack([IMAGES.ravel()[:25]] * 3), "z": WIDE}, None),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(("arrays", "labels"), ARCHIVES.values(), ids=ARCHIVES)
def test_read_images_of_an_npz(tmp_path, arrays, labels, save):
    save(tmp_path / "x.npz", **arrays)
    rank_2 = arrays.get("images", WIDE).ndim == 2
    expected = arrays["images"].reshape(3, 5, 5) if rank_2 else WIDE
    assert_reads(tmp_path / "x.npz", expected, labels)


def test_read_images_of_an_npz_beside_a_pickled_array(tmp_path):
    np.savez(tmp_path / "x.npz", images=WIDE, options=np.array({"seed": 1}))
    assert_reads(tmp_path / "x.npz", WIDE)


REFUSED_ARCHIVES = {
    "two candidates": (
        {"x_train": WIDE, "x_test": WIDE[:3]},
        r"holds x_train uint8\[12, 5, 6\], x_test uint8\[3, 5, 6\]; expected an array called "
        "images or samples or x or arr_0",
    ),
    "many": (
        {f"a{i}": OTHER for i in range(9)},
        r"holds a0 float32.2, 3., a1 .*, 4 more; expected",
    ),
    "pickle": (
        {"images": np.array([{}])},
        "cannot read .*x: Object arrays .*expected an unbroken file without pickles",
    ),
    "labels of another number": (
        {"images": WIDE, "labels": LABELS[:5]},
        "x holds 5 labels, expected 12, one an image",
    ),
    "one-hot labels": (
        {"images": WIDE, "labels": np.eye(12)},
        r"x, labels: found float64\[12, 12\], expected one integer an image, \[N\]; save one-hot "
        r"rows as argmax\(axis=1\), and floats as integers",
    ),
    "negative labels": (
        {"images": WIDE, "y": LABELS - 1},
        "x, labels: found -1 at position 0, expected 0 to 2147483647",
    ),
}


@pytest.mark.parametrize(("arrays", "message"), REFUSED_ARCHIVES.values(), ids=REFUSED_ARCHIVES)
def test_read_images_refuses_an_npz(tmp_path, arrays, message):
    with pytest.raises(ImagesError, match=message):
        read_images(npz(tmp_path / "x", **arrays))


def broken_zip(content):
    """An .npz, stored, with a wrong byte among its values."""
    buffer = io.BytesIO()
    np.savez(buffer, images=content)
    place = buffer.getvalue().index(content.tobytes()[:64])
    buffer.getbuffer()[place + 5] ^= 1
    return buffer.getvalue()


def npy_of_header(header):
    header = header.ljust(117).encode() + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + bytes(360)


def huge(shape):
    return npy_of_header(f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}")


BROKEN_FILES = {
    "empty": (b"", f"x is empty; expected {FORMATS}"),
    "text": (b"hello, world", f"x begins with b'hello, w'; expected {FORMATS}"),
    "JPEG": (b"\xff\xd8\xff\xe0 JFIF", r"x begins with b'\\xff\\xd8.*; expected IDX"),
    "one picture": (png(IMAGES[0]), r"begins with b'\\x89PNG.*; expected .*folder or zip of PNG"),
    "pickle": (b"\x80\x04\x95csubprocess", f"x begins with .*; expected {FORMATS}"),
    "idx cut": (b"\0\0\x08", "x: byte 3: found the end of the file, expected a header of 4 bytes"),
    "gzipped npy": (gzip.compress(npy(WIDE)), "found 0x934e, expected 0x0000: this is not an IDX"),
    "npy cut": (npy(WIDE)[:-1], f"cannot read .*x: .*; {NOT_BROKEN}"),
    "npy header cut": (npy(WIDE)[:60], f"cannot read .*x: .*; {NOT_BROKEN}"),
    "npy magic cut": (npy(WIDE)[:7], f"cannot read .*x: .*; {NOT_BROKEN}"),
    "npy version": (
        npy(WIDE)[:6] + b"\7" + npy(WIDE)[7:],
        f"cannot read .*version.*; {NOT_BROKEN}",
    ),
    "npy header": (npy_of_header("{'descr': "), f"cannot read .*x: .*; {NOT_BROKEN}"),
    "npy nested": (npy_of_header("(" * 117), f"cannot read .*x: .*; {NOT_BROKEN}"),
    "npy negative": (huge((-3, 28, -28)), f"cannot read .*x: .*; {NOT_BROKEN}"),
    "npy huge": (huge((2**40, 28, 28)), f"cannot read .*x: .*; {NOT_BROKEN}"),
    "npy of objects": (npy(np.array([{}])), f"cannot read .*Python objects in dtype; {NOT_BROKEN}"),
    "npz cut": (broken_zip(WIDE)[:-30], f"cannot read .*x: File is not a zip file; {NOT_BROKEN}"),
    "npz CRC": (broken_zip(WIDE), f"cannot read .*x: Bad CRC-32 .*; {NOT_BROKEN}"),
    "npz of no npy": (
        zipped(**{"images.npy": b"hello"}),
        f"cannot read .*magic string.*; {NOT_BROKEN}",
    ),
    "npz huge": (zipped(**{"images.npy": huge((2**40, 28, 28))}), f"cannot read .*; {NOT_BROKEN}"),
    "zip without files": (
        zipped(),
        "x holds nothing; expected PNG pictures and no other files, or",
    ),
    "PyTorch": (zipped(**{"a/data.pkl": b"", "a/version": b"3"}), "holds a/data.pkl, a/version; "),
    "npy and text": (zipped(**{"a.npy": npy(WIDE), "b.txt": b""}), "holds a.npy, b.txt; expected"),
}


@pytest.mark.parametrize(("content", "message"), BROKEN_FILES.values(), ids=BROKEN_FILES)
def test_read_images_refuses_a_file(tmp_path, content, message):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_images(tmp_path / "x")
    refusal(read_images, tmp_path / "x")


@pytest.mark.parametrize("read", [read_images, read_labels])
def test_read_images_and_labels_refuse_what_is_not_a_file(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for name, message in {
        "absent": f"cannot read {tmp_path}/absent: No such file or directory",
        "pipe": "it is neither a file nor a folder",  # opening it would wait for ever
        "loop": "symbolic links",
        "nul\0": "null byte",
    }.items():
        assert message in refusal(read, tmp_path / name)


@pytest.mark.parametrize("read", [read_images, read_labels])
def test_read_images_and_labels_refuse_an_unreadable_file(tmp_path, read):
    (tmp_path / "x").write_bytes(npy(WIDE))
    (tmp_path / "x").chmod(0)
    if os.access(tmp_path / "x", os.R_OK):  # root reads everything
        pytest.skip("file modes do not bind this user")
    assert refusal(read, tmp_path / "x") == f"cannot read {tmp_path}/x: Permission denied"
