"""R3GAN (Huang et al. 2024): a relativistic loss, and penalties on the discriminator's gradient at
real and at generated images; no normalisation anywhere.

    L_D = E softplus(D(G(z)) - D(x)) + γ/2 E‖∇D(x)‖² + γ/2 E‖∇D(G(z))‖²              (eq. 2 to 4)
    L_G = E softplus(D(x) - D(G(z)))

Differences from the paper: the nets have DCGAN's layers with scaled initial weights instead of
residual blocks of grouped convolutions; and learning rate, γ and Adam's β2 are constant instead of
following the authors' schedules.
"""

import jax

from gen_models import losses
from gen_models.algorithm import Algorithm, Array, Key, Spec
from gen_models.engines.adversarial import adversarial
from gen_models.fields import Decay, Size, Weight, hyperparameters
from gen_models.models import _gans


@hyperparameters
class Config(_gans.Config):
    """Options of `r3gan`, each from one end of its schedule in the authors' program: the initial
    learning rate and γ (γ as for ImageNet at 32×32), the final β2."""

    latent_size: Size = 64
    """Dimensions of z, standard normal."""
    beta1: Decay = 0.0
    """Decay of Adam's first moment, both players."""
    beta2: Decay = 0.99
    """Decay of Adam's second moment, both players."""
    penalty: Weight = 0.5
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
        prior=prior,
        penalty=losses.r1_r2_penalty(config.penalty),
    )
    return adversarial(game, spec)
