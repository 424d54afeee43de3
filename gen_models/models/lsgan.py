"""Least-squares GAN (Mao et al. 2017): targets 1 and 0 instead of cross-entropies (eq. 9), so that
images on the right side of the boundary but far from it are still pulled towards it."""

from gen_models import losses
from gen_models.adversarial import adversarial
from gen_models.algorithm import Algorithm, Spec
from gen_models.config import hyperparameters
from gen_models.models import gans


@hyperparameters
class Config(gans.Config):
    """Options of `lsgan`: those of Radford et al. 2016, §4, so that the loss alone is other."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`."""
    game = gans.game(config, spec, losses.least_squares, gans.discriminator(config))
    return adversarial(game, spec)
