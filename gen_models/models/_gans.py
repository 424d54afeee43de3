"""Options, nets and optimisers that the GANs share. Each model's file holds the rest."""

from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax

from gen_models import losses
from gen_models.algorithm import Array, Key, Latents, Spec
from gen_models.engines.adversarial import Game
from gen_models.engines.updates import Averaging
from gen_models.fields import Decay, Fraction, Positive, Rate, Size, Weight, hyperparameters
from gen_models.losses import Loss
from gen_models.nets import gan
from gen_models.nets.gan import Architecture, hidden_units
from gen_models.nets.net import Net, net

PENALTY_EVERY = 4  # steps


@hyperparameters
class Config:
    """Options of every GAN, with the values of InfoGAN's appendix C.1 (Chen et al. 2016). The
    generator's weights are averaged, even if the paper's are not."""

    latent_size: Size = 62
    """Dimensions of z, uniform in [-1, 1]."""
    arch: Architecture = "infogan"
    """Layers of the nets: InfoGAN's; or patch, without InfoGAN's hidden dense layers, so that the
    discriminator's score is a sum over patches of 10×10 pixels."""
    width: Size = 32
    """Channels of the layers next to the image; the layers beyond have twice as many, hidden dense
    layers 16 times as many units. The published nets have 64."""
    learning_rate: Positive = 1e-3
    """Step size of Adam, for the generator alone if --disc-learning-rate is given."""
    disc_learning_rate: Positive | None = 2e-4
    """Step size of the discriminator's optimiser; None: --learning-rate."""
    beta1: Decay = 0.5
    """Decay of Adam's first moment, both players."""
    beta2: Decay = 0.999
    """Decay of Adam's second moment, both players."""
    ema_decay: Rate | None = 0.999
    """Decay of the generator's averaged weights, from which samples are drawn; None: no average.
    The decay rises gradually: after t steps it is at most (1 + t) / (10 + t)."""
    ema_decays: tuple[Fraction, ...] = ()
    """Decays of further averages to keep: --ema-decay of `evaluate` and `sample` selects one of
    them, `search` selects the best."""
    compute_dtype: Literal["float32", "bfloat16"] = "float32"
    """Type of activations and matrix products. Parameters stay float32."""


@hyperparameters
class Penalised(Config):
    """Options of GANs with an optional gradient penalty, which their papers do not have."""

    penalty: Weight | None = None
    """Weight γ of the gradient penalty R1 at real images (Mescheder et al. 2018), taken in every
    fourth step with four times the weight (Karras et al. 2020); None: no penalty."""


@hyperparameters
class Tuned(Penalised):
    """Options that searches on held-out images of Fashion-MNIST found for GANs without labels.
    Searches for other models found options near these (docs/results.md)."""

    learning_rate: Positive = 8e-4
    disc_learning_rate: Positive | None = 6.5e-4
    beta1: Decay = 0.05
    ema_decay: Rate | None = 0.993
    penalty: Weight | None = 0.4


def discriminator(config: Config, **options: object) -> Net:
    """A discriminator of the config's size; `options` are fields of `nets.gan.Discriminator`."""
    hidden, dtype = hidden_units(config.arch, config.width), jnp.dtype(config.compute_dtype)
    return net(gan.Discriminator(config.width, hidden, dtype=dtype, **options))


def game(
    config: Config,
    spec: Spec,
    loss: Loss,
    discriminator: Net,
    *,
    conditional: bool = False,
    normalised: bool = True,
    bounded: bool = True,
    **own: Any,  # fields of Game
) -> Game:
    """A game of the config's generator against a discriminator, both trained by Adam. The generator
    takes the label if `conditional`, has batch normalisation if `normalised`, and ends in a tanh if
    `bounded`. `own` are further fields of `Game`, which override those set here."""

    def prior(key: Key, count: int) -> Latents:
        return jax.random.uniform(key, (count, config.latent_size), minval=-1.0)

    generator = gan.Generator(
        spec.height,
        spec.width,
        config.width,
        hidden_units(config.arch, config.width),
        spec.num_classes if conditional else None,
        normalised,
        bounded,
        jnp.dtype(config.compute_dtype),
    )
    gen_rate, disc_rate = rates(config)
    common = Game(
        generator=net(generator),
        discriminator=discriminator,
        prior=prior,
        loss=loss,
        gen_optimiser=optax.adam(gen_rate, config.beta1, config.beta2),
        disc_optimiser=optax.adam(disc_rate, config.beta1, config.beta2),
        averaging=Averaging(config.ema_decay, config.ema_decays),
        conditional=conditional,
    )
    return common._replace(**own)


def penalised(game: Game, config: Penalised) -> Game:
    """The game with the config's gradient penalty, if it has one."""
    if config.penalty is None:
        return game
    return game._replace(penalty=losses.r1_penalty(config.penalty), penalty_every=PENALTY_EVERY)


def rates(config: Config) -> tuple[float | Array, float | Array]:
    """The step sizes of the generator and of the discriminator."""
    own = config.disc_learning_rate
    return config.learning_rate, config.learning_rate if own is None else own
