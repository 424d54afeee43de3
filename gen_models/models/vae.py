"""Variational auto-encoder (Kingma & Welling 2014), with an optional weight on the KL term (Higgins
et al. 2017) and optional free bits (Kingma et al. 2016)."""

from gen_models.algorithm import Algorithm, Spec
from gen_models.engines.variational import variational
from gen_models.fields import Weight, hyperparameters
from gen_models.losses import weighted_elbo
from gen_models.models import _vaes


@hyperparameters
class Config(_vaes.Config):
    """Options of `vae`. The paper has dense nets without batch normalisation, and Adagrad. β and
    free bits have no effect by default."""

    beta: Weight = 1.0
    """Weight β of the KL term; with 1 the objective is the evidence lower bound."""
    free_bits: Weight = 0.0
    """Nats of KL divergence per latent dimension below which the KL term has no gradient."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`."""
    objective = weighted_elbo(config.beta, config.free_bits)
    return variational(_vaes.autoencoder(config, spec, objective), spec)
