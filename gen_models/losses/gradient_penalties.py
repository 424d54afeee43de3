"""Gradient penalties on the discriminator: one function, one cited equation.

A gradient penalty is called with a function from images f32[B,H,W,1] to scores f32[B], real and
generated images, and a key; it returns f32[], to be added to the discriminator's loss.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gen_models.algorithm import Array, Key

Scores = Callable[[Array], Array]
Penalty = Callable[[Scores, Array, Array, Key], Array]
TINY = 1e-24  # least value under a square root, whose gradient is infinite at zero


def squared_gradients(scores: Scores, images: Array) -> Array:
    """‖∇D(x)‖² of each image, f32[B], from the gradient of the sum of all scores: the same if the
    score of an image does not depend on the other images of its batch."""
    gradients = jax.grad(lambda images: jnp.sum(scores(images)))(images)
    return jnp.sum(gradients**2, axis=(1, 2, 3))


def _distance_from_one(scores: Scores, images: Array) -> Array:
    norms = jnp.sqrt(jnp.maximum(squared_gradients(scores, images), TINY))
    return jnp.mean((norms - 1) ** 2)


def wgan_gp_penalty(weight: float | Array) -> Penalty:
    """The gradient penalty of WGAN-GP (Gulrajani et al. 2017, eq. 3): λ E(‖∇D(x̂)‖ - 1)², x̂
    uniform on the line between a real and a generated image."""

    def penalty(scores: Scores, real: Array, fake: Array, key: Key) -> Array:
        share = jax.random.uniform(key, (real.shape[0], 1, 1, 1))
        return weight * _distance_from_one(scores, real + share * (fake - real))

    return penalty


def dragan_penalty(weight: float | Array, radius: float | Array) -> Penalty:
    """The gradient penalty of DRAGAN (Kodali et al. 2017, §2.5): λ E(‖∇D(x + δ)‖ - 1)² at real
    images x. The paper's δ is Gaussian; its authors' program draws δ from a box on one side of the
    image and multiplies it by a factor drawn for each image; here δ is uniform in a box on both
    sides, up to `radius` standard deviations of the batch's pixels."""

    def penalty(scores: Scores, real: Array, fake: Array, key: Key) -> Array:
        del fake
        noise = jax.random.uniform(key, real.shape, minval=-1.0)
        return weight * _distance_from_one(scores, real + radius * jnp.std(real) * noise)

    return penalty


def r1_penalty(weight: float | Array) -> Penalty:
    """The gradient penalty R1 (Mescheder et al. 2018, eq. 9): γ/2 E‖∇D(x)‖² at real images x.

    In a discriminator with batch normalisation, which the paper does not have, the scores of a
    batch depend on each other: ∇D(x) is then the gradient of the sum of all scores with respect to
    each image.
    """

    def penalty(scores: Scores, real: Array, fake: Array, key: Key) -> Array:
        del fake, key
        return weight / 2 * jnp.mean(squared_gradients(scores, real))

    return penalty


def r1_r2_penalty(weight: float | Array) -> Penalty:
    """The gradient penalties R1 and R2 (Huang et al. 2024, eq. 3 and 4; Mescheder et al. 2018, eq.
    9 and 10): γ/2 E‖∇D(x)‖² + γ/2 E‖∇D(G(z))‖²."""

    def penalty(scores: Scores, real: Array, fake: Array, key: Key) -> Array:
        del key
        on_real, on_fake = (jnp.mean(squared_gradients(scores, x)) for x in (real, fake))
        return weight / 2 * (on_real + on_fake)

    return penalty
