"""Batches as a pure function of (seed, step), in chunks placed on the device before their use.

Training takes one batch per step from the concatenated permutations of the epochs: position
p = step · B + b holds entry p mod N of the permutation of epoch p div N. Thus each epoch holds
every example once, the last batch of an epoch is filled from the next one, nothing is dropped, and
the batch of any step can be computed without those before it.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import jax
import numpy as np

from gen_models.data.catalog import Dataset

CHUNK_STEPS = 256
CHUNK_BYTES = 16 * 2**20


class Chunk(NamedTuple):
    """The batches of S consecutive steps."""

    start: jax.Array  # i32[], the first of the steps
    images: jax.Array  # u8[S,B,H,W]
    labels: jax.Array  # i32[S,B]


def chunk_steps(dataset: Dataset, batch_size: int) -> int:
    """Number of steps per chunk: a few hundred, or fewer for at most 16 MiB of images."""
    height, width = dataset.images.shape[1:]
    return max(1, min(CHUNK_STEPS, CHUNK_BYTES // (batch_size * height * width)))


def permutation(seed: int, epoch: int, size: int) -> np.ndarray:
    """The order i64[N] of an epoch's examples, by Philox keyed by (seed, epoch), without state."""
    return np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(size)


def indices(seed: int, start: int, steps: int, batch_size: int, size: int) -> np.ndarray:
    """Indices i64[S,B] in [0, size) of the examples in steps start … start+steps-1."""
    first, last = start * batch_size, (start + steps) * batch_size
    epochs = range(first // size, (last - 1) // size + 1)
    orders = [permutation(seed, epoch, size) for epoch in epochs]
    flat = np.concatenate(orders)[first - epochs[0] * size :][: last - first]
    return flat.reshape(steps, batch_size)


def gather(dataset: Dataset, seed: int, start: int, steps: int, batch_size: int) -> Chunk:
    """The chunk of steps start … start+steps-1, as NumPy arrays."""
    rows = indices(seed, start, steps, batch_size, len(dataset.labels))
    return Chunk(np.int32(start), dataset.images[rows], dataset.labels[rows])


def stream(
    dataset: Dataset,
    seed: int,
    batch_size: int,
    start: int = 0,
    place: Callable[[Chunk], Chunk] = jax.device_put,
) -> Iterator[Chunk]:
    """An endless iterator of chunks, the first of which contains step `start`.

    Chunks begin at multiples of their length for every `start`. While the caller works with one
    chunk, a thread gathers and places the next; at most two exist if the caller drops one before
    asking for the next. `place` puts a NumPy chunk on devices; pass a `jax.device_put` with
    shardings to split the batch axis.
    """
    steps = chunk_steps(dataset, batch_size)

    def load(index: int) -> Chunk:
        return place(gather(dataset, seed, index * steps, steps, batch_size))

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="stream") as worker:
        index = start // steps
        next_chunk = worker.submit(load, index)
        while True:
            chunk = next_chunk.result()
            index += 1
            next_chunk = worker.submit(load, index)
            yield chunk
