"""Adversarial losses: one function, one cited equation.

Each takes the discriminator's logits on real and on generated images, f32[B] both, and returns
(discriminator loss, generator loss), f32[] both, averaged over the batch.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gen_models.algorithm import Array

Loss = Callable[[Array, Array], tuple[Array, Array]]


def non_saturating(real: Array, fake: Array) -> tuple[Array, Array]:
    """NS GAN (Goodfellow et al. 2014, eq. 1 and §3): -log D(x) - log(1 - D(G(z))); -log D(G(z))."""
    disc = jnp.mean(jax.nn.softplus(-real)) + jnp.mean(jax.nn.softplus(fake))
    return disc, jnp.mean(jax.nn.softplus(-fake))
