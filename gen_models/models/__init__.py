"""The registry: every module here is a paper, with `Config` and `build(config, spec) -> Algorithm`.

A new paper is a new file, and nothing else. `_gans` and `_vaes` hold what papers share.
"""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

MODELS: dict[str, ModuleType] = {
    name: import_module(f"{__name__}.{name}")
    for _, name, _ in iter_modules(__path__)
    if not name.startswith("_")
}
