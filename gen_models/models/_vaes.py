"""Options and nets that the VAEs share. Each model's file holds the rest."""

from typing import Annotated, Literal

import jax.numpy as jnp
import optax

from gen_models.algorithm import Spec
from gen_models.engines.priors import Mixture, StandardNormal
from gen_models.engines.updates import Averaging
from gen_models.engines.variational import Autoencoder
from gen_models.fields import Between, Decay, Fraction, Positive, Rate, Size, hyperparameters
from gen_models.losses import LIKELIHOODS, Objective
from gen_models.nets import vae
from gen_models.nets.gan import Architecture, hidden_units
from gen_models.nets.net import net


@hyperparameters
class Common:
    """Options of every VAE. The weights are averaged, even if the paper's are not."""

    latent_size: Size = 10
    """Dimensions of z, standard normal. More dimensions did not raise the bound on Fashion-MNIST,
    and more draws were codes of no image."""
    width: Size = 32
    """Channels of the layers next to the image; the layers beyond have twice as many, hidden dense
    layers 16 times as many units."""
    likelihood: Literal["bernoulli", "binarised", "gaussian"] = "bernoulli"
    """Likelihood p(x|z): Bernoulli on grey values; Bernoulli on bits that are drawn anew in each
    step, with grey values as their probabilities; or a Gaussian of standard deviation 0.1."""
    learning_rate: Positive = 1e-3
    """Step size of Adam."""
    ema_decay: Rate | None = 0.999
    """Decay of the averaged weights, from which samples are drawn; None: no average.
    The decay rises gradually: after t steps it is at most (1 + t) / (10 + t)."""
    ema_decays: tuple[Fraction, ...] = ()
    """Decays of further averages to keep: --ema-decay of `evaluate` and `sample` selects one of
    them, `search` selects the best."""
    compute_dtype: Literal["float32", "bfloat16"] = "float32"
    """Type of activations and matrix products. Parameters stay float32."""


@hyperparameters
class Config(Common):
    """Options of a VAE with a normal latent."""

    arch: Architecture = "infogan"
    """Layers of the nets: InfoGAN's; or patch, without hidden dense layers and batch
    normalisation."""
    beta1: Decay = 0.9
    """Decay of Adam's first moment."""
    prior_components: Annotated[int, Between(0, 4096)] = 0
    """Components of a mixture fitted to the codes of the training images, which replaces the
    standard normal in samples and likelihoods; 0: no mixture. Training is not affected."""


def autoencoder(
    config: Config,
    spec: Spec,
    objective: Objective,
    *,
    draws: int = 1,
    conditional: bool = False,
) -> Autoencoder:
    """A VAE of the config's size, with an objective on `draws` latents per image. Conditional nets
    take the label."""
    dtype = jnp.dtype(config.compute_dtype)
    hidden = hidden_units(config.arch, config.width)
    classes = spec.num_classes if conditional else None
    encoder = vae.Encoder(config.latent_size, config.width, hidden, classes, dtype)
    decoder = vae.Decoder(spec.height, spec.width, config.width, hidden, classes, dtype)
    return Autoencoder(
        encoder=net(encoder),
        decoder=net(decoder),
        latent_size=config.latent_size,
        prior=_prior(config, classes or 1),
        likelihood=LIKELIHOODS[config.likelihood],
        objective=objective,
        optimiser=optax.adam(config.learning_rate, config.beta1),
        averaging=Averaging(config.ema_decay, config.ema_decays),
        draws=draws,
        conditional=conditional,
    )


def _prior(config: Config, classes: int) -> StandardNormal | Mixture:
    """The distribution from which latents are drawn; a mixture has weights for each class."""
    if config.prior_components == 0:
        return StandardNormal(config.latent_size)
    return Mixture(config.latent_size, config.prior_components, classes)
