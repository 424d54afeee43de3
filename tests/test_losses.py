"""Adversarial losses at logits where they are known by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gen_models.losses import non_saturating

LOG_2 = np.log(2)


def test_an_undecided_critic_costs_log_2_a_kind_of_image():
    disc, gen = non_saturating(jnp.zeros(5), jnp.zeros(5))
    assert disc == pytest.approx(2 * LOG_2)
    assert gen == pytest.approx(LOG_2)


def test_losses_are_cross_entropies_averaged_over_the_batch():
    real, fake = np.array([0.5, -1.0, 2.0]), np.array([1.0, 0.0, -3.0])
    disc, gen = non_saturating(jnp.array(real), jnp.array(fake))
    p_real, p_fake = 1 / (1 + np.exp(-real)), 1 / (1 + np.exp(-fake))
    assert disc == pytest.approx(-np.log(p_real).mean() - np.log(1 - p_fake).mean(), rel=1e-6)
    assert gen == pytest.approx(-np.log(p_fake).mean(), rel=1e-6)


def test_a_wrong_critic_costs_its_logit_and_a_right_one_nothing_however_large():
    large = jnp.full(2, 1e4)
    wrong, fooled = non_saturating(-large, large)
    right, caught = non_saturating(large, -large)
    assert (float(wrong), float(right)) == (2e4, 0.0)
    assert (float(fooled), float(caught)) == (0.0, 1e4)


@pytest.mark.parametrize("logit", [-100.0, -1.0, 0.0, 1.0, 100.0])
def test_gradients_are_sigmoids(logit):
    real_grad = jax.grad(lambda real: non_saturating(real, jnp.zeros(1))[0])(jnp.array([logit]))
    fake_grad = jax.grad(lambda fake: non_saturating(jnp.zeros(1), fake)[0])(jnp.array([logit]))
    gen_grad = jax.grad(lambda fake: non_saturating(jnp.zeros(1), fake)[1])(jnp.array([logit]))
    sigmoid = 1 / (1 + np.exp(-logit))
    # The critic's saturates where it is right; the generator's where it has won, not where it
    # loses.
    np.testing.assert_allclose(real_grad, [sigmoid - 1], rtol=1e-5, atol=1e-30)
    np.testing.assert_allclose(fake_grad, [sigmoid], rtol=1e-5, atol=1e-30)
    np.testing.assert_allclose(gen_grad, [sigmoid - 1], rtol=1e-5, atol=1e-30)


def test_the_generators_loss_ignores_the_real_logits():
    def gen_loss(real):
        return non_saturating(real, jnp.ones(3))[1]

    assert not jnp.any(jax.grad(gen_loss)(jnp.arange(3.0)))
