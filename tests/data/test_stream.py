"""The stream: which example comes when is a matter of (seed, step) alone."""

import hashlib
import threading
import time
import weakref
from contextlib import closing
from itertools import islice

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from gen_models.data import stream as streams
from gen_models.data.catalog import Dataset
from gen_models.data.stream import Chunk, chunk_steps, gather, indices, permutation, stream

COUNT, BATCH = 70, 8  # a batch size that does not divide the number of examples


def numbered(count=COUNT):
    """A data set in which image i is filled with i, and its label is i."""
    labels = np.arange(count, dtype=np.int32)
    images = np.broadcast_to(labels.astype(np.uint8)[:, None, None], (count, 4, 4))
    return Dataset("numbered", images, labels, tuple(map(str, labels)), "")


def taken(chunks, count):
    """The first `count` chunks, as NumPy arrays."""
    with closing(chunks):
        return [Chunk(*map(np.array, chunk)) for chunk in islice(chunks, count)]


def test_the_order_of_an_epoch_is_that_of_every_earlier_version():
    """NumPy does not promise the stream of `Generator.permutation` (NEP 19); every run's bytes and
    every committed result rest on it."""
    order = permutation(seed=0, epoch=0, size=60_000).astype("<i8")
    digest = hashlib.sha256(order.tobytes()).hexdigest()
    assert digest == "06a33db03752905b3dcf4be15b16d597741f6cc4aed1201a88009bffbacaa371"


@pytest.fixture
def short_chunks(monkeypatch):
    """Chunks of four steps, so that a test sees many."""
    monkeypatch.setattr(streams, "CHUNK_STEPS", 4)


in_short_chunks = pytest.mark.usefixtures("short_chunks")


@pytest.mark.parametrize(
    ("count", "batch"), [(70, 8), (70, 70), (64, 8), (7, 20), (7, 7 * 3), (1, 3), (5, 1)]
)
def test_every_epoch_holds_each_example_once(count, batch):
    epochs = 4
    steps = -(-epochs * count // batch)
    flat = indices(3, 0, steps, batch, count).reshape(-1)
    for epoch in range(epochs):
        order = flat[epoch * count : (epoch + 1) * count]
        np.testing.assert_array_equal(np.sort(order), np.arange(count))


def test_epochs_and_seeds_have_different_orders():
    orders = [tuple(permutation(seed, epoch, 70)) for seed in range(3) for epoch in range(3)]
    assert len(set(orders)) == 9


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(
    seed=st.integers(0, 2**31 - 1),
    start=st.integers(0, 200),
    steps=st.integers(1, 20),
    batch=st.integers(1, 30),
    size=st.integers(1, 40),
)
def test_any_steps_are_the_same_whatever_came_before_them(seed, start, steps, batch, size):
    some = indices(seed, start, steps, batch, size)
    assert some.shape == (steps, batch)
    np.testing.assert_array_equal(some, indices(seed, 0, start + steps, batch, size)[start:])


def test_steps_far_into_training_cost_no_more_than_the_first():
    begin = time.perf_counter()
    far = indices(0, 10**12, 2, 64, 60_000)
    assert time.perf_counter() - begin < 5
    assert far.min() >= 0
    assert far.max() < 60_000


def test_a_chunk_holds_the_images_and_labels_of_its_indices():
    chunk = gather(numbered(), seed=5, start=11, steps=3, batch_size=BATCH)
    assert chunk.start == 11
    np.testing.assert_array_equal(chunk.labels, indices(5, 11, 3, BATCH, COUNT))
    np.testing.assert_array_equal(chunk.images[..., 2, 1], chunk.labels)
    assert chunk.images.shape == (3, BATCH, 4, 4)
    assert (chunk.images.dtype, chunk.labels.dtype) == (np.uint8, np.int32)
    assert chunk.start.dtype == np.int32


@in_short_chunks
def test_the_stream_lays_chunks_end_to_end():
    chunks = taken(stream(numbered(), 7, BATCH), 5)
    assert [int(chunk.start) for chunk in chunks] == [0, 4, 8, 12, 16]
    labels = np.concatenate([chunk.labels for chunk in chunks])
    np.testing.assert_array_equal(labels, indices(7, 0, 20, BATCH, COUNT))


@pytest.mark.parametrize("start", [1, 4, 7, 18])
@in_short_chunks
def test_a_stream_begun_anywhere_gives_the_same_bytes(start):
    whole = taken(stream(numbered(), 7, BATCH), 7)
    begun = taken(stream(numbered(), 7, BATCH, start), 2)
    first = start // 4  # chunks are aligned: the first holds `start`, not always as its first step
    for again, before in zip(begun, whole[first : first + 2], strict=True):
        assert int(again.start) % 4 == 0
        assert again.start.tobytes() == before.start.tobytes()
        assert again.images.tobytes() == before.images.tobytes()
        assert again.labels.tobytes() == before.labels.tobytes()


@in_short_chunks
def test_another_seed_gives_another_stream():
    (first,), (other,) = (taken(stream(numbered(), seed, BATCH), 1) for seed in (0, 1))
    assert np.any(first.labels != other.labels)


def test_a_chunk_is_a_few_hundred_steps_and_never_over_its_bytes():
    def images(count, size):
        shape = np.broadcast_to(np.uint8(0), (count, *size))
        return Dataset("", shape, np.zeros(count, np.int32), ("0",), "")

    assert chunk_steps(images(60_000, (28, 28)), 64) == 256
    large = chunk_steps(images(10, (256, 256)), 64)
    assert 1 < large * 64 * 256 * 256 <= streams.CHUNK_BYTES
    assert chunk_steps(images(10, (4096, 4096)), 64) == 1


@in_short_chunks
def test_placement_may_shard_the_batch():
    mesh = jax.make_mesh((1,), ("data",), axis_types=(AxisType.Auto,))
    shardings = Chunk(
        *(NamedSharding(mesh, spec) for spec in (P(), P(None, "data"), P(None, "data")))
    )
    chunks = stream(numbered(), 7, BATCH, place=lambda chunk: jax.device_put(chunk, shardings))
    with closing(chunks):
        chunk = next(chunks)
    assert chunk.images.sharding == shardings.images
    assert chunk.labels.sharding == shardings.labels
    np.testing.assert_array_equal(chunk.labels, indices(7, 0, 4, BATCH, COUNT))


@in_short_chunks
def test_two_chunks_exist_at_a_time():
    alive, peak, placed = [], [], []

    def place(chunk):
        alive.append(weakref.ref(chunk.images))
        peak.append(sum(image() is not None for image in alive))
        placed.append(int(chunk.start))
        return chunk

    with closing(stream(numbered(), 7, BATCH, place=place)) as chunks:
        for count in range(1, 6):
            chunk = next(chunks)
            settle(lambda: len(placed) > count)  # noqa: B023
            assert placed == list(range(0, 4 * count + 1, 4))  # this one and the next
            del chunk
    assert max(peak) == 2


@in_short_chunks
def test_the_next_chunk_comes_while_this_one_is_used():
    placed = threading.Event()

    def place(chunk):
        if chunk.start == 4:
            placed.set()
        return chunk

    with closing(stream(numbered(), 7, BATCH, place=place)) as chunks:
        next(chunks)
        assert placed.wait(timeout=30)  # nobody has asked for it yet


@in_short_chunks
def test_closing_the_stream_ends_its_thread():
    chunks = stream(numbered(), 7, BATCH)
    next(chunks)
    assert worker_threads()
    chunks.close()
    assert not worker_threads()


@in_short_chunks
def test_a_failing_placement_reaches_the_caller_and_ends_the_thread():
    def place(chunk):
        raise MemoryError(f"no room for {chunk.start}")

    with pytest.raises(MemoryError, match="no room for 0"):
        next(stream(numbered(), 7, BATCH, place=place))
    assert not worker_threads()


def worker_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("stream")]


def settle(condition):
    """Give the worker time to do what it has to, and a little more to do what it must not."""
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(0.02)
