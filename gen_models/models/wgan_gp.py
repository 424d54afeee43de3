"""WGAN with gradient penalty (Gulrajani et al. 2017): in place of clipping, a penalty for a norm of
the critic's gradient other than 1 on the lines between real and generated images (eq. 3). The
critic has no batch normalisation, since the penalty applies to each image separately (§4)."""

from gen_models import losses
from gen_models.algorithm import Algorithm, Spec
from gen_models.engines.adversarial import adversarial
from gen_models.fields import Count, Decay, Positive, Weight, hyperparameters
from gen_models.models import _gans


@hyperparameters
class Config(_gans.Config):
    """Options of `wgan_gp`: those of Gulrajani et al. 2017, algorithm 1, except for a step size
    five times as large, for training some forty times shorter. The generator keeps batch
    normalisation, which the authors' program for MNIST has in neither net; z is uniform, theirs is
    normal."""

    learning_rate: Positive = 5e-4
    """Step size of Adam."""
    disc_learning_rate: Positive | None = None
    """Step size of the critic's optimiser; None: --learning-rate."""
    beta1: Decay = 0.0
    beta2: Decay = 0.9
    penalty: Weight = 10.0
    """Weight of the gradient penalty."""
    critic_updates: Count = 5
    """Updates of the critic per training step, each on its own batch."""


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
