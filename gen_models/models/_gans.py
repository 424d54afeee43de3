"""What the GANs share: options, nets and optimisers. A paper's file says what is its own."""

from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax

from gen_models.algorithm import Array, Key, Latents, Spec
from gen_models.engines.adversarial import Game
from gen_models.fields import Decay, Positive, Rate, Size, hyperparameters
from gen_models.losses import Loss
from gen_models.nets import dcgan
from gen_models.nets.dcgan import Architecture, hidden_units
from gen_models.nets.net import Net, net


@hyperparameters
class Config:
    """Options of every GAN. The generator's weights are averaged whatever its paper did."""

    latent_size: Size = 100
    """Dimensions of z, uniform in [-1, 1]."""
    arch: Architecture = "dcgan"
    """Nets of DCGAN's layers, or with InfoGAN's hidden dense layers besides: 6.6 million weights a
    player instead of 0.8 (generator) and 0.1 (discriminator)."""
    width: Size = 64
    """Channels next to the image; the layer beyond has twice as many."""
    learning_rate: Positive = 2e-4
    """Adam's step size."""
    disc_learning_rate: Positive | None = None
    """That of the discriminator; None: the same."""
    beta1: Decay = 0.5
    """Adam's decay of the first moment, both players."""
    beta2: Decay = 0.999
    """Adam's decay of the second moment, both players."""
    ema_decay: Rate | None = 0.999
    """Decay of the generator's averaged weights, from which samples are drawn; None: no average.
    It is reached gradually: after t steps the decay is at most (1 + t) / (10 + t)."""
    compute_dtype: Literal["float32", "bfloat16"] = "float32"
    """Type of activations and products. Parameters stay float32."""


def discriminator(config: Config, **options: object) -> Net:
    """A net of the config's architecture; `options` are those of `nets.dcgan.Discriminator`."""
    hidden, dtype = hidden_units(config.arch, config.width), jnp.dtype(config.compute_dtype)
    return net(dcgan.Discriminator(config.width, hidden, dtype=dtype, **options))


def game(
    config: Config,
    spec: Spec,
    loss: Loss,
    discriminator: Net,
    *,
    conditional: bool = False,
    normalised: bool = True,
    **own: Any,  # noqa: ANN401 (fields of Game)
) -> Game:
    """A game of the config's generator against a discriminator, both trained by Adam. The generator
    is given the label where `conditional`, and has batch normalisation where `normalised`. `own`
    are the fields of `Game` that are the paper's own."""

    def prior(key: Key, count: int) -> Latents:
        return jax.random.uniform(key, (count, config.latent_size), minval=-1.0)

    generator = dcgan.Generator(
        spec.height,
        spec.width,
        config.width,
        hidden_units(config.arch, config.width),
        spec.num_classes if conditional else None,
        normalised,
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
        ema_decay=config.ema_decay,
        conditional=conditional,
    )
    return common._replace(**own)


def rates(config: Config) -> tuple[float | Array, float | Array]:
    """The step sizes of the generator and of the discriminator."""
    own = config.disc_learning_rate
    return config.learning_rate, config.learning_rate if own is None else own
