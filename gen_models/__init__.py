"""GANs and VAEs for small images, in JAX, measured so that results are comparable.

import gen_models as gm

cgan = gm.load("fashion_mnist-cgan")         # a shipped model, or the folder of a run
gm.grid(cgan.sample(16, label="dress", seed=0))
vae = gm.train(model="vae", steps=2000)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gen_models.version import __version__

if TYPE_CHECKING:
    from gen_models.data.own import save_dataset
    from gen_models.errors import UserError
    from gen_models.models import MODELS
    from gen_models.render import grid
    from gen_models.trained import Trained, load, train

# Imported at first use, so that a part of the package does not load, or need, all of it.
_HOMES = {
    "MODELS": "gen_models.models",
    "Trained": "gen_models.trained",
    "UserError": "gen_models.errors",
    "grid": "gen_models.render",
    "load": "gen_models.trained",
    "save_dataset": "gen_models.data.own",
    "train": "gen_models.trained",
}
__all__ = ["MODELS", "Trained", "UserError", "__version__", "grid", "load", "save_dataset", "train"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
