"""R3GAN (Huang et al. 2024): a relativistic loss, and penalties on the discriminator's gradient at
real and at generated images; no normalisation anywhere.

    L_D = E softplus(D(G(z)) - D(x)) + γ/2 E‖∇D(x)‖² + γ/2 E‖∇D(G(z))‖²              (eq. 2 to 4)
    L_G = E softplus(D(x) - D(G(z)))

Differences from the paper: the nets have InfoGAN's layers with scaled initial weights instead of
residual blocks of grouped convolutions; learning rate, γ and Adam's β2 are constant by default
(configs/r3gan.py has the authors' schedules); and images are not augmented. As in the paper, the
generator ends in a linear layer, without a tanh.
"""

import jax

from gen_models import losses
from gen_models.algorithm import Algorithm, Array, Key, Spec
from gen_models.engines.adversarial import adversarial
from gen_models.fields import Decay, Positive, Rate, Size, Weight, hyperparameters
from gen_models.models import _gans


@hyperparameters
class Config(_gans.Config):
    """Options of `r3gan`: the final β2 of the authors' schedule for CIFAR-10, and step sizes, γ, β1
    and average that a search on held-out images of Fashion-MNIST found (docs/results.md), for
    training some sixty times shorter than theirs."""

    latent_size: Size = 64
    """Dimensions of z, standard normal."""
    learning_rate: Positive = 2.5e-3
    disc_learning_rate: Positive | None = 1.75e-3
    beta1: Decay = 0.0
    ema_decay: Rate | None = 0.993
    beta2: Decay = 0.99
    penalty: Weight = 0.75
    """Weight γ of both gradient penalties."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`."""

    def prior(key: Key, count: int) -> Array:
        return jax.random.normal(key, (count, config.latent_size))

    game = _gans.game(
        config,
        spec,
        losses.relativistic_pairing,
        _gans.discriminator(config, normalisation="none"),
        normalised=False,
        bounded=False,
        prior=prior,
        penalty=losses.r1_r2_penalty(config.penalty),
    )
    return adversarial(game, spec)
