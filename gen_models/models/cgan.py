"""Conditional GAN (Mirza & Osindero 2014) on DCGAN's nets: both players are given the label."""

from functools import partial

from gen_models.config import hyperparameters
from gen_models.models import dcgan


@hyperparameters
class Config(dcgan.Config):
    """Options of `cgan`: those of `dcgan`."""


build = partial(dcgan.build, conditional=True)
