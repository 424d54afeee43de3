"""SNGAN with a projection: the hinge loss, and a discriminator in which each layer's kernel, as a
matrix, is divided by an estimate of its spectral norm (Miyato et al. 2018) and the features are
projected on the label's vector (Miyato & Koyama 2018). Both papers have deeper nets; the second
projects features summed over the image, here the hidden layer's features are projected."""

from gen_models import losses
from gen_models.algorithm import Algorithm, Spec
from gen_models.engines.adversarial import adversarial
from gen_models.fields import Count, Decay, Positive, hyperparameters
from gen_models.models import _gans


@hyperparameters
class Config(_gans.Config):
    """Options of `hinge`. The betas are those of Miyato & Koyama 2018, for the projection. They
    have five updates of the discriminator per step, at 2e-4; here there is one, with a step size
    four times as large. Their z is normal, with 128 dimensions."""

    learning_rate: Positive = 2e-4
    disc_learning_rate: Positive | None = 8e-4
    beta1: Decay = 0.0
    beta2: Decay = 0.9
    critic_updates: Count = 1
    """Updates of the discriminator per training step, each on its own batch."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`."""
    disc = _gans.discriminator(config, normalisation="spectral", num_classes=spec.num_classes)
    game = _gans.game(
        config,
        spec,
        losses.hinge,
        disc,
        conditional=True,
        critic_updates=config.critic_updates,
    )
    return adversarial(game, spec)
