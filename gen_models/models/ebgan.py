"""Energy-based GAN (Zhao et al. 2017): the discriminator is an auto-encoder whose energy is the
distance between an image and its reconstruction. It raises the energy of generated images up to a
margin (eq. 1); the pulling-away term makes their codes differ from each other (§2.4). Both nets are
convolutional; the paper's for digits are dense."""

import jax.numpy as jnp

from gen_models import losses
from gen_models.algorithm import Algorithm, Array, Spec
from gen_models.engines.adversarial import Judged, Term, adversarial
from gen_models.fields import Decay, Positive, Rate, Size, Weight, hyperparameters
from gen_models.models import _gans
from gen_models.nets.energy import EnergyDiscriminator
from gen_models.nets.net import net


@hyperparameters
class Config(_gans.Config):
    """Options of `ebgan`. Step sizes, β1, average, margin and weight were chosen on held-out images
    of Fashion-MNIST (docs/results.md). For its best digits, by dense nets, the paper has step size
    1e-3, margin 10 and weight 0.1 (Zhao et al. 2017, fig. 4). `arch` applies to the generator
    only."""

    learning_rate: Positive = 2e-3
    disc_learning_rate: Positive | None = 3e-4
    beta1: Decay = 0.1
    ema_decay: Rate | None = 0.995
    code_size: Size = 32
    """Size of the code in the discriminator's auto-encoder."""
    margin: Positive = 9.0
    """Energy above which a generated image costs the discriminator nothing."""
    pull_away: Weight = 0.05
    """Weight of the pulling-away term in the generator's loss."""


def distance(difference: Array) -> Array:
    """Euclidean norm of each image, f32[N,H,W,1] -> f32[N] (Zhao et al. 2017, §2.3)."""
    return jnp.sqrt(jnp.sum(difference**2, axis=(1, 2, 3)) + 1e-12)


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`."""

    def pulling_away(judged: Judged) -> Array:
        return losses.pulling_away(judged.fake.head)

    dtype = jnp.dtype(config.compute_dtype)
    disc = net(EnergyDiscriminator(distance, config.code_size, config.width, dtype))
    loss = losses.energy_margin(config.margin)
    terms = {"pulling_away": Term(config.pull_away, pulling_away)}
    return adversarial(_gans.game(config, spec, loss, disc, gen_terms=terms), spec)
