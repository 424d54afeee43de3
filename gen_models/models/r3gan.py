"""R3GAN (Huang et al. 2024): a relativistic loss, and penalties on the discriminator's gradient at
real and at generated images; no normalisation anywhere.

    L_D = E softplus(D(G(z)) - D(x)) + γ/2 E‖∇D(x)‖² + γ/2 E‖∇D(G(z))‖²              (eq. 2 to 4)
    L_G = E softplus(D(x) - D(G(z)))

Differences from the paper: the nets have InfoGAN's layers with scaled initial weights instead of
residual blocks of grouped convolutions; learning rate, γ and Adam's β2 are constant by default
(configs/r3gan.py has the authors' schedules); and images are not augmented. As theirs, the
generator ends in a linear layer, without a tanh.
"""

import jax

from gen_models import losses
from gen_models.algorithm import Algorithm, Array, Key, Spec
from gen_models.engines.adversarial import adversarial
from gen_models.fields import Decay, Size, Weight, hyperparameters
from gen_models.models import _gans


@hyperparameters
class Config(_gans.Config):
    """Options of `r3gan`, γ and β2 from one end of their schedules in the authors' program for
    CIFAR-10: the initial γ, the final β2. The generator's step size is larger than its 2e-4, for a
    training some sixty times as short."""

    latent_size: Size = 64
    """Dimensions of z, standard normal."""
    beta1: Decay = 0.0
    """Decay of Adam's first moment, both players."""
    beta2: Decay = 0.99
    """Decay of Adam's second moment, both players."""
    penalty: Weight = 0.05
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
