"""Conditional VAE (Sohn et al. 2015): encoder and decoder are given the label, the bound is that on
log p(x|label) (eq. 4), under the same prior for every label."""

from functools import partial

from gen_models.config import hyperparameters
from gen_models.models import vae


@hyperparameters
class Config(vae.Config):
    """Options of `cvae`: those of `vae`."""


build = partial(vae.build, conditional=True)
