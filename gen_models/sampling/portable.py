"""A trained model as one small file for sampling, without the rest of the training state.

It is a safetensors file with the averaged weights and batch statistics, and the recipe, the step
and the sizes of the data in its metadata. Weights may be stored in half precision. The files of
`SHIPPED` are part of the package, and are checked by their digests.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from gen_models import fields, programs
from gen_models.algorithm import State
from gen_models.errors import UserError
from gen_models.models import DRAWN
from gen_models.runs import DataRecord, Recipe
from gen_models.runs.recipe import with_added_options
from gen_models.storage.files import write_bytes
from gen_models.storage.tensors import filled, named
from gen_models.version import OF_0_1

FORMAT, VERSION = "gen_models.model", 2
SUFFIX = ".safetensors"
FOLDER = Path(__file__).parents[1] / "shipped"
SHIPPED: dict[str, str] = {  # SHA-256 of the file by name
    "fashion_mnist-cgan": "ca705449fd1c714ade3234e98d7e993b1a14ae959e5ec50275ba4a9ed8479edc",
    "fashion_mnist-dcgan": "e4705c60a452e2ade452635530071e47a4114f461086c6f5f0f80b65ac61f94e",
    "fashion_mnist-vae": "fdf21dcf263ab800888ce833b2791e5ee7235df04df2b682b653753d07964d83",
    "mnist-cgan": "cd87fa3fc024bc24fe6b0df904986bbc6c851ecd333f6142e8e77b1200d05a73",
    "mnist-dcgan": "a9546d847008b7a3cfdfd42374e31a28c7502ff6eda9441ce4576f3c4d42555a",
    "mnist-vae": "f4f3ca754726a66b6dafb1b9f1bce45674783664c789faedbdf2eacbfe4d3c77",
}


class PortableError(UserError):
    """Raised for a file that is no portable model or is damaged."""


class PortableModel(NamedTuple):
    """A model that was read."""

    recipe: Recipe  # all options that it was trained with
    data: DataRecord  # properties of its training data
    state: State  # with only `step` and `ema`


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


def load(path: Path) -> PortableModel:
    """Read a model. Raises PortableError."""
    try:
        raw = path.read_bytes()
        _check_digest(path, hashlib.sha256(raw).hexdigest())
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {})[FORMAT])
        if about["version"] == 1:
            raise PortableError(f"{path} is {OF_0_1}")
        if about["version"] != VERSION:
            raise ValueError(f"it has version {about['version']!r:.20}, expected {VERSION}")
        return _fill(about, safetensors.numpy.load(raw))
    except OSError as error:
        raise PortableError(f"{path}: cannot be read: {error.strerror}") from error
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise PortableError(f"{path} is no model of gen_models: {error!s:.200}") from error


def _fill(about: dict[str, Any], tensors: dict[str, np.ndarray]) -> PortableModel:
    recipe = Recipe.from_flat(with_added_options(about["recipe"]), DRAWN)
    data = fields.from_dict(DataRecord, about["data"])
    template = programs.shapes(recipe.model(data.spec))
    ema = filled(template.ema, tensors)
    ema = jax.tree.map(lambda x, wanted: jnp.asarray(x, wanted.dtype), ema, template.ema)
    return PortableModel(recipe, data, State.of_average(ema, about["step"]))


def _check_digest(path: Path, digest: str) -> None:
    """Raise PortableError for a file of the package whose digest is not the shipped one's."""
    expected = SHIPPED.get(path.stem) if path.parent == FOLDER else None
    if expected and digest != expected:
        raise PortableError(
            f"{path} is not what was shipped: its sha256 is {digest}, expected {expected}; "
            "install the package again"
        )
