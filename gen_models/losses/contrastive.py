"""The contrastive loss by which an encoder learns without labels."""

import jax.numpy as jnp
import optax

from gen_models.algorithm import Array

TINY = 1e-12  # keeps the gradient of a norm finite at 0


def nt_xent(first: Array, second: Array, temperature: float) -> Array:
    """NT-Xent (Chen et al. 2020, eq. 1) of the projections f32[N,D] of two views of N images.

    Each of the 2N views is classified among the 2N - 1 others; the target is the other view of its
    image, and the logits are cosine similarities divided by the temperature.
    """
    both = jnp.concatenate([first, second])
    both = both / jnp.sqrt(jnp.sum(both**2, axis=-1, keepdims=True) + TINY)
    count = len(both)
    logits = both @ both.T / temperature
    logits = jnp.where(jnp.eye(count, dtype=bool), -jnp.inf, logits)
    partner = (jnp.arange(count) + count // 2) % count
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, partner))
