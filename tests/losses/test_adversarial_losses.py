"""Adversarial losses at logits where they are known by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gen_models.losses import (
    cross_entropy,
    energy_margin,
    equilibrium,
    hinge,
    least_squares,
    least_squares_of_probabilities,
    mismatched,
    non_saturating,
    pulling_away,
    relativistic_pairing,
    saturating,
    wasserstein,
)

LOG_2 = np.log(2)


def test_non_saturating_loss_at_logit_zero_is_log_2_a_kind_of_image():
    disc, gen = non_saturating(jnp.zeros(5), jnp.zeros(5))
    assert disc == pytest.approx(2 * LOG_2)
    assert gen == pytest.approx(LOG_2)


def test_non_saturating_losses_are_cross_entropies_averaged_over_the_batch():
    real, fake = np.array([0.5, -1.0, 2.0]), np.array([1.0, 0.0, -3.0])
    disc, gen = non_saturating(jnp.array(real), jnp.array(fake))
    p_real, p_fake = 1 / (1 + np.exp(-real)), 1 / (1 + np.exp(-fake))
    assert disc == pytest.approx(-np.log(p_real).mean() - np.log(1 - p_fake).mean(), rel=1e-6)
    assert gen == pytest.approx(-np.log(p_fake).mean(), rel=1e-6)


def test_non_saturating_loss_of_large_logits_is_the_logit_where_wrong_and_0_where_right():
    large = jnp.full(2, 1e4)
    wrong, fooled = non_saturating(-large, large)
    right, caught = non_saturating(large, -large)
    assert (float(wrong), float(right)) == (2e4, 0.0)
    assert (float(fooled), float(caught)) == (0.0, 1e4)


@pytest.mark.parametrize("logit", [-100.0, -1.0, 0.0, 1.0, 100.0])
def test_gradients_of_the_non_saturating_loss_are_sigmoids(logit):
    real_grad = jax.grad(lambda real: non_saturating(real, jnp.zeros(1))[0])(jnp.array([logit]))
    fake_grad = jax.grad(lambda fake: non_saturating(jnp.zeros(1), fake)[0])(jnp.array([logit]))
    gen_grad = jax.grad(lambda fake: non_saturating(jnp.zeros(1), fake)[1])(jnp.array([logit]))
    sigmoid = 1 / (1 + np.exp(-logit))
    # The critic's saturates where it is right; the generator's where it has won, not where it
    # loses.
    np.testing.assert_allclose(real_grad, [sigmoid - 1], rtol=1e-5, atol=1e-30)
    np.testing.assert_allclose(fake_grad, [sigmoid], rtol=1e-5, atol=1e-30)
    np.testing.assert_allclose(gen_grad, [sigmoid - 1], rtol=1e-5, atol=1e-30)


def test_non_saturating_loss_of_the_generator_ignores_the_real_logits():
    def gen_loss(real):
        return non_saturating(real, jnp.ones(3))[1]

    assert not jnp.any(jax.grad(gen_loss)(jnp.arange(3.0)))


# --- the others, by hand

REAL, FAKE = np.array([2.0, -1.0]), np.array([0.5, -3.0])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def log_sigmoid(x):
    return -np.log1p(np.exp(-x))


BY_HAND = {
    "saturating": (
        saturating,
        -np.mean(log_sigmoid(REAL)) - np.mean(log_sigmoid(-FAKE)),
        np.mean(log_sigmoid(-FAKE)),
    ),
    # ½ mean(1, 4) + ½ mean(0.25, 9); ½ mean(0.25, 16)
    "least_squares": (least_squares, 1.25 + 2.3125, 4.0625),
    "least_squares_of_probabilities": (
        least_squares_of_probabilities,
        (np.mean((sigmoid(REAL) - 1) ** 2) + np.mean(sigmoid(FAKE) ** 2)) / 2,
        np.mean((sigmoid(FAKE) - 1) ** 2) / 2,
    ),
    "wasserstein": (wasserstein, -1.25 - 0.5, 1.25),
    # mean(0, 2) + mean(1.5, 0)
    "hinge": (hinge, 1.0 + 0.75, 1.25),
    "relativistic_pairing": (
        relativistic_pairing,
        -np.mean(log_sigmoid(np.array([1.5, 2.0]))),
        -np.mean(log_sigmoid(np.array([-1.5, -2.0]))),
    ),
    # 0.5 + mean(0.5, 4), of a margin of 1
    "energy_margin": (energy_margin(1.0), 0.5 + 2.25, -1.25),
    "equilibrium": (equilibrium(jnp.float32(0.4)), 0.5 - 0.4 * -1.25, -1.25),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_losses_are_those_worked_out_by_hand(name):
    loss, disc, gen = BY_HAND[name]
    found = loss(jnp.array(REAL), jnp.array(FAKE))
    np.testing.assert_allclose(found, [disc, gen], rtol=1e-6)


def test_both_gan_losses_of_the_generator_fall_as_it_fools_more():
    for loss in (saturating, non_saturating):
        gradient = jax.grad(lambda fake: loss(jnp.zeros(1), fake)[1])(jnp.array([-4.0]))  # noqa: B023
        assert gradient < 0
    # The saturating one has almost none where the discriminator is sure.
    assert jax.grad(lambda fake: saturating(jnp.zeros(1), fake)[1])(jnp.array([-20.0])) > -1e-8


def test_the_pulling_away_term_is_one_for_equal_codes_and_zero_for_orthogonal_ones():
    assert pulling_away(jnp.ones((4, 3))) == pytest.approx(1)
    assert pulling_away(jnp.array([[1.0, 1.0], [-2.0, -2.0]])) == pytest.approx(1)
    assert pulling_away(3 * jnp.eye(4)) == pytest.approx(0)
    # cosines of 60 degrees between one pair of three: 2 · 0.25 / 6
    codes = jnp.array([[1.0, 0.0, 0.0], [0.5, np.sqrt(0.75), 0.0], [0.0, 0.0, 5.0]])
    assert pulling_away(codes) == pytest.approx(0.5 / 6, rel=1e-6)


def test_cross_entropy_is_minus_the_log_of_the_labels_probability():
    logits = jnp.log(jnp.array([[0.7, 0.2, 0.1], [0.25, 0.25, 0.5]]))
    expected = -(np.log(0.7) + np.log(0.5)) / 2
    assert cross_entropy(logits, jnp.array([0, 2])) == pytest.approx(expected, rel=1e-6)


def test_mismatched_is_the_cross_entropy_of_the_labels_that_are_not_an_images_own():
    scores = np.array([[9.0, 1.0, -2.0], [0.5, -7.0, 3.0]])
    wrong = 1 / (1 + np.exp(-np.array([1.0, -2.0, 0.5, 3.0])))  # but for 9 and -7
    found = mismatched(jnp.array(scores), jnp.array([0, 1]))
    assert found == pytest.approx(-np.log(1 - wrong).mean(), rel=1e-6)
    assert mismatched(jnp.ones((2, 1)), jnp.zeros(2, jnp.int32)) == 0  # no other label
