"""Conditional GAN (Mirza & Osindero 2014) on DCGAN's nets, both players given the label.

It does not enter as inputs beside z and the image but where later papers put it: conditional batch
normalisation in the generator, a projection in the discriminator. And the discriminator also sees
real images with labels that are not theirs, which it is to take for generated ones (Reed et al.
2016, with weights of its own).
"""

from gen_models import losses
from gen_models.algorithm import Algorithm, Array, Spec
from gen_models.engines.adversarial import Judged, adversarial
from gen_models.fields import Positive, Weight, hyperparameters
from gen_models.models import _gans


@hyperparameters
class Config(_gans.Config):
    """Options of `cgan`, found on Fashion-MNIST (docs/results.md): the paper has dense nets."""

    learning_rate: Positive = 1e-3
    """Adam's step size."""
    mismatch: Weight = 0.5
    """Weight of the loss on real images with wrong labels. With it the best generator avoids what
    two classes share: labels are surer than those of real images, and less is covered."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`."""

    def mismatch(judged: Judged) -> Array:
        return config.mismatch * losses.mismatched(judged.real.head, judged.labels)

    game = _gans.game(
        config,
        spec,
        losses.non_saturating,
        _gans.discriminator(config, num_classes=spec.num_classes),
        conditional=True,
        disc_terms={"mismatch": mismatch},
    )
    return adversarial(game, spec)
