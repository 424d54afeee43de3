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
from gen_models.accelerator.extent import Figures, Keep, ReportExtent, run_side_by_side
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


def measure(extent: ReportExtent, figures: Figures, keep: Keep) -> None:
    """Measure the differences of all models and of real images' features between card and CPU."""
    if "features" not in figures:
        figures["features"] = _compare_features(extent)
        keep()
    models = figures.setdefault("models", {})

    def keep_model(model: str, differences: Figures) -> None:
        models[model] = differences
        keep()

    left = {m: partial(_compare_model, extent, m) for m in extent.models if m not in models}
    run_side_by_side(left, COMPILING, keep_model)  # XLA's compiler takes nearly all of the time


def _compare_model(extent: ReportExtent, name: str) -> Figures:
    card, cpu = places()
    with jax.default_device(cpu.device):
        start = jax.device_get(programs.start(_model(extent, name), jax.random.key(0)))
    on_card, on_cpu = (_train(place, extent, _model(extent, name), start) for place in (card, cpu))
    samples = np.abs(_draw(card, on_card.model, on_cpu.state) - on_cpu.samples)
    return {
        "state": distance(on_card.state, on_cpu.state),
        "metrics": largest(
            abs(on_card.metrics[key] - value) / max(1.0, abs(value))
            for key, value in on_cpu.metrics.items()
        ),
        "samples": float(samples.max()),
        "finite": bool(np.isfinite(on_card.samples).all()),
    }


class ShortTraining(NamedTuple):
    """Results of a training of a few steps, on the host."""

    model: Model
    state: State
    metrics: dict[str, float]  # metrics of the last step
    samples: np.ndarray  # f32[N,H,W,1]


def _model(extent: ReportExtent, name: str) -> Model:
    """A new model, traced anew, so that no program compiled for another place is reused."""
    module = MODELS[name]
    build = lambda config, spec: module.build(config, spec)
    return Model(build, steps.SPEC, module.Config(**extent.options))


def _train(place: Place, extent: ReportExtent, model: Model, start: State) -> ShortTraining:
    """Train a model for a few steps on noise, from the same state and keys in every place."""
    chunk = steps.random_chunk(extent.batch_size * model.algorithm.batches)
    count, key = np.int32(extent.compared_steps), jax.random.key(0)
    arguments = jax.device_put((model, start, chunk, count, key), place.device)
    state, history = _compile(place, programs.advance, *arguments)(*arguments)
    metrics = {name: float(values[extent.compared_steps - 1]) for name, values in history.items()}
    state = jax.device_get(state)
    return ShortTraining(model, state, metrics, _draw(place, model, state))


def _draw(place: Place, model: Model, state: State) -> np.ndarray:
    """Samples f32[N,H,W,1] of a state, from the same latents in every place."""
    labels = np.arange(SAMPLES, dtype=np.int32) % steps.SPEC.num_classes
    arguments = jax.device_put((model, state, jax.random.key(1), labels), place.device)
    return np.asarray(_compile(place, programs.sample, *arguments)(*arguments))


def _compile(place: Place, program: Callable, *arguments: object) -> jax.stages.Compiled:
    """Compile a jitted program quickly for a place, with matrix products in full float32."""
    with jax.default_matmul_precision("highest"), conv.using(place.layout):
        return program.lower(*arguments).compile(QUICKLY.get(place.device.platform))


def distance(a: PyTree, b: PyTree) -> float:
    """The largest relative Euclidean distance ‖a - b‖ / ‖b‖ over the parts of two pytrees. It is
    infinite where only b is zero, and NaN where a or b is NaN."""

    def norm(leaves: list[np.ndarray]) -> float:
        return float(np.sqrt(sum(np.sum(np.square(leaf, dtype=np.float64)) for leaf in leaves)))

    distances = []
    for part, other in zip(a, b, strict=True):
        left, right = ([np.asarray(x) for x in jax.tree.leaves(tree)] for tree in (part, other))
        apart, size = norm([x - y for x, y in zip(left, right, strict=True)]), norm(right)
        distances.append(apart / size if size else math.inf if apart else 0.0)
    return largest(distances)


def largest(values: Iterable[float]) -> float:
    """The largest value, or NaN if any value is NaN, which `max` may hide."""
    return float(np.max(list(values)))


def _compare_features(extent: ReportExtent) -> Figures:
    splits = catalog.load_splits(catalog.DEFAULT)
    net = features.of(splits.train.name)
    differences: Figures = {}
    described = []
    for place in places():
        with jax.default_device(place.device):
            parts = [features.describe(net, data.images[: extent.images]) for data in splits]
        described.append(parts)
    for space in SPACES:
        on_card, on_cpu = ([part.features[space] for part in parts] for parts in described)
        card_fid, cpu_fid = (
            frechet.distance(frechet.gaussian(train), frechet.gaussian(test))
            for train, test in (on_card, on_cpu)
        )
        differences[space] = {
            "features": distance(on_card, on_cpu),
            "fid": abs(card_fid - cpu_fid) / cpu_fid,
        }
    return differences


def page(figures: Figures) -> str:
    """The differences as Markdown, with those above their tolerance marked."""
    rows = [["model", "state", "metrics", "samples", "finite"]]
    for model, differences in sorted(figures.get("models", {}).items()):
        rows.append(
            [
                f"`{model}`",
                _marked(differences["state"], STATE_TOLERANCE),
                f"{differences['metrics']:.0e}",
                _marked(differences["samples"], SAMPLE_TOLERANCE),
                "yes" if differences["finite"] else "**no**",
            ]
        )
    nets = [["feature net", "features", "FID"]]
    for space, differences in figures.get("features", {}).items():
        cells = [_marked(differences[name], FEATURE_TOLERANCE) for name in ("features", "fid")]
        nets.append([space, *cells])
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


def _marked(value: float, tolerance: float) -> str:
    """A difference as text, bold if it is above its tolerance."""
    return f"{value:.0e}" if value <= tolerance else f"**{value:.0e}**"
