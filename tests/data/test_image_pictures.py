"""Folders and zips of PNG pictures: every mode gives the same u8, every fault a clear line."""

import os
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from image_files import (
    IMAGES,
    LABELS,
    MODES,
    PICTURE,
    WIDE,
    assert_reads,
    fill_folder,
    fill_zip,
    flat,
    folder_and_zip,
    png,
    refusal,
    rgb,
    with_alpha,
)
from PIL import Image

from gen_models.data import pictures
from gen_models.data.images import ImagesError, class_folders, read_images


@folder_and_zip
def test_read_images_of_pictures_in_natural_order(tmp_path, fill):
    assert_reads(fill(tmp_path / "x", dict(reversed(flat().items()))), WIDE)


@folder_and_zip
def test_read_images_of_pictures_whose_numbers_have_zeros_and_thousands_of_digits(tmp_path, fill):
    names = ["1.png", "01.png", "2.PNG", "10.png", "b1.png", "b" + "1" * 200 + ".png"]
    pictures = dict(zip(reversed(names), map(png, WIDE), strict=False))
    expected = WIDE[[4, 5, 3, 2, 1, 0]]  # 01 is before 1: equal numbers go by their names
    assert_reads(fill(tmp_path / "x", pictures), expected)


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
def test_folders_named_by_classes_are_labels(tmp_path, fill):
    files = {f"{name}/{i}.png": png(WIDE[i]) for i, name in enumerate(["shirt", "Coat", "hat"])}
    path = fill(tmp_path / "x", files)
    images, labels = read_images(path, ("coat", "hat", "shirt", "shoe"))
    np.testing.assert_array_equal(images, WIDE[[1, 2, 0]])
    assert labels.tolist() == [0, 1, 2]
    assert class_folders(path) == ("Coat", "hat", "shirt")
    assert read_images(path, ("shoe",))[1] is None
    with pytest.raises(
        ImagesError, match=r"has a folder hat, which is no class; perhaps you .*hut"
    ):
        read_images(path, ("coat", "hut", "shirt"))


@folder_and_zip
@pytest.mark.parametrize("files", [flat(), {"0/1.png": png(WIDE[0]), "11/2.png": png(WIDE[1])}])
def test_numbers_and_pictures_in_one_folder_are_no_class_names(tmp_path, fill, files):
    assert class_folders(fill(tmp_path / "x", files)) == ()


def test_files_that_are_no_pictures_have_no_class_folders(tmp_path):
    np.save(tmp_path / "x.npy", WIDE)
    assert class_folders(tmp_path / "x.npy") == ()


@folder_and_zip
def test_read_images_passes_over_what_operating_systems_leave(tmp_path, fill):
    litter = [".DS_Store", "Thumbs.db", "__MACOSX/._sample0.png", ".hidden/a.png", "desktop.ini"]
    assert_reads(fill(tmp_path / "x", flat() | dict.fromkeys(litter, b"x")), WIDE)


@pytest.mark.parametrize("content", MODES.values(), ids=MODES)
def test_read_images_of_a_picture_of_mode(tmp_path, content):
    grey = np.where(WIDE[0] == 3, 4, WIDE[0]) if b"tRNS" in content else WIDE[0]
    assert_reads(fill_folder(tmp_path / "x", {"1.png": content}), grey[None])


def test_read_images_of_a_black_and_white_picture(tmp_path):
    white = np.eye(5, 6, dtype=bool)
    content = png(Image.fromarray(white))
    assert_reads(fill_folder(tmp_path / "x", {"1.png": content}), [white * 255])


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


@folder_and_zip
def test_read_images_refuses_a_name_that_would_break_its_message_in_two(tmp_path, fill):
    path = fill(tmp_path / "x", {"a\nb.txt": b"", "c.png": PICTURE})
    assert (
        refusal(read_images, path)
        == f"{path} holds a file named 'a\\nb.txt'; expected printable names"
    )


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
