"""Mutated files of images and labels: each reads as an array or is refused with one line."""

import os
import struct
import zlib

import numpy as np
import pytest
from image_files import (
    LABEL_FILES,
    LABELS,
    MODES,
    WIDE,
    fill_folder,
    flat,
    npy,
    zipped,
)

from gen_models.data.images import read_images, read_labels
from gen_models.errors import UserError

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
