"""Hierarchical VAE: several latents, each with a learned prior given the latents above it, and a
decoder that prior and posterior share (Sønderby et al. 2016; Vahdat & Kautz 2020; Child 2021).

    p(z) = Π_l p(z_l | z_<l),   q(z|x) = Π_l q(z_l | z_<l, x)
    L = -E log p(x|z) + β Σ_l E KL(q(z_l | z_<l, x) ‖ p(z_l | z_<l))

The upper latents are vectors, each with twice as many dimensions as the one above it, as in
Sønderby et al. 2016; the last one is a map with a quarter of the image's height and width. A
level's posterior is relative to its prior (Vahdat & Kautz 2020, §3.2). Elsewhere "the latent" is
the concatenated noise of all levels, f32[N,Z], whose prior is standard normal: an image is encoded
as the means of its posteriors, and any noise can be decoded (engines/hierarchical.py).

The later papers have tens of levels up to the image's own size, normalisation or spectral
regularisation, and other likelihoods; Sønderby et al. have dense nets with batch normalisation, and
posteriors that are merged with the prior by precision instead of learned relative to it.
"""

from functools import partial
from typing import Annotated

import jax.numpy as jnp
import optax

from gen_models.algorithm import Algorithm, Array, Spec
from gen_models.engines.hierarchical import Hierarchy, hierarchical
from gen_models.engines.updates import Averaging
from gen_models.fields import Between, Decay, Positive, Size, Weight, hyperparameters
from gen_models.losses import LIKELIHOODS, Objective, weighted_elbo
from gen_models.models import _vaes
from gen_models.nets.hvae import Ladder
from gen_models.nets.net import net

FIRST = 0.1  # fraction of β at step 0 of the warm-up


@hyperparameters
class Config(_vaes.Common):
    """Options of `hvae`, chosen on held-out images of Fashion-MNIST (docs/history.md). Without a
    warm-up the lower levels stay unused: a latent that still carries little information costs more
    than it gains."""

    levels: Annotated[int, Between(2, 5)] = 4
    """Number of latents: vectors, and at the bottom a map with a quarter of the image's height and
    width."""
    latent_size: Size = 4
    """Dimensions of the top vector; each vector below has twice as many as the one above it."""
    map_channels: Size = 4
    """Dimensions of the latent at each place of the map."""
    learning_rate: Positive = 1e-3
    beta1: Decay = 0.9
    """Decay of Adam's first moment."""
    beta: Weight = 1.0
    """Weight β of the KL term; with 1 the objective is the evidence lower bound."""
    warm_up: Annotated[int, Between(1, 10**6)] = 700
    """Steps over which the weight of the KL term rises from β/10 to β (Sønderby et al. 2016: from
    0); 1: no warm-up after the first step."""
    free_bits: Weight = 0.0
    """Nats of KL divergence per latent dimension below which the KL term has no gradient."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`."""
    module = Ladder(
        height=spec.height,
        image_width=spec.width,
        levels=config.levels,
        latent_size=config.latent_size,
        map_channels=config.map_channels,
        width=config.width,
        dtype=jnp.dtype(config.compute_dtype),
    )
    vae = Hierarchy(
        inference=net(module, method="infer"),
        generator=net(module, method="generate"),
        sizes=module.sizes,
        likelihood=LIKELIHOODS[config.likelihood],
        objective=partial(_objective, config),
        optimiser=optax.adam(config.learning_rate, config.beta1),
        averaging=Averaging(config.ema_decay, config.ema_decays),
    )
    return hierarchical(vae, spec)


def _objective(config: Config, step: Array) -> Objective:
    """The objective at a step i32[]."""
    weight = FIRST + (1 - FIRST) * jnp.minimum(step / config.warm_up, 1)
    return weighted_elbo(config.beta * weight, config.free_bits)
