"""The registry: one module a paper, each with `Config` and `build(config, spec) -> Algorithm`."""

from types import ModuleType

from gen_models.models import cgan, dcgan, vae

MODELS: dict[str, ModuleType] = {
    "dcgan": dcgan,
    "cgan": cgan,
    "vae": vae,
}
