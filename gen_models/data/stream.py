"""Batches as a pure function of (seed, step), in chunks placed on the device ahead of their use.

Training takes one batch a step from the sequence that the epochs' permutations make when they are
laid end to end: position p = step · B + b holds entry p mod N of the permutation of epoch p div N.
So each epoch holds every example once, the last batch of an epoch is filled from the next one,
nothing is dropped, and any step can be computed without those before it.
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
    """The batches of S steps: start i32[], images u8[S,B,H,W], labels i32[S,B]."""

    start: jax.Array
    images: jax.Array
    labels: jax.Array


def chunk_steps(dataset: Dataset, batch_size: int) -> int:
    """Steps a chunk: a few hundred, fewer where their images would pass 16 MiB."""
    height, width = dataset.images.shape[1:]
    return max(1, min(CHUNK_STEPS, CHUNK_BYTES // (batch_size * height * width)))


def permutation(seed: int, epoch: int, size: int) -> np.ndarray:
    """The order of an epoch's examples, i64[N]. Philox keyed by (seed, epoch): no state between."""
    return np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(size)


def indices(seed: int, start: int, steps: int, batch_size: int, size: int) -> np.ndarray:
    """Which examples steps start … start+steps-1 take, i64[S,B] in [0, size)."""
    first, last = start * batch_size, (start + steps) * batch_size
    epochs = range(first // size, (last - 1) // size + 1)
    orders = [permutation(seed, epoch, size) for epoch in epochs]
    flat = np.concatenate(orders)[first - epochs[0] * size :][: last - first]
    return flat.reshape(steps, batch_size)


def gather(dataset: Dataset, seed: int, start: int, steps: int, batch_size: int) -> Chunk:
    """The chunk of steps start … start+steps-1, as NumPy arrays."""
    taken = indices(seed, start, steps, batch_size, len(dataset.labels))
    return Chunk(np.int32(start), dataset.images[taken], dataset.labels[taken])


def stream(
    dataset: Dataset,
    seed: int,
    batch_size: int,
    start: int = 0,
    place: Callable[[Chunk], Chunk] = jax.device_put,
) -> Iterator[Chunk]:
    """Chunks without end, the first one holding step `start`.

    Chunks begin at multiples of their length whatever `start` is. While the caller works with one,
    the next is gathered and placed by a thread; two exist at a time if the caller lets go of one
    before it asks for the next. `place` puts a NumPy chunk on
    devices; give it a `jax.device_put` with shardings to spread the batch axis.
    """
    steps = chunk_steps(dataset, batch_size)

    def load(index: int) -> Chunk:
        return place(gather(dataset, seed, index * steps, steps, batch_size))

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="stream") as worker:
        index = start // steps
        coming = worker.submit(load, index)
        while True:
            chunk = coming.result()
            index += 1
            coming = worker.submit(load, index)
            yield chunk
