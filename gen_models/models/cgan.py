"""Conditional GAN (Mirza & Osindero 2014) on InfoGAN's nets: both players take the label.

The label is not an input beside z and the image as in the paper; it enters as in later work, by
conditional batch normalisation in the generator and a projection in the discriminator
(`ClassAffine` and `Projection` in nets/blocks.py, placed by nets/gan.py). The discriminator's
hidden layer, whose features are projected, has no batch normalisation. Optionally, the
discriminator also learns to reject real images with wrong labels (Reed et al. 2016, but with a
weight of their own instead of half the weight of generated images).
"""

from gen_models import losses
from gen_models.algorithm import Algorithm, Array, Spec
from gen_models.engines.adversarial import Judged, Term, adversarial
from gen_models.fields import Decay, Positive, Rate, Weight, hyperparameters
from gen_models.models import _gans


@hyperparameters
class Config(_gans.Penalised):
    """Options of `cgan`: InfoGAN's, except for step sizes, β1, gradient penalty and average,
    which were chosen on 10,000 training images of Fashion-MNIST that were held out
    (docs/results.md). The paper has dense nets."""

    learning_rate: Positive = 5e-4
    disc_learning_rate: Positive | None = 9e-4
    beta1: Decay = 0.0
    ema_decay: Rate | None = 0.992
    penalty: Weight | None = 0.12
    mismatch: Weight = 0.0
    """Weight of the loss on real images with wrong labels. With it the optimal generator is no
    longer p(x|y): it avoids images that two classes share, so label accuracy rises beyond that of
    real images, and coverage falls."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`."""

    def mismatch(judged: Judged) -> Array:
        return losses.mismatched(judged.real.head, judged.labels)

    game = _gans.game(
        config,
        spec,
        losses.non_saturating,
        _gans.discriminator(config, num_classes=spec.num_classes),
        conditional=True,
        disc_terms={"mismatch": Term(config.mismatch, mismatch)},
    )
    return adversarial(_gans.penalised(game, config), spec)
