"""DRAGAN (Kodali et al. 2017): the GAN's own loss, and a discriminator whose gradient is to have
norm 1 around real images alone (§2.5). Batch normalisation would couple those gradients: it has
none. The gradient is that of the logit, in the paper that of the probability."""

from gen_models import losses
from gen_models.algorithm import Algorithm, Spec
from gen_models.engines.adversarial import adversarial
from gen_models.fields import Positive, Weight, hyperparameters
from gen_models.models import _gans


@hyperparameters
class Config(_gans.Config):
    """Options of `dragan`. Weight and radius are the authors' program's, the others DCGAN's."""

    penalty: Weight = 10.0
    """Weight of the gradient penalty."""
    radius: Positive = 0.5
    """How far around a real image, in standard deviations of the batch's pixels."""


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
