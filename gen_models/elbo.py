"""The evidence lower bound and the likelihoods that it is taken under."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gen_models.algorithm import Array, Key


class Likelihood(NamedTuple):
    """p(x|z) for images x in [0,1], given the decoder's output.

    name      what is taken for what, for reports
    log_prob  x f32[B,H,W,1], decoder output f32[B,H,W,1] -> f32[B], nats an image
    mean      decoder output -> E[x|z] f32[B,H,W,1] in [0,1]
    """

    name: str
    log_prob: Callable[[Array, Array], Array]
    mean: Callable[[Array], Array]


def bernoulli_log_prob(x: Array, logits: Array) -> Array:
    """Σ x log σ(l) + (1-x) log(1-σ(l)) (Kingma & Welling 2014, appendix C.1, eq. 11).

    Grey values are taken as probabilities, as is usual on these data sets.
    """
    return jnp.sum(x * logits - jax.nn.softplus(logits), axis=(1, 2, 3))


GAUSSIAN_DEVIATION = (
    0.1  # of one pixel in [0,1]; about the reconstruction error of a good small VAE
)


def gaussian_log_prob(x: Array, mean: Array) -> Array:
    """Σ log N(x; mean, 0.1²) (Kingma & Welling 2014, appendix C.2, with a fixed variance)."""
    scaled = (x - mean) / GAUSSIAN_DEVIATION
    log_norm = jnp.log(2 * jnp.pi) / 2 + jnp.log(GAUSSIAN_DEVIATION)
    return -jnp.sum(0.5 * scaled**2 + log_norm, axis=(1, 2, 3))


LIKELIHOODS = {
    "bernoulli": Likelihood(
        "Bernoulli, grey values as probabilities, not binarised", bernoulli_log_prob, jax.nn.sigmoid
    ),
    "gaussian": Likelihood(
        "Gaussian density of deviation 0.1 of grey values in [0,1]",
        gaussian_log_prob,
        lambda mean: jnp.clip(mean, 0, 1),
    ),
}


def reparameterise(key: Key, mean: Array, log_variance: Array) -> Array:
    """z = μ + σ ε, ε ~ N(0, I) (Kingma & Welling 2014, eq. 4 and §2.4). f32[B,Z]."""
    return mean + jnp.exp(0.5 * log_variance) * jax.random.normal(key, mean.shape)


def normal_log_prob(z: Array, mean: Array | float, log_variance: Array | float) -> Array:
    """log N(z; μ, σ²) of z f32[B,Z], summed over the latent: f32[B], nats."""
    scaled = (z - mean) ** 2 * jnp.exp(-log_variance)
    return -0.5 * jnp.sum(scaled + log_variance + jnp.log(2 * jnp.pi), axis=-1)


def kl_to_standard_normal(mean: Array, log_variance: Array) -> Array:
    """KL(N(μ, σ²) ‖ N(0, I)) (Kingma & Welling 2014, appendix B). f32[B,Z] both -> f32[B], nats."""
    return 0.5 * jnp.sum(jnp.exp(log_variance) + mean**2 - 1 - log_variance, axis=-1)
