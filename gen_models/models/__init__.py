"""The registry: one module a paper, each with `Config` and `build(config, spec) -> Algorithm`.

`_gans` and `_vaes` hold what those papers share.
"""

from types import ModuleType

from gen_models.models import (
    acgan,
    began,
    cgan,
    cvae,
    dcgan,
    dragan,
    ebgan,
    gan,
    hinge,
    infogan,
    iwae,
    lsgan,
    r3gan,
    vae,
    vq_vae,
    wgan,
    wgan_gp,
)

# In the order in which tables and help show them: a new paper is its import and its place here.
# fmt: off
PAPERS = (
    gan, dcgan, cgan, lsgan, wgan, wgan_gp, dragan, ebgan, began, acgan, infogan, hinge, r3gan,
    vae, cvae, iwae, vq_vae,
)
# fmt: on
MODELS: dict[str, ModuleType] = {paper.__name__.rpartition(".")[2]: paper for paper in PAPERS}
