"""DRAGAN (Kodali et al. 2017): the GAN's loss, and a penalty for a norm of the discriminator's
gradient other than 1 around real images (§2.5). There is no batch normalisation, which would couple
the images' gradients. The gradient is that of the logit, as in the authors' program; in the paper
it is that of the probability. The noise is uniform on both sides of an image, in the paper
Gaussian."""

from gen_models import losses
from gen_models.algorithm import Algorithm, Spec
from gen_models.engines.adversarial import adversarial
from gen_models.fields import Positive, Weight, hyperparameters
from gen_models.models import _gans


@hyperparameters
class Config(_gans.Config):
    """Options of `dragan`: weight and radius of the authors' program, a step size ten times as
    large as its 1e-4, for a shorter training. It has dense nets for MNIST and images in [0, 1],
    where the norm of 1 is one of ½ here."""

    disc_learning_rate: Positive | None = None
    """Step size of the discriminator's optimiser; None: --learning-rate."""
    penalty: Weight = 10.0
    """Weight of the gradient penalty."""
    radius: Positive = 0.5
    """Radius of the penalty's region around real images, in standard deviations of the batch."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`."""
    game = _gans.game(
        config,
        spec,
        losses.non_saturating,
        _gans.discriminator(config, normalisation="none"),
        penalty=losses.dragan_penalty(config.penalty, config.radius),
    )
    return adversarial(game, spec)
