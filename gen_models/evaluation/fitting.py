"""What the nets of the measures share: their training, by the compiled loop that trains the
generative models, and their use on many images."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gen_models import programs
from gen_models.algorithm import Array, PyTree
from gen_models.data.catalog import Dataset
from gen_models.data.stream import stream
from gen_models.model import Model

EVALUATION_BATCH = 500  # images per dispatch
BATCH_SIZE = 128  # images per training step

Report = Callable[[int, float], None]  # step reached, mean loss since the previous call


class Weights(NamedTuple):
    """A trained net: averaged parameters and batch statistics."""

    params: PyTree
    stats: PyTree


def silent(step: int, loss: float) -> None:
    """A Report that does nothing."""
    del step, loss


def fitted(model: Model, dataset: Dataset, steps: int, seed: int, report: Report) -> Weights:
    """The averaged weights of a net after `steps` steps of 128 images; equal seeds give equal
    nets. Its metrics must have a "loss"."""
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


def in_batches(
    function: Callable[[np.ndarray], tuple[Array, ...]], images: np.ndarray
) -> tuple[np.ndarray, ...]:
    """The arrays [N,…] that `function` gives for images u8[N,H,W], 500 of them at a time."""
    parts = []
    for start in range(0, len(images), EVALUATION_BATCH):
        part = images[start : start + EVALUATION_BATCH]
        padded = np.resize(part, (EVALUATION_BATCH, *part.shape[1:]))  # one shape, one compilation
        parts.append([np.asarray(array)[: len(part)] for array in function(padded)])
    return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))
