"""Pixels: bytes and numbers in [-1,1] stand for each other exactly."""

import jax.numpy as jnp
import numpy as np
import pytest

from gen_models.data import pixels

GREYS = np.arange(256, dtype=np.uint8).reshape(256, 1, 1)


@pytest.mark.parametrize("xp", [np, jnp], ids=["numpy", "jax"])
def test_to_float_maps_bytes_evenly_onto_the_range(xp):
    images = pixels.to_float(GREYS.reshape(2, 8, 16), xp)
    assert (images.shape, images.dtype) == ((2, 8, 16, 1), np.float32)
    np.testing.assert_allclose(np.ravel(images), np.linspace(-1, 1, 256), atol=1e-6)


def test_to_bytes_gives_every_grey_back():
    images = np.broadcast_to(GREYS.astype(np.float32), (256, 4, 6))[..., None] / 127.5 - 1
    assert (pixels.to_bytes(images) == GREYS).all()
    assert (pixels.to_bytes(pixels.to_float(GREYS)) == GREYS).all()


def test_to_bytes_clips_what_is_no_grey_or_makes_it_black():
    images = np.array([-2, 2, np.nan, np.inf, -np.inf, 1e38], np.float32).reshape(6, 1, 1, 1)
    assert pixels.to_bytes(images).ravel().tolist() == [0, 255, 0, 0, 0, 255]
    assert pixels.to_bytes(images).dtype == np.uint8
