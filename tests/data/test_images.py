"""Images of other programs: every convention gives the same u8, every fault a clear line."""

import gzip
import io
import os
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from gen_models.data import idx, pictures
from gen_models.data.images import ImagesError, read_images, read_labels
from gen_models.errors import UserError

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 6, 6), np.uint8)
IMAGES[0, 0, :2] = 0, 255
WIDE = IMAGES[:, 1:, :].copy()  # 5×6: height and width cannot be confused
LABELS = np.arange(12, dtype=np.int32) * 7 % 10
UNIT = IMAGES / np.float64(255)
FORMATS = r"IDX, \.npy, \.npz, or a folder or zip of PNG pictures"


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npz(path, **arrays):
    np.savez(path, **arrays)
    return path.with_name(f"{path.name}.npz").rename(path)  # which savez adds


def png(array, mode=None, **options):
    buffer = io.BytesIO()
    picture = array if isinstance(array, Image.Image) else Image.fromarray(array)
    (picture.convert(mode) if mode else picture).save(buffer, "PNG", **options)
    return buffer.getvalue()


def fill_folder(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def fill_zip(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


FILL = {"folder": fill_folder, "zip": fill_zip}
folder_and_zip = pytest.mark.parametrize("fill", FILL.values(), ids=FILL)


def flat(greys=WIDE):
    return {f"sample{i}.png": png(grey) for i, grey in enumerate(greys)}


def assert_reads(path, expected, labels=None):
    found, found_labels = read_images(path)
    assert found.dtype == np.uint8
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, expected)
    assert (found_labels is None) == (labels is None)
    if labels is not None:
        assert found_labels.dtype == np.int32
        np.testing.assert_array_equal(found_labels, labels)


def refusal(read, path):
    """The message, which is one line, with which `read` refuses `path`."""
    with pytest.raises(UserError) as caught:
        read(path)
    message = str(caught.value)
    assert "\n" not in message
    assert " object at 0x" not in message
    return message


# --- values and shapes of arrays

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
        found, _ = read_images(tmp_path / "x.npy")
        assert tracemalloc.get_traced_memory()[0] < 2**20
    finally:
        tracemalloc.stop()
    assert found.shape == (4096, 32, 32)
    assert not found.flags.writeable


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


# --- files of arrays


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


OTHER = np.zeros((2, 3), np.float32)
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


def zipped(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


NOT_BROKEN = "expected an unbroken file without pickles; write it again"
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


# --- pictures


@folder_and_zip
def test_read_images_of_pictures_in_natural_order(tmp_path, fill):
    assert_reads(fill(tmp_path / "x", dict(reversed(flat().items()))), WIDE)


@folder_and_zip
def test_read_images_of_pictures_whose_numbers_have_zeros_and_thousands_of_digits(tmp_path, fill):
    names = ["1.png", "01.png", "2.PNG", "10.png", "b1.png", "b" + "1" * 200 + ".png"]
    found = dict(zip(reversed(names), map(png, WIDE), strict=False))
    expected = WIDE[[4, 5, 3, 2, 1, 0]]  # 01 is before 1: equal numbers go by their names
    assert_reads(fill(tmp_path / "x", found), expected)


@folder_and_zip
@pytest.mark.parametrize("root", ["", "samples/", "./", "7/"])
def test_read_images_of_pictures_in_folders_of_classes(tmp_path, fill, root):
    if root in ("./", "7/") and fill is fill_folder:
        root = ""
    if root == "7/":  # a lone number is a class, not a folder around the pictures
        assert_reads(fill(tmp_path / "x", {"7/1.png": png(WIDE[0])}), WIDE[:1], [7])
        return
    files = {f"{root}{LABELS[i]:02}/{i}.png": png(WIDE[i]) for i in range(12)}
    order = np.lexsort((np.arange(12), LABELS))
    assert_reads(fill(tmp_path / "x", files), WIDE[order], LABELS[order])


@folder_and_zip
@pytest.mark.parametrize(
    "folders", [("shirt", "coat"), ("0", "coat"), ("0", "1" * 10), ("1", "1b"), ("samples",) * 2]
)
def test_read_images_of_pictures_in_other_folders_has_no_labels(tmp_path, fill, folders):
    names = sorted(f"{folder}/{i}.png" for i, folder in enumerate(folders))
    files = {name: png(WIDE[i]) for i, name in enumerate(names)}
    assert_reads(fill(tmp_path / "x", files), WIDE[:2])


@folder_and_zip
def test_read_images_passes_over_what_operating_systems_leave(tmp_path, fill):
    litter = [".DS_Store", "Thumbs.db", "__MACOSX/._sample0.png", ".hidden/a.png", "desktop.ini"]
    assert_reads(fill(tmp_path / "x", flat() | dict.fromkeys(litter, b"x")), WIDE)


def rgb(grey):
    return np.stack([grey] * 3, 2)


def with_alpha(grey, alpha=255):
    return np.concatenate([rgb(grey), np.full_like(grey, alpha)[..., None]], 2)


def palette():
    """A picture of WIDE[0] whose indices are not its greys."""
    picture = Image.fromarray(255 - WIDE[0])
    picture = picture.convert("P")
    picture.putpalette(np.repeat(np.arange(255, -1, -1, np.uint8), 3).tobytes())
    return picture


MODES = {
    "L": png(WIDE[0]),
    "RGB": png(rgb(WIDE[0])),
    "RGBA": png(with_alpha(WIDE[0])),
    "LA": png(WIDE[0], "LA"),
    "P": png(palette()),
    "16 bits, times 257": png(WIDE[0].astype(np.uint16) * 257),
    "16 bits, shifted": png(WIDE[0].astype(np.uint16) << 8),
    "L, another is transparent": png(np.where(WIDE[0] == 3, 4, WIDE[0]), transparency=3),
}


@pytest.mark.parametrize("content", MODES.values(), ids=MODES)
def test_read_images_of_a_picture_of_mode(tmp_path, content):
    grey = np.where(WIDE[0] == 3, 4, WIDE[0]) if b"tRNS" in content else WIDE[0]
    assert_reads(fill_folder(tmp_path / "x", {"1.png": content}), grey[None])


def test_read_images_of_a_black_and_white_picture(tmp_path):
    white = np.eye(5, 6, dtype=bool)
    content = png(Image.fromarray(white))
    assert_reads(fill_folder(tmp_path / "x", {"1.png": content}), [white * 255])


PICTURE = png(WIDE[0])


def png_of_size(width, height):
    """A PNG that claims a size and has next to no pixels."""
    content = bytearray(PICTURE)
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)


def wrong_byte(content):
    place = content.index(b"IDAT") + 10
    return content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :]


BROKEN_PNG = "expected an unbroken PNG picture; write it again"
COLOUR = rgb(WIDE[0])
COLOUR[2, 3, 1] ^= 1
HALF = with_alpha(WIDE[0])
HALF[2, 3, 3] = 254
REFUSED_PICTURES = {
    "colour": (png(COLOUR), "has colours, expected a grey picture; convert it"),
    "transparent": (png(HALF), "is partly transparent, expected an opaque picture; flatten it"),
    "transparent grey": (
        png(np.full((5, 6), 9, np.uint8), transparency=9),
        "is partly transparent",
    ),
    "other size": (png(IMAGES[0]), "has 6×6 pixels, expected 5×6 as a.png has"),
    "turned": (png(WIDE[0].T), "has 6×5 pixels, expected 5×6 as a.png has"),
    "huge": (png_of_size(30_000, 30_000), f".*decompression bomb DOS attack; {BROKEN_PNG}"),
    "wide": (png_of_size(12_000, 8_000), "has 8000×12000 pixels, expected 5×6 as a.png has"),
    "JPEG": (b"\xff\xd8\xff\xe0 JFIF", f"cannot identify image file; {BROKEN_PNG}"),
    "empty": (b"", f"cannot identify image file; {BROKEN_PNG}"),
    "header cut": (PICTURE[:20], f".*; {BROKEN_PNG}"),
    "pixels cut": (PICTURE[:-30], f".*; {BROKEN_PNG}"),
    "wrong byte": (wrong_byte(PICTURE), f".*; {BROKEN_PNG}"),
}


@folder_and_zip
@pytest.mark.parametrize(("content", "message"), REFUSED_PICTURES.values(), ids=REFUSED_PICTURES)
def test_read_images_refuses_a_picture_by_name(tmp_path, fill, content, message):
    path = fill(tmp_path / "x", {"a.png": PICTURE, "b.png": content})
    with pytest.raises(ImagesError, match=f"{path}/b.png:? {message}"):
        read_images(path)
    refusal(read_images, path)


REFUSED_FOLDERS = {
    "nothing": ({}, "x holds nothing; expected PNG pictures and no other files, or"),
    "another file": (flat() | {"labels.csv": b"3"}, "x holds labels.csv; expected PNG pictures"),
    "other files": (
        {f"{i}.jpg": b"" for i in range(8)},
        "x holds 0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg, 3 more; expected PNG pictures and no other",
    ),
    "file in a class": ({"0/a.png": PICTURE, "0/b.txt": b""}, "x holds 0/b.txt; expected PNG"),
    "some in a class": ({"0/a.png": PICTURE, "b.png": PICTURE}, "x holds pictures at several dep"),
    "two deep": (
        {"train/0/a.png": PICTURE, "test/0/b.png": PICTURE},
        "or more than one deep; expected all in one folder, or all in its sub-folders, one a class",
    ),
}


@folder_and_zip
@pytest.mark.parametrize(("files", "message"), REFUSED_FOLDERS.values(), ids=REFUSED_FOLDERS)
def test_read_images_refuses_pictures_laid_out_otherwise(tmp_path, fill, files, message):
    (tmp_path / "x").mkdir() if fill is fill_folder else None
    with pytest.raises(ImagesError, match=message):
        read_images(fill(tmp_path / "x", files))


def test_read_images_refuses_what_is_no_file_in_a_folder(tmp_path):
    fill_folder(tmp_path / "x", flat() | {"a/b/c/d.png": PICTURE})
    os.mkfifo(tmp_path / "x" / "pipe.png")
    message = refusal(read_images, tmp_path / "x")
    assert message.startswith(f"{tmp_path}/x holds a/b/c (not a file), pipe.png (not a file); exp")


def test_read_images_refuses_more_pixels_than_it_makes_room_for(tmp_path, monkeypatch):
    fill_folder(tmp_path / "x", flat())
    monkeypatch.setattr(pictures, "MAX_UNPACKED_BYTES", 359)
    expected = "x/sample0.png has 5×6 pixels, expected at most 29 in each of 12 pictures"
    assert expected in refusal(read_images, tmp_path / "x")
    monkeypatch.setattr(pictures, "MAX_UNPACKED_BYTES", 360)
    assert_reads(tmp_path / "x", WIDE)


@folder_and_zip
def test_read_images_refuses_a_large_picture_before_it_is_decoded(tmp_path, fill):
    path = fill(tmp_path / "x", {"a.png": png_of_size(2**12, 2**11)})
    assert "has 2048×4096 pixels, expected at most 4194304 in" in refusal(read_images, path)


@folder_and_zip
def test_read_images_refuses_more_files_than_it_lists(tmp_path, monkeypatch, fill):
    monkeypatch.setattr(pictures, "MAX_FILES", 11)
    path = fill(tmp_path / "x", flat())
    assert refusal(read_images, path) == f"{path} holds more than 11 files; take some out"


@pytest.mark.parametrize("name", ["a.png", "images.npy"])
def test_read_images_refuses_a_zip_bomb_before_it_is_unpacked(tmp_path, name):
    zeros = bytes(2**20)
    with zipfile.ZipFile(tmp_path / "x", "w", zipfile.ZIP_DEFLATED) as archive:
        for place in range(9):
            archive.writestr(f"{place}{name}", zeros)
    content = (tmp_path / "x").read_bytes()  # the sizes claimed are 1 MiB; now they are 128 MiB
    size, claim = struct.pack("<I", 2**20), struct.pack("<I", 2**27)
    (tmp_path / "x").write_bytes(content.replace(size, claim))
    tracemalloc.start()
    try:
        message = refusal(read_images, tmp_path / "x")
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    assert f"x unpacks to {9 * 2**27} bytes, expected at most {2**30}; write the imag" in message


def test_read_images_reads_no_more_of_a_zip_than_its_claim(tmp_path):
    """A picture with 64 MiB after its end, of which the zip claims as many as the picture has."""
    fill_zip(tmp_path / "x", {"a.png": PICTURE + bytes(2**26)})
    content = (tmp_path / "x").read_bytes()
    size, claim = struct.pack("<I", len(PICTURE) + 2**26), struct.pack("<I", len(PICTURE))
    (tmp_path / "x").write_bytes(content.replace(size, claim))
    tracemalloc.start()
    try:
        assert "a.png: Bad CRC-32" in refusal(read_images, tmp_path / "x")
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()


def test_read_images_refuses_an_encrypted_zip(tmp_path):
    content = bytearray(fill_zip(tmp_path / "x", flat()).read_bytes())
    for magic, offset in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        place = -1
        while (place := content.find(magic, place + 1)) >= 0:
            content[place + offset] |= 1
    (tmp_path / "x").write_bytes(content)
    assert "sample0.png' is encrypted, password required" in refusal(read_images, tmp_path / "x")


def test_read_images_refuses_an_unreadable_folder(tmp_path):
    fill_folder(tmp_path / "x", {"0/a.png": PICTURE})
    (tmp_path / "x" / "0").chmod(0)
    try:
        if os.access(tmp_path / "x" / "0", os.R_OK):  # root reads everything
            pytest.skip("file modes do not bind this user")
        message = refusal(read_images, tmp_path / "x")
        assert message == f"cannot read {tmp_path}/x/0: Permission denied"
    finally:
        (tmp_path / "x" / "0").chmod(0o700)


# --- labels

LABEL_FILES = {
    "text": b"\n".join(b"%d" % label for label in LABELS) + b"\n",
    "text of Windows": b"\xef\xbb\xbf" + b"\r\n".join(b"%d" % label for label in LABELS),
    "text of numpy.savetxt": b"".join(b"%.18e\n" % label for label in LABELS),
    "npy": npy(LABELS.astype(np.int64)),
    "npy of bytes": npy(LABELS.astype(np.uint8)),
    "npy of another byte order": npy(LABELS.astype(">i2")),
    "npy of a column": npy(LABELS[:, None]),
}


@pytest.mark.parametrize("content", LABEL_FILES.values(), ids=LABEL_FILES)
def test_read_labels_of(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    found = read_labels(tmp_path / "x")
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, LABELS)


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


# --- whatever is wrong

WHOLE_FILES = {
    "npy": npy(WIDE),
    "npz": zipped(**{"images.npy": npy(WIDE), "labels.npy": npy(LABELS)}),
    "zip": zipped(**flat(), **{"p.png": MODES["P"], "a.png": MODES["LA"]}),
    "text": LABEL_FILES["text"],
}


@pytest.mark.parametrize("content", WHOLE_FILES.values(), ids=WHOLE_FILES)
def test_read_images_and_labels_of_mutated_files_raise_nothing_but_user_errors(tmp_path, content):
    rng = np.random.default_rng(0)
    for _ in range(int(os.environ.get("GEN_MODELS_FUZZ", 150))):
        mutated = bytearray(content)
        for place in rng.integers(len(content), size=rng.integers(1, 4)):
            mutated[place] = rng.integers(256)
        if rng.random() < 0.3:
            del mutated[rng.integers(len(mutated)) :]
        (tmp_path / "x").write_bytes(mutated)
        for read in (read_images, read_labels):
            try:
                read(tmp_path / "x")
            except UserError as error:
                assert "\n" not in str(error)


def test_read_images_of_mutated_pictures_raise_nothing_but_user_errors(tmp_path):
    rng = np.random.default_rng(0)
    for _ in range(int(os.environ.get("GEN_MODELS_FUZZ", 150))):
        mutated = bytearray(list(MODES.values())[rng.integers(len(MODES))])
        place = 8 + rng.integers(len(mutated) - 8)
        mutated[place] = rng.integers(256)
        fill_folder(tmp_path / "x", {"a.png": fix_checksums(mutated)})
        try:
            read_images(tmp_path / "x")
        except UserError as error:
            assert "\n" not in str(error)


def fix_checksums(content):
    """Give each chunk of a PNG its checksum, so that a fault is met behind it."""
    place = 8
    while place + 12 <= len(content):
        size = int.from_bytes(content[place : place + 4], "big")
        end = place + 8 + size
        if end + 4 > len(content):
            break
        content[end : end + 4] = struct.pack(">I", zlib.crc32(content[place + 4 : end]))
        place = end + 4
    return bytes(content)
