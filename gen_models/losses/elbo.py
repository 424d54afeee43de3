"""The evidence lower bound and the likelihoods in it."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gen_models.algorithm import Array, Images, Key


class Likelihood(NamedTuple):
    """p(x|z) for images x in [0,1], given the decoder's output.

    observation  how pixels are interpreted, as text
    log_prob     x f32[B,H,W,1], decoder output f32[B,H,W,1] -> f32[B], nats an image
    mean         decoder output -> E[x|z] f32[B,H,W,1] in [0,1]
    ceiling      x f32[B,H,W,1] -> f32[B], the largest log p(x|z) that any decoder output gives
    observed     key, images f32[B,H,W,1] in [-1,1] -> the images that encoder and likelihood see
    likeliest    images in [-1,1] -> the likeliest of these, for an encoder without a key
    """

    observation: str
    log_prob: Callable[[Array, Array], Array]
    mean: Callable[[Array], Array]
    ceiling: Callable[[Array], Array]
    observed: Callable[[Key, Images], Images] = lambda _, images: images
    likeliest: Callable[[Images], Images] = lambda images: images


def bernoulli_log_prob(x: Array, logits: Array) -> Array:
    """Σ x log σ(l) + (1-x) log(1-σ(l)) (Kingma & Welling 2014, appendix C.1, eq. 11).

    Grey values are taken as probabilities, as is usual on these data sets.
    """
    return jnp.sum(x * logits - jax.nn.softplus(logits), axis=(1, 2, 3))


def bernoulli_ceiling(x: Array) -> Array:
    """-Σ H(x), reached by a decoder whose mean is x: minus the entropy of Bernoulli pixels of mean
    x."""
    x = jnp.clip(x, 0, 1)  # rounding can exceed the range
    return -jnp.sum(jax.scipy.special.entr(x) + jax.scipy.special.entr(1 - x), axis=(1, 2, 3))


# Standard deviation of a pixel in [0,1], about the reconstruction error of a good small VAE.
GAUSSIAN_DEVIATION = 0.1


def gaussian_log_prob(x: Array, mean: Array) -> Array:
    """Σ log N(x; mean, 0.1²) (Kingma & Welling 2014, appendix C.2, with a fixed variance)."""
    scaled = (x - mean) / GAUSSIAN_DEVIATION
    log_norm = jnp.log(2 * jnp.pi) / 2 + jnp.log(GAUSSIAN_DEVIATION)
    return -jnp.sum(0.5 * scaled**2 + log_norm, axis=(1, 2, 3))


def binarised(key: Key, images: Images) -> Images:
    """Images of -1 (black) and 1 (white), drawn from grey images in [-1,1] whose values give the
    probability of white (Salakhutdinov & Murray 2008), anew in each training step (Burda et al.
    2016)."""
    white = jax.random.bernoulli(key, (images + 1) / 2)
    return jnp.where(white, 1.0, -1.0)


def likeliest_binarised(images: Images) -> Images:
    """The likeliest result of `binarised`: white where a pixel is brighter than middle grey."""
    return jnp.where(images > 0, 1.0, -1.0)


LIKELIHOODS = {
    "bernoulli": Likelihood(
        "Bernoulli, grey values as probabilities, not binarised",
        bernoulli_log_prob,
        jax.nn.sigmoid,
        bernoulli_ceiling,
    ),
    "binarised": Likelihood(
        "Bernoulli of bits that were drawn with grey values as probabilities",
        bernoulli_log_prob,
        jax.nn.sigmoid,
        bernoulli_ceiling,
        binarised,
        likeliest_binarised,
    ),
    "gaussian": Likelihood(
        "Gaussian density of deviation 0.1 of grey values in [0,1]",
        gaussian_log_prob,
        lambda mean: jnp.clip(mean, 0, 1),
        lambda x: gaussian_log_prob(x, x),
    ),
}


class Draws(NamedTuple):
    """k latents drawn from the posterior of each image, and what the decoder makes of them."""

    likelihood: Array  # log p(x|z), f32[k,B], nats
    z: Array  # f32[k,B,Z]
    mean: Array  # mean of q(z|x), f32[B,Z]
    log_variance: Array  # log-variance of q(z|x), f32[B,Z]


# Draws -> the loss that is minimised, f32[], and metrics.
Objective = Callable[[Draws], tuple[Array, dict[str, Array]]]


def weighted_elbo(beta: float | Array = 1.0, free_bits: float | Array = 0.0) -> Objective:
    """-log p(x|z) + β KL(q(z|x) ‖ p(z)) (Kingma & Welling 2014, eq. 10; β: Higgins et al. 2017,
    eq. 4). A latent dimension whose mean KL in the batch is below `free_bits` nats costs
    `free_bits` (Kingma et al. 2016, eq. 15, with one dimension per group)."""

    def objective(draws: Draws) -> tuple[Array, dict[str, Array]]:
        reconstruction = -jnp.mean(draws.likelihood)
        each = jnp.mean(kl_to_standard_normal(draws.mean, draws.log_variance), axis=0)
        loss = reconstruction + beta * jnp.sum(jnp.maximum(each, free_bits))
        return loss, {"loss": loss, "reconstruction": reconstruction, "kl": jnp.sum(each)}

    return objective


def importance_weighted(draws: Draws) -> tuple[Array, dict[str, Array]]:
    """-log 1/k Σ p(x,z) / q(z|x) (Burda et al. 2016, eq. 8)."""
    log_prior = normal_log_prob(draws.z, 0.0, 0.0)
    log_posterior = normal_log_prob(draws.z, draws.mean, draws.log_variance)
    log_weights = draws.likelihood + log_prior - log_posterior
    bound = jax.nn.logsumexp(log_weights, axis=0) - jnp.log(log_weights.shape[0])
    loss = -jnp.mean(bound)
    return loss, {"loss": loss, "negative_elbo": -jnp.mean(log_weights)}


def reparameterise(key: Key, mean: Array, log_variance: Array, draws: int) -> Array:
    """z = μ + σ ε, ε ~ N(0, I) (Kingma & Welling 2014, eq. 4 and §2.4). f32[draws,B,Z]."""
    noise = jax.random.normal(key, (draws, *mean.shape))
    return mean + jnp.exp(0.5 * log_variance) * noise


def normal_log_prob(z: Array, mean: Array | float, log_variance: Array | float) -> Array:
    """log N(z; μ, σ²) of z f32[…,B,Z], summed over the latent: f32[…,B], nats."""
    scaled = (z - mean) ** 2 * jnp.exp(-log_variance)
    return -0.5 * jnp.sum(scaled + log_variance + jnp.log(2 * jnp.pi), axis=-1)


def kl_to_standard_normal(mean: Array, log_variance: Array) -> Array:
    """KL(N(μ, σ²) ‖ N(0, I)) of each dimension (Kingma & Welling 2014, appendix B). f32[B,Z] both
    -> f32[B,Z], nats."""
    return 0.5 * (jnp.exp(log_variance) + mean**2 - 1 - log_variance)
