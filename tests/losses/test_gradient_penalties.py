"""Gradient penalties of critics whose gradient is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gen_models.losses import dragan_penalty, r1_penalty, r1_r2_penalty, wgan_gp_penalty
from gen_models.losses.gradient_penalties import squared_gradients

KEY = jax.random.key(0)
W = np.array([[0.5, -1.0], [2.0, 0.25]], np.float32)
NORM = np.sqrt((W**2).sum())
REAL = jax.random.normal(jax.random.key(1), (6, 2, 2, 1))
FAKE = jax.random.normal(jax.random.key(2), (6, 2, 2, 1))


def linear(images):
    return jnp.sum(images[..., 0] * W, axis=(1, 2)) + 3


def quadratic(images):
    """Its gradient is the image itself."""
    return jnp.sum(images**2, axis=(1, 2, 3)) / 2


def norms(images):
    return np.sqrt(np.sum(np.asarray(images) ** 2, axis=(1, 2, 3)))


def test_squared_gradients_are_each_images_own():
    np.testing.assert_allclose(squared_gradients(linear, REAL), [NORM**2] * 6, rtol=1e-6)
    np.testing.assert_allclose(squared_gradients(quadratic, REAL), norms(REAL) ** 2, rtol=1e-5)


@pytest.mark.parametrize("penalty", [wgan_gp_penalty(10.0), dragan_penalty(10.0, 0.5)])
def test_gradient_penalty_of_a_linear_critic_is_its_slopes_squared_distance_from_one(penalty):
    assert penalty(linear, REAL, FAKE, KEY) == pytest.approx(10 * (NORM - 1) ** 2, rel=1e-5)


@pytest.mark.parametrize(
    ("penalty", "expected"),
    [(wgan_gp_penalty(3.0), 3), (dragan_penalty(3.0, 0.5), 3), (r1_r2_penalty(3.0), 0)],
)
def test_gradient_penalty_of_a_constant_critic_has_finite_gradients(penalty, expected):
    def of_slope(slope):
        return penalty(lambda images: slope * linear(images), REAL, FAKE, KEY)

    assert of_slope(0.0) == pytest.approx(expected)
    assert np.isfinite(jax.grad(of_slope)(0.0))


def test_r1_penalty_is_half_the_mean_square_at_real_images():
    expected = 4 / 2 * np.mean(norms(REAL) ** 2)
    assert r1_penalty(4.0)(quadratic, REAL, FAKE, KEY) == pytest.approx(expected, rel=1e-5)


def test_r1_r2_penalty_is_half_the_mean_square_at_real_and_at_fake():
    expected = 4 / 2 * (np.mean(norms(REAL) ** 2) + np.mean(norms(FAKE) ** 2))
    assert r1_r2_penalty(4.0)(quadratic, REAL, FAKE, KEY) == pytest.approx(expected, rel=1e-5)


def test_wgan_gp_penalty_looks_at_the_line_from_real_to_fake_alone():
    """Where real and fake are equal it is a point; the point of each image is drawn anew."""
    same = wgan_gp_penalty(1.0)(quadratic, REAL, REAL, KEY)
    assert same == pytest.approx(np.mean((norms(REAL) - 1) ** 2), rel=1e-5)
    zeros, ones = jnp.zeros((1, 2, 2, 1)), jnp.ones((1, 2, 2, 1))
    for seed in range(20):
        value = wgan_gp_penalty(1.0)(quadratic, zeros, ones, jax.random.key(seed))
        share = jax.random.uniform(jax.random.key(seed), (1, 1, 1, 1))[0, 0, 0, 0]
        assert value == pytest.approx(float((2 * share - 1) ** 2), abs=1e-5)


@pytest.mark.parametrize("side", [1, -1])
def test_dragan_penalty_fills_the_box_on_both_sides(side):
    """A critic that is flat up to a limit on one side and steep beyond: its gradient tells."""
    reach = 0.5 * float(jnp.std(REAL))

    def steep_beyond(limit):
        excess = lambda images: jax.nn.relu(side * (images - REAL) - limit)
        return lambda images: jnp.sum(excess(images), axis=(1, 2, 3))

    penalty = dragan_penalty(1.0, 0.5)
    assert penalty(steep_beyond(1.001 * reach), REAL, FAKE, KEY) == 1  # all gradients are zero
    assert penalty(steep_beyond(0.5 * reach), REAL, FAKE, KEY) != 1


def test_dragan_penalty_ignores_fakes():
    same = (dragan_penalty(1.0, 0.5)(quadratic, REAL, fake, KEY) for fake in (FAKE, 100 + FAKE))
    assert len({float(value) for value in same}) == 1
