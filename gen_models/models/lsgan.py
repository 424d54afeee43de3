"""Least-squares GAN (Mao et al. 2017): targets 1 and 0 instead of cross-entropies (eq. 9), so that
images on the right side of the boundary but far from it are still pulled towards it. The paper has
deeper nets, for scenes of 112×112 pixels."""

from typing import Literal

from gen_models import losses
from gen_models.algorithm import Algorithm, Spec
from gen_models.engines.adversarial import adversarial
from gen_models.engines.updates import clipped
from gen_models.fields import Positive, hyperparameters
from gen_models.models import _gans

LOSSES = {
    "scores": losses.least_squares,
    "probabilities": losses.least_squares_of_probabilities,
}


@hyperparameters
class Config(_gans.Tuned):
    """Options of `lsgan`: those of `gan`, which differs from this model only in the loss. They are
    near the second best of sixteen settings of this model (docs/results.md)."""

    squared: Literal["scores", "probabilities"] = "scores"
    """Values compared with the targets 1 and 0: the discriminator's scores, as in the paper, or
    their sigmoids."""
    clip: Positive | None = None
    """Bound of the discriminator's parameters, clipped to [-clip, clip]; None: no clipping."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`."""
    game = _gans.game(config, spec, LOSSES[config.squared], _gans.discriminator(config))
    if config.clip is not None:
        game = game._replace(disc_optimiser=clipped(game.disc_optimiser, config.clip))
    return adversarial(_gans.penalised(game, config), spec)
