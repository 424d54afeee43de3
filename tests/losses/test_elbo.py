"""The parts of the evidence lower bound against numbers worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gen_models.losses.elbo import (
    GAUSSIAN_DEVIATION,
    LIKELIHOODS,
    Draws,
    bernoulli_log_prob,
    binarised,
    gaussian_log_prob,
    importance_weighted,
    kl_to_standard_normal,
    reparameterise,
    weighted_elbo,
)

IMAGES = np.random.default_rng(0).random((3, 4, 2, 1))  # in [0, 1)


def test_kl_of_the_standard_normal_to_itself_is_zero():
    assert kl_to_standard_normal(jnp.zeros((2, 5)), jnp.zeros((2, 5))).tolist() == [[0] * 5] * 2


@pytest.mark.parametrize(
    ("mean", "deviation", "nats"),
    [
        (1.0, 1.0, 0.5),
        (-3.0, 1.0, 4.5),
        (0.0, 2.0, 1.5 - np.log(2)),
        (0.0, np.exp(-1), (np.exp(-2) + 1) / 2),
        (1.0, 2.0, 2 - np.log(2)),
    ],
)
def test_kl_of_a_normal_is_its_closed_form(mean, deviation, nats):
    log_variance = 2 * np.log(deviation)
    kl = kl_to_standard_normal(jnp.array([[mean]]), jnp.array([[log_variance]]))
    np.testing.assert_allclose(kl, [[nats]], rtol=1e-6)


def test_kl_is_each_dimensions_own():
    mean = jnp.array([[1.0, 2.0, 0.0], [3.0, 0.0, 0.0]])
    kl = kl_to_standard_normal(mean, jnp.zeros((2, 3)))
    np.testing.assert_allclose(kl, [[0.5, 2.0, 0.0], [4.5, 0.0, 0.0]])


def test_bernoulli_at_logit_zero_is_log_half_a_pixel_whatever_the_image():
    log_prob = bernoulli_log_prob(jnp.array(IMAGES), jnp.zeros(IMAGES.shape))
    np.testing.assert_allclose(log_prob, np.full(3, -8 * np.log(2)), rtol=1e-6)


def test_bernoulli_is_the_cross_entropy_summed_over_pixels():
    logits = np.random.default_rng(1).normal(size=IMAGES.shape)
    p = 1 / (1 + np.exp(-logits))
    expected = (IMAGES * np.log(p) + (1 - IMAGES) * np.log(1 - p)).sum((1, 2, 3))
    np.testing.assert_allclose(bernoulli_log_prob(IMAGES, jnp.array(logits)), expected, rtol=1e-5)


def test_bernoulli_stays_exact_at_extreme_logits():
    x = jnp.array([1.0, 0.0, 1.0, 0.0]).reshape(4, 1, 1, 1)
    logits = jnp.array([1e4, -1e4, -1e4, 1e4]).reshape(4, 1, 1, 1)
    assert bernoulli_log_prob(x, logits).tolist() == [0, 0, -1e4, -1e4]


def test_gaussian_is_the_normal_density_summed_over_pixels():
    mean = np.random.default_rng(2).random(IMAGES.shape)
    variance = GAUSSIAN_DEVIATION**2
    density = np.exp(-((IMAGES - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
    expected = np.log(density).sum((1, 2, 3))
    np.testing.assert_allclose(gaussian_log_prob(IMAGES, jnp.array(mean)), expected, rtol=1e-5)


def test_gaussian_at_its_mean_is_the_log_of_its_peak():
    peak = 1 / (0.1 * np.sqrt(2 * np.pi))  # of a deviation of 0.1
    log_prob = gaussian_log_prob(jnp.array(IMAGES), jnp.array(IMAGES))
    np.testing.assert_allclose(log_prob, np.full(3, 8 * np.log(peak)), rtol=1e-6)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_no_output_of_a_decoder_is_better_than_the_largest_likelihood(name):
    likelihood, x = LIKELIHOODS[name], jnp.array(IMAGES)
    outputs = jax.random.normal(jax.random.key(0), (200, *x.shape))
    found = jax.vmap(lambda output: likelihood.log_prob(x, output))(outputs)
    assert jnp.all(found <= likelihood.ceiling(x) + 1e-4)
    best = x if name == "gaussian" else jax.scipy.special.logit(jnp.clip(x, 1e-6, 1 - 1e-6))
    np.testing.assert_allclose(likelihood.log_prob(x, best), likelihood.ceiling(x), atol=1e-3)


def test_means_of_likelihoods_are_grey_values():
    outputs = jnp.array([-1e3, -1.0, 0.0, 0.25, 1.0, 1e3])
    bernoulli = LIKELIHOODS["bernoulli"].mean(outputs)
    np.testing.assert_allclose(bernoulli, 1 / (1 + np.exp(-np.clip(outputs, -80, 80))), atol=1e-7)
    assert LIKELIHOODS["gaussian"].mean(outputs).tolist() == [0, 0, 0, 0.25, 1, 1]


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_a_likelihood_is_highest_where_its_mean_is_the_image(name):
    x = jnp.full((1, 1, 1, 1), 0.3)
    best = 0.3 if name == "gaussian" else np.log(0.3 / 0.7)
    log_prob = LIKELIHOODS[name].log_prob
    slope = jax.grad(lambda output: log_prob(x, output)[0])(jnp.full((1, 1, 1, 1), best))
    np.testing.assert_allclose(slope, 0, atol=1e-5)
    assert LIKELIHOODS[name].mean(jnp.float32(best)) == pytest.approx(0.3)


def test_bits_are_white_as_often_as_the_grey_value_says():
    grey, count = np.linspace(-1, 1, 5, dtype=np.float32), 20_000
    bits = binarised(jax.random.key(0), jnp.broadcast_to(grey, (count, 5)))
    assert set(np.unique(bits)) == {-1, 1}
    np.testing.assert_allclose(bits.mean(0), grey, atol=4 / np.sqrt(count))
    assert np.all(bits[:, 0] == -1) and np.all(bits[:, 4] == 1)
    np.testing.assert_allclose(np.corrcoef(bits[:, 1:4].T) - np.eye(3), 0, atol=0.03)


def test_reparameterised_samples_have_the_posteriors_moments():
    mean, deviation = jnp.array([2.0, -1.0]), jnp.array([0.5, 3.0])
    count = 40_000
    shape = (count, 2)
    log_variance = jnp.broadcast_to(2 * jnp.log(deviation), shape)
    (z,) = reparameterise(jax.random.key(0), jnp.broadcast_to(mean, shape), log_variance, draws=1)
    error = 4 * deviation / np.sqrt(count)  # four standard errors
    assert jnp.all(jnp.abs(z.mean(0) - mean) < error)
    assert jnp.all(jnp.abs(z.std(0) - deviation) < error)
    assert abs(np.corrcoef(z.T)[0, 1]) < 4 / np.sqrt(count)


def test_reparameterised_samples_are_the_mean_where_there_is_no_variance():
    mean = jnp.array([[2.0, -1.0]])
    z = reparameterise(jax.random.key(0), mean, jnp.full((1, 2), -jnp.inf), draws=3)
    assert z.tolist() == [mean.tolist()] * 3


def test_gradients_flow_through_samples_to_both_parameters():
    key, mean, log_variance = jax.random.key(0), jnp.ones((1, 2)), jnp.zeros((1, 2))
    noise = reparameterise(key, jnp.zeros((1, 2)), log_variance, draws=1)[0]
    grads = jax.grad(lambda *x: reparameterise(key, *x, draws=1).sum(), argnums=(0, 1))
    to_mean, to_log_variance = grads(mean, log_variance)
    np.testing.assert_array_equal(to_mean, 1)
    np.testing.assert_allclose(to_log_variance, noise / 2, rtol=1e-6)  # dz/dlogσ² = σ ε / 2


# --- objectives

# Two images and a latent of two dimensions.
MEAN, LOG_VARIANCE = jnp.array([[1.0, 0.0], [3.0, 0.0]]), jnp.zeros((2, 2))
DRAWN = Draws(jnp.array([[-3.0, -5.0]]), jnp.zeros((1, 2, 2)), MEAN, LOG_VARIANCE)


def test_the_weighted_elbo_is_reconstruction_plus_beta_times_kl():
    loss, metrics = weighted_elbo(beta=2.0)(DRAWN)
    assert (metrics["reconstruction"], metrics["kl"]) == (4.0, 2.5)  # mean of 0.5 and 4.5
    assert loss == metrics["loss"] == 4 + 2 * 2.5


def test_a_dimension_below_its_free_bits_costs_as_much_and_is_not_pushed_further():
    objective = weighted_elbo(free_bits=0.5)
    assert objective(DRAWN)[0] == 4 + 2.5 + 0.5  # the second dimension has no KL
    small = jnp.array([[0.3, 2.0], [0.1, 2.0]])
    gradient = jax.grad(lambda mean: objective(DRAWN._replace(mean=mean))[0])(small)
    np.testing.assert_allclose(gradient, [[0, 1], [0, 1]], rtol=1e-6)


def test_the_importance_weighted_bound_of_one_draw_is_the_elbo_of_that_draw():
    key = jax.random.key(0)
    z = reparameterise(key, MEAN, LOG_VARIANCE, draws=1)
    draws = Draws(jnp.array([[-3.0, -5.0]]), z, MEAN, LOG_VARIANCE)
    loss, metrics = importance_weighted(draws)
    gap = (np.asarray(z - MEAN) ** 2 - np.asarray(z) ** 2).sum(-1) / 2  # log p(z) - log q(z|x)
    assert loss == pytest.approx(float(np.mean(4.0 - gap)), rel=1e-5)
    assert loss == pytest.approx(float(metrics["negative_elbo"]))


def test_more_draws_average_the_weights_not_their_logarithms():
    z = jnp.zeros((2, 1, 1))  # where prior and posterior are the same, so that they cancel
    likelihood = jnp.log(jnp.array([[0.1], [0.3]]))
    draws = Draws(likelihood, z, jnp.zeros((1, 1)), jnp.zeros((1, 1)))
    loss, metrics = importance_weighted(draws)
    assert loss == pytest.approx(-np.log(0.2), rel=1e-6)
    assert metrics["negative_elbo"] == pytest.approx(-(np.log(0.1) + np.log(0.3)) / 2, rel=1e-6)
