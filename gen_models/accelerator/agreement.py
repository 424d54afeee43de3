"""Whether the card computes what the CPU computes: training steps, samples, features and FID.

On a machine without a card, the CPU with XLA's own convolutions, as on a TPU, takes its place.
"""

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import jax
import numpy as np

from gen_models import programs, render
from gen_models.accelerator.extent import Extent, Figures, Keep, side_by_side
from gen_models.algorithm import PyTree, State
from gen_models.benchmark import steps
from gen_models.data import catalog
from gen_models.evaluation import features, frechet
from gen_models.evaluation.protocol import SPACES
from gen_models.model import Model
from gen_models.models import MODELS
from gen_models.nets import conv

STATE_TOLERANCE = 2e-2  # largest relative distance of the states after a few steps
SAMPLE_TOLERANCE = 1e-2  # largest difference of pixels in [-1,1], for the same state and latents
FEATURE_TOLERANCE = 1e-3  # largest relative difference of features and of FID
SAMPLES = 20
COMPILING = 8  # threads that compile
# XLA options that shorten compilation: these programs run only briefly.
QUICKLY = {"cpu": {"xla_backend_optimization_level": 1}, "gpu": {"xla_gpu_autotune_level": 0}}


class Place(NamedTuple):
    """A device and the layout of its convolutions."""

    device: jax.Device
    layout: conv.Layout | None = None  # None: the platform's default


def places() -> tuple[Place, Place]:
    """Returns (card, CPU); without a card, the first is the CPU with XLA's own convolutions."""
    card, cpu = jax.devices()[0], jax.devices("cpu")[0]
    return Place(card, conv.NATIVE if card.platform == "cpu" else None), Place(cpu)


def measure(extent: Extent, found: Figures, keep: Keep) -> None:
    """Measure the differences of all models and of real images' features between card and CPU."""
    if "features" not in found:
        found["features"] = _of_features(extent)
        keep()
    models = found.setdefault("models", {})

    def done(model: str, figures: Figures) -> None:
        models[model] = figures
        keep()

    left = {m: partial(_of_model, extent, m) for m in extent.models if m not in models}
    side_by_side(left, COMPILING, done)  # XLA's compiler takes nearly all of the time


def _of_model(extent: Extent, name: str) -> Figures:
    card, cpu = places()
    with jax.default_device(cpu.device):
        started = jax.device_get(programs.start(_model(extent, name), jax.random.key(0)))
    there, here = (_trained(place, extent, _model(extent, name), started) for place in (card, cpu))
    samples = np.abs(_drawn(card, there.model, here.state) - here.samples)
    return {
        "state": distance(there.state, here.state),
        "metrics": largest(
            abs(there.metrics[key] - value) / max(1.0, abs(value))
            for key, value in here.metrics.items()
        ),
        "samples": float(samples.max()),
        "finite": bool(np.isfinite(there.samples).all()),
    }


class Outcome(NamedTuple):
    """Results of a training of a few steps, on the host."""

    model: Model
    state: State
    metrics: dict[str, float]  # metrics of the last step
    samples: np.ndarray  # f32[N,H,W,1]


def _model(extent: Extent, name: str) -> Model:
    """A new model, traced anew, so that no program compiled for another place is reused."""
    module = MODELS[name]
    build = lambda config, spec: module.build(config, spec)  # noqa: E731
    return Model(build, steps.SPEC, module.Config(**extent.options))


def _trained(place: Place, extent: Extent, model: Model, started: State) -> Outcome:
    """Train a model for a few steps on noise, from the same state and keys in every place."""
    chunk = steps.random_chunk(extent.batch_size * model.algorithm.batches)
    count, key = np.int32(extent.compared_steps), jax.random.key(0)
    given = jax.device_put((model, started, chunk, count, key), place.device)
    state, history = _compiled(place, programs.advance, *given)(*given)
    metrics = {name: float(values[extent.compared_steps - 1]) for name, values in history.items()}
    state = jax.device_get(state)
    return Outcome(model, state, metrics, _drawn(place, model, state))


def _drawn(place: Place, model: Model, state: State) -> np.ndarray:
    """Samples f32[N,H,W,1] of a state, from the same latents in every place."""
    labels = np.arange(SAMPLES, dtype=np.int32) % steps.SPEC.num_classes
    given = jax.device_put((model, state, jax.random.key(1), labels), place.device)
    return np.asarray(_compiled(place, programs.sample, *given)(*given))


def _compiled(place: Place, program: Callable, *given: object) -> jax.stages.Compiled:
    """Compile a jitted program quickly for a place, with matrix products in full float32."""
    with jax.default_matmul_precision("highest"), conv.using(place.layout):
        return program.lower(*given).compile(QUICKLY.get(place.device.platform))


def distance(a: PyTree, b: PyTree) -> float:
    """The largest relative Euclidean distance ‖a - b‖ / ‖b‖ over the parts of two pytrees. It is
    infinite where only b is zero, and NaN where a or b is NaN."""

    def norm(leaves: list[np.ndarray]) -> float:
        return float(np.sqrt(sum(np.sum(np.square(leaf, dtype=np.float64)) for leaf in leaves)))

    found = []
    for part, other in zip(a, b, strict=True):
        left, right = ([np.asarray(x) for x in jax.tree.leaves(tree)] for tree in (part, other))
        apart, size = norm([x - y for x, y in zip(left, right, strict=True)]), norm(right)
        found.append(apart / size if size else math.inf if apart else 0.0)
    return largest(found)


def largest(values: Iterable[float]) -> float:
    """The largest value, or NaN if any value is NaN, which `max` may hide."""
    return float(np.max(list(values)))


def _of_features(extent: Extent) -> Figures:
    splits = catalog.load_splits(catalog.DEFAULT)
    net = features.of(splits.train.name)
    found: Figures = {}
    described = []
    for place in places():
        with jax.default_device(place.device):
            parts = [features.describe(net, data.images[: extent.images]) for data in splits]
        described.append(parts)
    for space in SPACES:
        (train, test), (train_here, test_here) = (
            [part.features[space] for part in parts] for parts in described
        )
        there, here = (
            frechet.distance(frechet.gaussian(a), frechet.gaussian(b))
            for a, b in ((train, test), (train_here, test_here))
        )
        found[space] = {
            "features": distance([train, test], [train_here, test_here]),
            "fid": abs(there - here) / here,
        }
    return found


def page(found: Figures) -> str:
    """The differences as Markdown, with those above their tolerance marked."""
    rows = [["model", "state", "metrics", "samples", "finite"]]
    for model, one in sorted(found.get("models", {}).items()):
        rows.append(
            [
                f"`{model}`",
                _against(one["state"], STATE_TOLERANCE),
                f"{one['metrics']:.0e}",
                _against(one["samples"], SAMPLE_TOLERANCE),
                "yes" if one["finite"] else "**no**",
            ]
        )
    nets = [["feature net", "features", "FID"]]
    for space, one in found.get("features", {}).items():
        nets.append([space, *(_against(one[x], FEATURE_TOLERANCE) for x in ("features", "fid"))])
    return f"""Each model trains for a few steps on the card and on the CPU, from the same state and
with the same keys and batches. Matrix products are in full float32, and XLA does not try out which
program is fastest. Values above their tolerance are **bold**.

- *state*: relative distance between the two states after these steps (tolerance
  {STATE_TOLERANCE:g})
- *metrics*: largest relative difference of a metric of the last step
- *samples*: largest difference of a pixel in [-1,1] of samples from the same state and latents
  (tolerance {SAMPLE_TOLERANCE:g})
- *finite*: whether all pixels of the card's samples are finite

{render.markdown_table(rows)}
Features and FID of the same images, as relative differences (tolerance {FEATURE_TOLERANCE:g}):

{render.markdown_table(nets)}"""


def _against(value: float, tolerance: float) -> str:
    return f"{value:.0e}" if value <= tolerance else f"**{value:.0e}**"
