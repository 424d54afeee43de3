"""Wasserstein GAN (Arjovsky et al. 2017): a critic whose weights are clipped (algorithm 1).

The critic's values estimate the earth mover's distance up to a factor (eq. 2), if it is Lipschitz:
clipping sees to that. It is trained several times for each update of the generator.
"""

from functools import partial
from typing import Literal

import optax

from gen_models import losses
from gen_models.algorithm import Algorithm, Spec
from gen_models.engines.adversarial import adversarial
from gen_models.engines.updates import clipped
from gen_models.fields import Count, Positive, hyperparameters
from gen_models.models import _gans


@hyperparameters
class Config(_gans.Config):
    """Options of `wgan`: those of Arjovsky et al. 2017, algorithm 1."""

    learning_rate: Positive = 5e-5
    """The optimiser's step size."""
    optimiser: Literal["rmsprop", "adam"] = "rmsprop"
    """RMSProp as in the paper, which makes no use of the betas, or Adam."""
    clip: Positive = 0.01
    """The critic's parameters are kept between -clip and clip."""
    critic_updates: Count = 5
    """Updates of the critic a step, each on a batch of its own."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`."""
    game = _gans.game(config, spec, losses.wasserstein, _gans.discriminator(config))
    if config.optimiser == "rmsprop":
        # The authors' program: decay 0.99, and an ε that gradients of 1e-5 still tower above.
        rmsprop = partial(optax.rmsprop, decay=0.99, eps=1e-8, eps_in_sqrt=False)
        gen, disc = (rmsprop(rate) for rate in _gans.rates(config))
        game = game._replace(gen_optimiser=gen, disc_optimiser=disc)
    critic = clipped(game.disc_optimiser, config.clip)
    game = game._replace(disc_optimiser=critic, critic_updates=config.critic_updates)
    return adversarial(game, spec)
