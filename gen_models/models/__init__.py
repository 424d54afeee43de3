"""The registry: each module is one paper, with `Config` and `build(config, spec) -> Algorithm`.

A module without a leading underscore is a model that every command knows. `_gans` and `_vaes` hold
the code that papers share.
"""

from collections import ChainMap
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

MODELS: dict[str, ModuleType] = {
    name: import_module(f"{__name__}.{name}")
    for _, name, _ in iter_modules(__path__)
    if not name.startswith("_")
}

# All models whose files can be sampled, including the generator that the playground's page trains.
DRAWN = ChainMap({"playground": import_module(f"{__name__}._playground")}, MODELS)
