"""Files of images and labels as other programs write them, whole and otherwise."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from gen_models.data.images import read_images
from gen_models.errors import UserError

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 6, 6), np.uint8)
IMAGES[0, 0, :2] = 0, 255
WIDE = IMAGES[:, 1:, :].copy()  # 5×6: height and width cannot be confused
LABELS = np.arange(12, dtype=np.int32) * 7 % 10
UNIT = IMAGES / np.float64(255)


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
    images, found_labels = read_images(path)
    assert images.dtype == np.uint8
    assert images.flags.c_contiguous
    np.testing.assert_array_equal(images, expected)
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


def zipped(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


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
PICTURE = png(WIDE[0])
LABEL_FILES = {
    "text": b"\n".join(b"%d" % label for label in LABELS) + b"\n",
    "text of Windows": b"\xef\xbb\xbf" + b"\r\n".join(b"%d" % label for label in LABELS),
    "text of numpy.savetxt": b"".join(b"%.18e\n" % label for label in LABELS),
    "npy": npy(LABELS.astype(np.int64)),
    "npy of bytes": npy(LABELS.astype(np.uint8)),
    "npy of another byte order": npy(LABELS.astype(">i2")),
    "npy of a column": npy(LABELS[:, None]),
}
OTHER = np.zeros((2, 3), np.float32)
NOT_BROKEN = "expected an unbroken file without pickles; write it again"
