"""DCGAN (Radford et al. 2016), for small images and without hidden dense layers."""

from typing import Literal

import jax
import jax.numpy as jnp
import optax

from gen_models import losses
from gen_models.adversarial import Game, adversarial
from gen_models.algorithm import Algorithm, Array, Key, Spec
from gen_models.config import Decay, Positive, Rate, Size, hyperparameters
from gen_models.nets import dcgan
from gen_models.nets.net import net


@hyperparameters
class Config:
    """Options of `dcgan`: those of Radford et al. 2016, §4, but for averaged weights and the step
    size that they allow."""

    latent_size: Size = 100
    """Dimensions of z, uniform in [-1, 1]."""
    width: Size = 64
    """Channels next to the image; the layer beyond has twice as many."""
    learning_rate: Positive = 6e-4
    """Adam's step size, both players. The paper's 2e-4 is for weights that are not averaged."""
    beta1: Decay = 0.5
    """Adam's decay of the first moment, both players."""
    ema_decay: Rate | None = 0.999
    """Decay of the generator's averaged weights, from which samples are drawn; None: no average.
    It is reached gradually: after t steps the decay is at most (1 + t) / (10 + t)."""
    compute_dtype: Literal["float32", "bfloat16"] = "float32"
    """Type of activations and products. Parameters stay float32."""


def build(config: Config, spec: Spec, *, conditional: bool = False) -> Algorithm:
    """The algorithm for images of `spec`; `conditional` gives both players the label."""
    dtype = jnp.dtype(config.compute_dtype)
    num_classes = spec.num_classes if conditional else None

    def prior(key: Key, count: int) -> Array:
        return jax.random.uniform(key, (count, config.latent_size), minval=-1.0)

    game = Game(
        generator=net(dcgan.Generator(spec.height, spec.width, config.width, num_classes, dtype)),
        discriminator=net(dcgan.Discriminator(config.width, num_classes, dtype)),
        prior=prior,
        loss=losses.non_saturating,
        gen_optimiser=optax.adam(config.learning_rate, b1=config.beta1),
        disc_optimiser=optax.adam(config.learning_rate, b1=config.beta1),
        ema_decay=config.ema_decay,
        conditional=conditional,
    )
    return adversarial(game, spec)
