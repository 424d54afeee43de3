"""DCGAN (Radford et al. 2016) for small images.

The nets are InfoGAN's: those of the authors' program for MNIST except for kernels of 4×4 instead of
5×5, half the width (--width), a tanh instead of a sigmoid, and no labels. The program gives labels
to both players at every layer; the paper's experiments on other data have none. The program also
has weight decay and a falling step size.
"""

from gen_models import losses
from gen_models.algorithm import Algorithm, Spec
from gen_models.engines.adversarial import adversarial
from gen_models.fields import Size, hyperparameters
from gen_models.models import _gans


@hyperparameters
class Config(_gans.Tuned):
    """Options of `dcgan`: those of `gan`, and the paper's latent size. The preset
    `configs/papers.py:dcgan` has the paper's options (Radford et al. 2016, §4), except for averaged
    weights and batches of 64 instead of 128."""

    latent_size: Size = 100


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`."""
    disc = _gans.discriminator(config)
    game = _gans.game(config, spec, losses.non_saturating, disc)
    return adversarial(_gans.penalised(game, config), spec)
