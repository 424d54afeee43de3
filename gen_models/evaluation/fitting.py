"""Common code of the measures' nets: their training, by the compiled loop that also trains the
generative models, and their application to many images."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gen_models import programs
from gen_models.algorithm import Array, Batch, Key, Metrics, PyTree, Spec, State, Trainable
from gen_models.data.catalog import Dataset
from gen_models.data.stream import stream
from gen_models.engines import single
from gen_models.engines.updates import Averaging
from gen_models.model import Model
from gen_models.nets.net import Net

PLAYER = "net"
AVERAGING = Averaging(0.998)
EVALUATION_BATCH = 500  # images per dispatch
BATCH_SIZE = 128  # images per training step

LossReport = Callable[[int, float], None]  # step reached, mean loss since the previous call


class Weights(NamedTuple):
    """A trained net: averaged parameters and batch statistics."""

    params: PyTree
    stats: PyTree


# Parameters, statistics, batch, key of the step -> loss f32[], new statistics.
Loss = Callable[[PyTree, PyTree, Batch, Key], tuple[Array, PyTree]]


def training(
    net: Net, spec: Spec, loss: Loss, steps: int, learning_rate: Array, weight_decay: Array
) -> Trainable:
    """Training of a net by AdamW. The step size rises to `learning_rate` for a fifth of the steps,
    then falls to zero. The `ema` of the state holds the averaged {"params", "stats"}."""
    schedule = optax.cosine_onecycle_schedule(steps, learning_rate, pct_start=0.2)
    optimiser = optax.adamw(schedule, weight_decay=weight_decay)

    def init(key: Key) -> State:
        params, stats = net.init(key, jnp.zeros((2, spec.height, spec.width, 1)))
        return single.initial_state(PLAYER, params, stats, optimiser, AVERAGING)

    def step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        key = jax.random.fold_in(key, state.step)

        def objective(params: PyTree) -> tuple[Array, tuple[PyTree, Metrics]]:
            value, stats = loss(params, state.stats[PLAYER], batch, key)
            return value, (stats, {"loss": value})

        return single.update(PLAYER, objective, state, optimiser, AVERAGING)

    return Trainable(init, step)


def silent(step: int, loss: float) -> None:
    """A LossReport that does nothing."""
    del step, loss


def fit(model: Model, dataset: Dataset, steps: int, seed: int, report: LossReport) -> Weights:
    """The averaged weights of a net after `steps` steps of 128 images; equal seeds give equal
    nets. The model's metrics must include "loss"."""
    key_init, key_train = jax.random.split(jax.random.key(seed))
    state = programs.start(model, key_init)
    done = 0
    for chunk in stream(dataset, seed, BATCH_SIZE):
        count = min(len(chunk.labels), steps - done)
        state, history = programs.advance(model, state, chunk, count, key_train)
        done += count
        report(done, float(jnp.mean(history["loss"][:count])))
        if done == steps:
            break
    return Weights(state.ema["params"], state.ema["stats"])


def apply_in_batches(
    function: Callable[[np.ndarray], tuple[Array, ...]], images: np.ndarray
) -> tuple[np.ndarray, ...]:
    """The arrays [N,…] that `function` returns for images u8[N,H,W], called on 500 at a time.

    Matrix products have full float32 precision on every device: measures must not depend on it.
    """
    parts = []
    for start in range(0, len(images), EVALUATION_BATCH):
        part = images[start : start + EVALUATION_BATCH]
        padded = np.resize(part, (EVALUATION_BATCH, *part.shape[1:]))  # one shape, one compilation
        with jax.default_matmul_precision("highest"):
            outputs = function(padded)
        parts.append([np.asarray(array)[: len(part)] for array in outputs])
    return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))
