"""What the page shows of one model: its programs, weights, directions and measures."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gen_models import programs
from gen_models.algorithm import Algorithm, Array, Labels, PyTree, State
from gen_models.data.pixels import to_bytes
from gen_models.errors import UserError
from gen_models.evaluation import record
from gen_models.evaluation.record import Evaluation
from gen_models.explorer import directions
from gen_models.explorer.program import program, to_json
from gen_models.explorer.weights import packed, unpacked
from gen_models.nets import conv
from gen_models.sampling import drawing
from gen_models.storage.tensors import filled, named
from gen_models.trained import Trained

COUNT = 100  # samples per seed in the page
CHECKED = 40  # images that decide whether weights are written in 16 bits
LEVEL = 1  # of 255, largest difference of a pixel that 16-bit weights may cause


class Exhibit(NamedTuple):
    """A model at one or more steps of its training, with its evaluation if there is one."""

    models: Sequence[Trained]  # the same model at ascending steps
    evaluation: Evaluation | None  # evaluation of the last one

    @property
    def last(self) -> Trained:
        """The model at its last step."""
        return self.models[-1]


def to_json_object(exhibit: Exhibit) -> dict[str, Any]:
    """The exhibit as a JSON object for the page. Raises UserError for a model that cannot be
    shown."""
    trained = _in_float32(exhibit.last)
    model, data = trained.model, trained.data
    order = np.resize(np.array(data.classes, np.int32), COUNT)
    with conv.using(conv.DILATED):
        page_programs = _page_programs(model.algorithm, trained.state.ema, order)
    used = {name for written in page_programs.values() for name in written["weights"]}
    z = _latents(trained, order)
    return {
        "name": trained.name,
        "model": trained.recipe.options.model,
        "size": [data.height, data.width],
        "classes": list(data.class_names),
        "order": order.tolist(),
        "conditional": trained.conditional,
        "latent": list(z.shape[1:]),
        "programs": page_programs,
        "checkpoints": [
            {
                "step": int(at_step.state.step),
                "weights": _weights(_in_float32(at_step), used, order),
            }
            for at_step in exhibit.models
        ],
        "directions": _directions(model.algorithm, trained.state, z, order),
        "parts": [part._asdict() for part in model.algorithm.parts],
        "encodes": "encode" in page_programs,
        "measures": _measures(exhibit.evaluation),
        "protocol": "" if exhibit.evaluation is None else str(exhibit.evaluation.protocol),
    }


def _in_float32(trained: Trained) -> Trained:
    """The model in float32, as the page computes."""
    config = replace(trained.recipe.config, compute_dtype="float32")
    return replace(trained, recipe=trained.recipe._replace(config=config))


def _page_programs(algorithm: Algorithm, ema: PyTree, order: np.ndarray) -> dict[str, Any]:
    """The programs of the page by name."""

    def prior(ema: PyTree, seed: Array, labels: Labels) -> Array:
        key = drawing.key_for(drawing.Purpose.SAMPLES, seed)
        return algorithm.prior(State.of_average(ema), jax.random.fold_in(key, 0), labels)

    def generate(ema: PyTree, z: Array, labels: Labels) -> Array:
        return algorithm.generate(State.of_average(ema), z, labels)

    def shape_of(function: Callable[..., Array], *arrays: jax.ShapeDtypeStruct) -> Array:
        return jax.eval_shape(function, ema, *arrays)

    seed, label = jax.ShapeDtypeStruct((), jnp.uint32), jax.ShapeDtypeStruct((1,), jnp.int32)
    labels = jax.ShapeDtypeStruct(order.shape, jnp.int32)
    zs = shape_of(prior, seed, labels)
    z = jax.ShapeDtypeStruct((1, *zs.shape[1:]), zs.dtype)
    image = shape_of(generate, z, label)
    functions = {
        "prior": (prior, {"seed": seed, "labels": labels}),
        "generate": (generate, {"z": z, "labels": label}),
    }
    if (latent := algorithm.latent) is not None:

        def encode(ema: PyTree, images: Array, labels: Labels) -> Array:
            return latent.encode(State.of_average(ema), images, labels)

        def decode(ema: PyTree, places: Array, labels: Labels) -> Array:
            return latent.decode(State.of_average(ema), places, labels)

        places = shape_of(encode, image, label)
        functions["encode"] = (encode, {"images": image, "labels": label})
        functions["decode"] = (decode, {"places": places, "labels": label})
        if latent.codes is not None:

            def codes(ema: PyTree, images: Array) -> Array:
                return latent.codes(State.of_average(ema), images)

            functions["codes"] = (codes, {"images": image})
    return {
        name: to_json(program(function, ema, inputs))
        for name, (function, inputs) in functions.items()
    }


def _weights(trained: Trained, used: set[str], order: np.ndarray) -> dict[str, dict[str, str]]:
    """The weights in use as text, in 16 bits if that changes images by at most LEVEL."""
    arrays = {name: np.asarray(x) for name, x in named(trained.state.ema).items()}
    if not all(np.isfinite(arrays[name]).all() for name in used):
        raise UserError(f"its weights at step {int(trained.state.step)} are not finite")
    texts = {name: packed(x) for name, x in arrays.items() if name in used}
    rounded_arrays = {name: unpacked(text, arrays[name].shape) for name, text in texts.items()}
    ema = jax.tree.map(jnp.asarray, filled(trained.state.ema, arrays | rounded_arrays))
    rounded = replace(trained, state=trained.state._replace(ema=ema))
    exact_images, rounded_images = (_images(x, order).astype(int) for x in (trained, rounded))
    if np.abs(exact_images - rounded_images).max() <= LEVEL:
        return texts
    return {name: packed(x, whole=True) for name, x in arrays.items() if name in used}


def _images(trained: Trained, order: np.ndarray) -> np.ndarray:
    """Samples, followed by their reconstructions if there is an encoder, u8[N,H,W]."""
    labels = order[:CHECKED]
    key = drawing.key_for(drawing.Purpose.SAMPLES, 1)
    samples = drawing.draw(trained.model, trained.state, key, labels)
    if trained.model.algorithm.latent is None:
        return samples
    reconstructions = programs.reconstruct(trained.model, trained.state, samples, labels)
    return np.concatenate([samples, to_bytes(reconstructions)])


def _latents(trained: Trained, order: np.ndarray) -> np.ndarray:
    key = jax.random.fold_in(drawing.key_for(drawing.Purpose.SAMPLES, 1), 0)
    return np.asarray(trained.model.algorithm.prior(trained.state, key, jnp.asarray(order)))


def _directions(
    algorithm: Algorithm, state: State, z: np.ndarray, order: np.ndarray
) -> list[dict[str, Any]]:
    if z.ndim != 2:
        return []
    kept = np.ones(z.shape[1], bool)
    for part in algorithm.parts:
        kept[part.start : part.start + part.size] = False
    points = slice(directions.POINTS)
    strongest = directions.strongest(algorithm, state, z[points], jnp.asarray(order[points]), kept)
    return [
        {"name": name, "vector": [round(float(x), 5) for x in vector]} for name, vector in strongest
    ]


def _measures(evaluation: Evaluation | None) -> list[list[str]]:
    if evaluation is None:
        return []
    return record.rows(["this model"], [record.summarise([evaluation])])
