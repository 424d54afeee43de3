"""Adversarial losses: one function, one cited equation.

A loss takes the discriminator's scores of real and of generated images, f32[B] both, and returns
(discriminator loss, generator loss), f32[] both, averaged over the batch. A score is a logit, a
critic's value or, where the discriminator is an auto-encoder, an energy.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jax.nn import softplus

from gen_models.algorithm import Array

Loss = Callable[[Array, Array], tuple[Array, Array]]


def saturating(real: Array, fake: Array) -> tuple[Array, Array]:
    """MM GAN (Goodfellow et al. 2014, eq. 1): -log D(x) - log(1 - D(G(z))); log(1 - D(G(z)))."""
    caught = jnp.mean(softplus(fake))
    return jnp.mean(softplus(-real)) + caught, -caught


def non_saturating(real: Array, fake: Array) -> tuple[Array, Array]:
    """NS GAN (Goodfellow et al. 2014, eq. 1 and §3): -log D(x) - log(1 - D(G(z))); -log D(G(z))."""
    disc = jnp.mean(softplus(-real)) + jnp.mean(softplus(fake))
    return disc, jnp.mean(softplus(-fake))


def least_squares(real: Array, fake: Array) -> tuple[Array, Array]:
    """LSGAN (Mao et al. 2017, eq. 9): ½(D(x) - 1)² + ½D(G(z))²; ½(D(G(z)) - 1)²."""
    disc = 0.5 * (jnp.mean((real - 1) ** 2) + jnp.mean(fake**2))
    return disc, 0.5 * jnp.mean((fake - 1) ** 2)


def least_squares_of_probabilities(real: Array, fake: Array) -> tuple[Array, Array]:
    """LSGAN on the discriminator's probabilities σ(D) (Lucic et al. 2018, table 1)."""
    return least_squares(jax.nn.sigmoid(real), jax.nn.sigmoid(fake))


def wasserstein(real: Array, fake: Array) -> tuple[Array, Array]:
    """WGAN (Arjovsky et al. 2017, eq. 2): D(G(z)) - D(x), D a critic; -D(G(z))."""
    value = jnp.mean(fake)
    return value - jnp.mean(real), -value


def hinge(real: Array, fake: Array) -> tuple[Array, Array]:
    """Hinge loss (Miyato et al. 2018, eq. 16 and 17): max(0, 1 - D(x)) + max(0, 1 + D(G(z)));
    -D(G(z))."""
    disc = jnp.mean(jax.nn.relu(1 - real)) + jnp.mean(jax.nn.relu(1 + fake))
    return disc, -jnp.mean(fake)


def relativistic_pairing(real: Array, fake: Array) -> tuple[Array, Array]:
    """RpGAN (Huang et al. 2024, eq. 2): -log σ(D(x) - D(G(z))), pair by pair; the same with the
    roles exchanged."""
    return jnp.mean(softplus(fake - real)), jnp.mean(softplus(real - fake))


def energy_margin(margin: float | Array) -> Loss:
    """EBGAN (Zhao et al. 2017, eq. 1 and 2): D(x) + max(0, m - D(G(z))), D an energy; D(G(z))."""

    def loss(real: Array, fake: Array) -> tuple[Array, Array]:
        disc = jnp.mean(real) + jnp.mean(jax.nn.relu(margin - fake))
        return disc, jnp.mean(fake)

    return loss


def equilibrium(k: Array) -> Loss:
    """BEGAN (Berthelot et al. 2017, §3.4): L(x) - k L(G(z)), L an energy; L(G(z))."""

    def loss(real: Array, fake: Array) -> tuple[Array, Array]:
        energy = jnp.mean(fake)
        return jnp.mean(real) - k * energy, energy

    return loss


def pulling_away(codes: Array) -> Array:
    """EBGAN-PT (Zhao et al. 2017, §2.4): the mean squared cosine between codes f32[B,D] of
    different images, f32[]. Low where a batch is diverse."""
    count = codes.shape[0]
    directions = codes / jnp.sqrt(jnp.sum(codes**2, axis=1, keepdims=True) + 1e-12)
    cosines = directions @ directions.T
    return (jnp.sum(cosines**2) - jnp.sum(jnp.diag(cosines) ** 2)) / (count * (count - 1))


def mismatched(scores: Array, labels: Array) -> Array:
    """-log(1 - D(x, y')), the mean over real images x and all wrong labels y' (Reed et al. 2016,
    algorithm 1, which draws one). scores f32[B,K] of x with each label, labels i32[B] -> f32[]."""
    count = scores.shape[1]
    wrong = 1 - jax.nn.one_hot(labels, count)
    return jnp.mean(jnp.sum(wrong * softplus(scores), axis=1)) / max(count - 1, 1)


def cross_entropy(logits: Array, labels: Array) -> Array:
    """-log p(label), logits f32[B,K], labels i32[B] -> f32[], nats (Odena et al. 2017, eq. 3)."""
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, labels))
