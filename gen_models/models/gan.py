"""The GAN (Goodfellow et al. 2014) on InfoGAN's nets, with either of the paper's two losses.

D maximises log D(x) + log(1 - D(G(z))) (eq. 1). G minimises the same (saturating: the gradient
vanishes where D is sure), or maximises log D(G(z)) instead (§3, non-saturating). The paper's nets
were dense.
"""

from typing import Literal

from gen_models import losses
from gen_models.algorithm import Algorithm, Spec
from gen_models.engines.adversarial import adversarial
from gen_models.fields import hyperparameters
from gen_models.models import _gans

LOSSES = {"non_saturating": losses.non_saturating, "saturating": losses.saturating}


@hyperparameters
class Config(_gans.Tuned):
    """Options of `gan`, found by a search with InfoGAN's nets. The preset `configs/papers.py:gan`
    has the options of InfoGAN's appendix C.1 (Chen et al. 2016)."""

    loss: Literal["non_saturating", "saturating"] = "non_saturating"
    """Loss of the generator: -log D(G(z)), or log(1 - D(G(z))) if saturating."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`."""
    disc = _gans.discriminator(config)
    game = _gans.game(config, spec, LOSSES[config.loss], disc)
    return adversarial(_gans.penalised(game, config), spec)
