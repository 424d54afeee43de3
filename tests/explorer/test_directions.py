"""Directions of the latent space, of a generator whose directions are known."""

import jax.numpy as jnp
import numpy as np
import pytest

from gen_models.algorithm import Algorithm
from gen_models.explorer.directions import REACH, strongest

SIZE = 12


def generate(state, z, labels):
    """A bright square: z[0] is its width, z[2] its brightness, z[1] changes little."""
    del state, labels
    x = jnp.abs(jnp.arange(SIZE) - 5.5)
    inside = 1 / (1 + jnp.exp(4 * (x[None] - 2 - z[:, :1])))
    light = 0.5 + 0.05 * z[:, 2]
    image = (
        inside[:, None, :] * jnp.ones((SIZE, 1)) * light[:, None, None] + 1e-3 * z[:, 1, None, None]
    )
    return 2 * image[..., None] - 1


@pytest.fixture(scope="module")
def strongest_and_latents():
    z = np.random.default_rng(0).uniform(-1, 1, (64, 4)).astype(np.float32)
    z[:, 2] *= 2
    algorithm = Algorithm(init=None, step=None, prior=None, generate=generate)
    return strongest(algorithm, None, z, jnp.zeros(64, jnp.int32), np.array([1, 1, 1, 0], bool)), z


def test_the_strongest_direction_comes_first_and_reaches_as_far_as_it_should(strongest_and_latents):
    directions, z = strongest_and_latents
    first = directions[0].vector
    assert np.argmax(np.abs(first)) == 0
    assert np.linalg.norm(first / np.std(z + 1e-9, axis=0)) == pytest.approx(REACH, rel=0.01)


def test_a_direction_is_named_and_turned_by_what_it_changes_most(strongest_and_latents):
    directions, _ = strongest_and_latents
    assert directions[0].name == "narrow – wide"
    assert directions[0].vector[0] > 0
    assert directions[1].name == "dark – bright"
    assert directions[1].vector[2] > 0
    assert len({direction.name for direction in directions}) == len(directions)


def test_numbers_that_are_not_to_be_changed_are_not(strongest_and_latents):
    directions, _ = strongest_and_latents
    assert all(direction.vector[3] == 0 for direction in directions)
