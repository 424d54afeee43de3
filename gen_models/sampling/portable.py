"""A trained model as one small file for sampling, without the rest of the training state.

It is a safetensors file with the averaged weights and batch statistics, and the recipe, the step
and the sizes of the data in its metadata. Weights may be stored in half precision. Those of
`SHIPPED` are part of the package, and checked by their digests.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from gen_models import fields, programs
from gen_models.algorithm import State
from gen_models.errors import UserError
from gen_models.runs import DataRecord, Recipe
from gen_models.storage.files import write_bytes
from gen_models.storage.tensors import filled, named
from gen_models.version import OF_0_1

FORMAT, VERSION = "gen_models.model", 2
SUFFIX = ".safetensors"
FOLDER = Path(__file__).parents[1] / "shipped"
SHIPPED: dict[str, str] = {  # SHA-256 of the file by name
    "fashion_mnist-cgan": "b9b2cbd6036e3ec3bec1e547225ff8de8d9aac655a4e11ec1e95dc8b94b8f9c6",
    "fashion_mnist-dcgan": "7c65423bd4a685b59a388ea767c955be9325ce440d49e907bfda35944df63454",
    "fashion_mnist-vae": "e47f3bf168d8366713242171ffca8f2bab76c4fae2962e562928735889eed724",
    "mnist-cgan": "c25856cca9194c4e8db50dd7c70f3ac9baac4d7004222ecd41dca5e7f1be2e90",
    "mnist-dcgan": "e51eaf23af7afe9b6f8fe362df878862f52d0ac5fc866c93f76c246d539699c7",
    "mnist-vae": "e6e393d568aa14605485ce300f56e07c32a67c4d74cae88adc921dd493130583",
}


class PortableError(UserError):
    """A file that is no portable model, or a damaged one."""


def save(path: Path, recipe: Recipe, data: DataRecord, state: State, *, half: bool = False) -> None:
    """Write a model, with weights as float16 if `half`. Raises UserError."""
    if path.suffix != SUFFIX:
        raise PortableError(f"{path}: expected a name that ends in {SUFFIX}, by which it is loaded")
    ema = jax.device_get(state.ema)
    if half:
        ema = ema | {"params": jax.tree.map(lambda x: x.astype(np.float16), ema["params"])}
    about = {
        "version": VERSION,
        "step": int(state.step),
        "recipe": recipe.identity,
        "data": fields.to_dict(data),
    }
    tensors = {name: np.asarray(leaf, order="C") for name, leaf in named(ema).items()}
    write_bytes(path, safetensors.numpy.save(tensors, {FORMAT: json.dumps(about)}))


def load(path: Path) -> tuple[Recipe, DataRecord, State]:
    """Read a model, with only `step` and `ema` of its state. Raises PortableError."""
    try:
        raw = path.read_bytes()
        _check_digest(path, hashlib.sha256(raw).hexdigest())
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {})[FORMAT])
        if about["version"] == 1:
            raise PortableError(f"{path} is {OF_0_1}")
        if about["version"] != VERSION:
            raise ValueError(f"it has version {about['version']!r:.20}, expected {VERSION}")
        return _filled(about, safetensors.numpy.load(raw))
    except OSError as error:
        raise PortableError(f"{path}: cannot be read: {error.strerror}") from error
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise PortableError(f"{path} is no model of gen_models: {error!s:.200}") from error


def _filled(
    about: dict[str, Any], tensors: dict[str, np.ndarray]
) -> tuple[Recipe, DataRecord, State]:
    recipe = Recipe.from_flat(about["recipe"])
    data = fields.from_dict(DataRecord, about["data"])
    template = programs.shapes(recipe.model(data.spec))
    ema = filled(template.ema, tensors)
    ema = jax.tree.map(lambda x, wanted: jnp.asarray(x, wanted.dtype), ema, template.ema)
    step = jnp.int32(about["step"])
    return recipe, data, State(step, params={}, stats={}, opt={}, ema=ema, extra=())


def _check_digest(path: Path, digest: str) -> None:
    """Raise PortableError for a file of the package that is not the shipped one."""
    expected = SHIPPED.get(path.stem) if path.parent == FOLDER else None
    if expected and digest != expected:
        raise PortableError(
            f"{path} is not what was shipped: its sha256 is {digest}, expected {expected}; "
            "install the package again"
        )
