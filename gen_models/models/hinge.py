"""SNGAN: hinge loss; a discriminator with spectral norm 1 in each layer (Miyato et al. 2018) and
a projection of its features on the label's vector (Miyato & Koyama 2018)."""

from gen_models import losses
from gen_models.algorithm import Algorithm, Spec
from gen_models.engines.adversarial import adversarial
from gen_models.fields import hyperparameters
from gen_models.models import _gans


@hyperparameters
class Config(_gans.Config):
    """Options of `hinge`: setting C of Miyato et al. 2018, table 1. Miyato & Koyama 2018 had β1 0,
    β2 0.9, normal z and five updates of the discriminator per step, for larger nets."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`."""
    disc = _gans.discriminator(config, normalisation="spectral", num_classes=spec.num_classes)
    return adversarial(_gans.game(config, spec, losses.hinge, disc, conditional=True), spec)
