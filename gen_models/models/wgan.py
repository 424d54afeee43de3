"""Wasserstein GAN (Arjovsky et al. 2017): a critic whose weights are clipped (algorithm 1).

The critic's values estimate the earth mover's distance up to a factor (eq. 2) if the critic is
Lipschitz, which clipping is meant to ensure. The critic has batch normalisation, whose scales are
clipped too, as in the authors' program, so that its Lipschitz constant has no strict bound. The
critic is updated several times per update of the generator.
"""

from functools import partial
from typing import Literal

import optax

from gen_models import losses
from gen_models.algorithm import Algorithm, Spec
from gen_models.engines.adversarial import adversarial
from gen_models.engines.updates import clipped
from gen_models.fields import Count, Positive, Rate, hyperparameters
from gen_models.models import _gans


@hyperparameters
class Config(_gans.Config):
    """Options of `wgan`: those of Arjovsky et al. 2017, algorithm 1, except for step sizes and the
    average's decay, which a search on held-out images of Fashion-MNIST found (docs/results.md).
    With the paper's 5e-5, the preset `configs/papers.py:wgan`, a weight hardly moves further than
    0.25 in 5000 steps. The authors' program has a hundred updates of the critic in each of the
    first 25 steps and in every 500th, and its z is normal."""

    learning_rate: Positive = 2.5e-3
    """Step size of the generator's optimiser."""
    disc_learning_rate: Positive | None = 2.5e-4
    """Step size of the critic's optimiser; None: --learning-rate."""
    ema_decay: Rate | None = 0.997
    optimiser: Literal["rmsprop", "adam"] = "rmsprop"
    """Optimiser of both players: RMSProp, as in the paper, or Adam. RMSProp ignores the betas."""
    clip: Positive = 0.01
    """Bound of the critic's parameters, clipped to [-clip, clip]."""
    critic_updates: Count = 5
    """Updates of the critic per training step, each on its own batch."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`."""
    game = _gans.game(config, spec, losses.wasserstein, _gans.discriminator(config))
    if config.optimiser == "rmsprop":
        # As in the authors' program: decay 0.99, and an ε far below gradients of 1e-5.
        rmsprop = partial(optax.rmsprop, decay=0.99, eps=1e-8, eps_in_sqrt=False)
        gen, disc = (rmsprop(rate) for rate in _gans.rates(config))
        game = game._replace(gen_optimiser=gen, disc_optimiser=disc)
    critic = clipped(game.disc_optimiser, config.clip)
    game = game._replace(disc_optimiser=critic, critic_updates=config.critic_updates)
    return adversarial(game, spec)
