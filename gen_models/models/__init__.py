"""The registry: one module a paper, each with `Config` and `build(config, spec) -> Algorithm`.

`gans` and `vaes` hold what those papers share.
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

MODELS: dict[str, ModuleType] = {
    "gan": gan,
    "dcgan": dcgan,
    "cgan": cgan,
    "lsgan": lsgan,
    "wgan": wgan,
    "wgan_gp": wgan_gp,
    "dragan": dragan,
    "ebgan": ebgan,
    "began": began,
    "acgan": acgan,
    "infogan": infogan,
    "hinge": hinge,
    "r3gan": r3gan,
    "vae": vae,
    "cvae": cvae,
    "iwae": iwae,
    "vq_vae": vq_vae,
}
