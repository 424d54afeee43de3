"""WGAN with gradient penalty (Gulrajani et al. 2017): the critic's gradient is to have norm 1 on
the lines between real and generated images (eq. 3), which takes the place of clipping. The critic
has no batch normalisation, since the penalty is each image's own (§4)."""

from gen_models import losses
from gen_models.algorithm import Algorithm, Spec
from gen_models.engines.adversarial import adversarial
from gen_models.fields import Count, Decay, Positive, Weight, hyperparameters
from gen_models.models import _gans


@hyperparameters
class Config(_gans.Config):
    """Options of `wgan_gp`: those of Gulrajani et al. 2017, algorithm 1."""

    learning_rate: Positive = 1e-4
    """Adam's step size."""
    beta1: Decay = 0.0
    """Adam's decay of the first moment, both players."""
    beta2: Decay = 0.9
    """Adam's decay of the second moment, both players."""
    penalty: Weight = 10.0
    """Weight of the gradient penalty."""
    critic_updates: Count = 5
    """Updates of the critic a step, each on a batch of its own."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`."""
    game = _gans.game(
        config,
        spec,
        losses.wasserstein,
        _gans.discriminator(config, normalisation="none"),
        penalty=losses.wgan_gp_penalty(config.penalty),
        critic_updates=config.critic_updates,
    )
    return adversarial(game, spec)
