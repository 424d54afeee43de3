"""VAEs of binarised images, in every engine that has a likelihood."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gen_models import programs
from gen_models.algorithm import Batch, Spec
from gen_models.model import Model
from gen_models.models import MODELS

KEY_INIT, KEY_STEP, KEY_OTHER, KEY_IMAGES = jax.random.split(jax.random.key(0), 4)
LABELS = np.arange(4, dtype=np.int32) % 3
GREY = np.asarray(jax.random.uniform(KEY_IMAGES, (4, 8, 8, 1), minval=-1.0))
BITS = np.where(GREY > 0, 1.0, -1.0).astype(np.float32)

pytestmark = pytest.mark.parametrize("name", ["vae", "hvae", "vq_vae"])  # one of each engine


def made(name, likelihood):
    module = MODELS[name]
    config = module.Config(width=4, latent_size=3, likelihood=likelihood)
    return Model(module.build, Spec(8, 8, 3), config)


def same(found, wanted):
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_a_step_trains_on_bits_that_its_key_draws(name):
    grey, bits = (made(name, likelihood).algorithm for likelihood in ("bernoulli", "binarised"))
    state = jax.jit(bits.init)(KEY_INIT)

    def stepped(algorithm, images, key):
        return algorithm.step(state, Batch(jnp.asarray(images), jnp.asarray(LABELS)), key)[0].params

    on_bits = jax.jit(lambda images, key: stepped(bits, images, key))
    assert same(on_bits(BITS, KEY_STEP), jax.jit(lambda x: stepped(grey, x, KEY_STEP))(BITS))
    assert same(on_bits(GREY, KEY_STEP), on_bits(GREY, KEY_STEP))
    assert not same(on_bits(GREY, KEY_STEP), on_bits(GREY, KEY_OTHER))
    assert not same(on_bits(GREY, KEY_STEP), on_bits(BITS, KEY_STEP))


def test_grey_images_are_encoded_as_their_likeliest_bits(name):
    """A pixel brighter than middle grey is more often white than black."""
    model = made(name, "binarised")
    state = jax.jit(model.algorithm.init)(KEY_INIT)
    grey = np.linspace(0, 255, 4 * 8 * 8).astype(np.uint8).reshape(4, 8, 8)
    bits = np.where(grey > 127, 255, 0).astype(np.uint8)
    for seen_by in (programs.encode, programs.reconstruct):
        assert same(*(seen_by(model, state, images, LABELS) for images in (grey, bits)))
    unlike = made(name, "bernoulli")
    assert not same(*(programs.encode(unlike, state, images, LABELS) for images in (grey, bits)))
    if model.algorithm.latent.codes:
        codes = (programs.codes(model, state, images) for images in (grey, bits))
        assert same(*codes)


def test_bounds_are_on_bits_that_all_draws_have_in_common(name):
    model = made(name, "binarised")
    state = jax.jit(model.algorithm.init)(KEY_INIT)
    grey = np.full((4, 8, 8), 128, np.uint8)
    key_bits = jax.random.fold_in(KEY_STEP, programs.OBSERVED)
    observed = model.algorithm.density.observed(key_bits, programs.to_batch(grey, LABELS).images)
    bits = np.where(observed[..., 0] > 0, 255, 0).astype(np.uint8)

    def bounds(images, key):
        return programs.bounds(model, state, images, LABELS, key, 50)

    found = bounds(grey, KEY_STEP)
    assert same(found, bounds(bits, KEY_STEP))  # of which every draw sees the same
    assert not same(found, bounds(grey, KEY_OTHER))
    assert np.all(found.ceiling == 0)  # bits have no entropy of their own
