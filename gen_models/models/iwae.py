"""Importance weighted auto-encoder (Burda et al. 2016): the VAE's nets under a tighter bound, the
mean of k importance weights instead of one (eq. 8). A step costs k decodings."""

from gen_models.algorithm import Algorithm, Spec
from gen_models.engines.variational import variational
from gen_models.fields import Count, hyperparameters
from gen_models.losses import importance_weighted
from gen_models.models import _vaes


@hyperparameters
class Config(_vaes.Config):
    """Options of `iwae`. The paper has dense nets, up to two stochastic layers, and a falling step
    size."""

    draws: Count = 5
    """Latents drawn per image in training, k. The paper has 1, 5 and 50."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`."""
    return variational(
        _vaes.autoencoder(config, spec, importance_weighted, draws=config.draws), spec
    )
