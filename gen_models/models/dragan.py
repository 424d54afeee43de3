"""DRAGAN (Kodali et al. 2017): the GAN's loss, and a penalty for a norm of the discriminator's
gradient other than 1 around real images (§2.5). The discriminator has no batch normalisation, which
would couple the images' gradients. The gradient is that of the logit, as in the authors' program;
in the paper it is that of the probability. The noise is uniform on both sides of an image; in the
paper it is Gaussian."""

from gen_models import losses
from gen_models.algorithm import Algorithm, Spec
from gen_models.engines.adversarial import adversarial
from gen_models.fields import Decay, Positive, Rate, Weight, hyperparameters
from gen_models.models import _gans


@hyperparameters
class Config(_gans.Config):
    """Options of `dragan`: the radius of the authors' program, and step size, β1, weight and
    average that were chosen on held-out images of Fashion-MNIST (docs/results.md). The program has
    step size 1e-4, weight 10, dense nets for MNIST, and images in [0, 1], where a gradient norm of
    1 corresponds to ½ here."""

    learning_rate: Positive = 1.2e-3
    disc_learning_rate: Positive | None = None
    beta1: Decay = 0.05
    ema_decay: Rate | None = 0.993
    penalty: Weight = 8.0
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
