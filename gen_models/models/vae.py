"""Variational auto-encoder (Kingma & Welling 2014), KL term weighted (Higgins et al. 2017)."""

from typing import Annotated, Literal

import jax.numpy as jnp
import optax

from gen_models.algorithm import Algorithm, Spec
from gen_models.config import Between, Positive, Rate, Size, hyperparameters
from gen_models.elbo import LIKELIHOODS
from gen_models.nets import vae
from gen_models.nets.net import net
from gen_models.variational import Autoencoder, variational


@hyperparameters
class Config:
    """Options of `vae`."""

    latent_size: Size = 32
    """Dimensions of z, standard normal."""
    width: Size = 64
    """Channels next to the image; the layer beyond has twice as many."""
    likelihood: Literal["bernoulli", "gaussian"] = "bernoulli"
    """p(x|z): Bernoulli on grey values, or a Gaussian of deviation 0.1."""
    beta: Annotated[float, Between(0, 1000)] = 1.0
    """Weight of the KL term; 1 is the evidence lower bound."""
    learning_rate: Positive = 1e-3
    """Adam's step size."""
    ema_decay: Rate | None = 0.999
    """Decay of the averaged weights, from which samples are drawn; None: no average.
    It is reached gradually: after t steps the decay is at most (1 + t) / (10 + t)."""
    compute_dtype: Literal["float32", "bfloat16"] = "float32"
    """Type of activations and products. Parameters stay float32."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`."""
    dtype = jnp.dtype(config.compute_dtype)
    model = Autoencoder(
        encoder=net(vae.Encoder(config.latent_size, config.width, dtype)),
        decoder=net(vae.Decoder(spec.height, spec.width, config.width, dtype)),
        latent_size=config.latent_size,
        likelihood=LIKELIHOODS[config.likelihood],
        beta=config.beta,
        optimiser=optax.adam(config.learning_rate),
        ema_decay=config.ema_decay,
    )
    return variational(model, spec)
