"""Conditional VAE (Sohn et al. 2015): encoder and decoder take the label, and the bound is on log
p(x|label) (eq. 4). In the paper the condition is an image and the prior is learned; here it is a
label, and the prior is the same for every label."""

from gen_models.algorithm import Algorithm, Spec
from gen_models.engines.variational import variational
from gen_models.fields import Positive, hyperparameters
from gen_models.losses import weighted_elbo
from gen_models.models import _vaes, vae


@hyperparameters
class Config(vae.Config):
    """Options of `cvae`: those of `vae` except for a larger step size, chosen on held-out images of
    Fashion-MNIST (docs/history.md)."""

    learning_rate: Positive = 2e-3


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`."""
    objective = weighted_elbo(config.beta, config.free_bits)
    return variational(_vaes.autoencoder(config, spec, objective, conditional=True), spec)
