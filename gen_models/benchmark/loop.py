"""The loop around the step: `fit` against the bare program, the stream alone, a process's start."""

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import jax
import numpy as np

from gen_models.benchmark.rounds import Timed
from gen_models.data import catalog
from gen_models.data.stream import Chunk, chunk_steps, gather, stream
from gen_models.training import advance as programs
from gen_models.training import fit
from gen_models.training import run as runs
from gen_models.training.config import Config, from_flat

MIB = 2**20


def whole_and_bare(model: str, steps: int) -> tuple[Timed, Timed]:
    """Contestants: `fit` for `steps` steps on real data, a grid, metrics and a checkpoint included,
    and nothing but the compiled program on a chunk that is on the device already."""
    train, test = (catalog.load("fashion_mnist", split) for split in ("train", "test"))
    config = from_flat({"model": model, "dataset": "fashion_mnist", "sample_every_steps": steps})

    def whole() -> float:
        with temporary_run(config, train) as opened:
            clock = Clock(steps)
            fit.fit(fit.Trainer(opened, train, test), [clock], clock.is_over)
            return (time.perf_counter() - clock.began) / steps

    data = runs.Data(train.digest, *train.image_shape, train.class_names)
    run = runs.Run(Path(), config, data)
    program, key = run.model, jax.random.key(0)
    chunk: Chunk = next(stream(train, 0, run.images_a_step))

    def bare() -> float:
        state = jax.block_until_ready(programs.start(*program, key))
        began = time.perf_counter()
        jax.block_until_ready(programs.advance(*program, state, chunk, steps, key))
        return (time.perf_counter() - began) / steps

    return whole, bare


@contextmanager
def temporary_run(config: Config, train: catalog.Dataset) -> Iterator[runs.Run]:
    """A run in a folder that goes when the block ends."""
    with (
        tempfile.TemporaryDirectory() as folder,
        runs.opened(Path(folder) / "run", config, train) as run,
    ):
        yield run


class Clock:
    """Observer that starts to count when training does, and asks for its end after `steps`."""

    def __init__(self, steps: int) -> None:
        self.steps, self.step, self.began = steps, 0, 0.0

    def started(self, step: int) -> None:
        self.step, self.began = step, time.perf_counter()

    def trained(self, step: int, history: dict[str, np.ndarray]) -> None:
        del history
        self.step = step

    def is_over(self) -> bool:
        return self.step >= self.steps


def stream_alone(batch_size: int) -> Timed:
    """Contestant: gathering and placing a chunk, seconds a step's batch."""
    train = catalog.load("fashion_mnist", "train")
    steps = chunk_steps(train, batch_size)

    def run() -> float:
        began = time.perf_counter()
        jax.block_until_ready(jax.device_put(gather(train, 0, 0, steps, batch_size)))
        return (time.perf_counter() - began) / steps

    return run


def only_start(model: str, steps: int, say: Callable[[str], None]) -> None:
    """A default run of a few steps with one grid: says when its first step is done, and its peak
    memory at the end. Called in a process of its own."""
    train, test = (catalog.load("fashion_mnist", split) for split in ("train", "test"))
    values = {"model": model, "dataset": "fashion_mnist", "sample_every_steps": steps}

    class First(Clock):
        def trained(self, step: int, history: dict[str, np.ndarray]) -> None:
            super().trained(step, history)
            say(f"first step: {step} done")

    with temporary_run(from_flat(values | {"steps": steps}), train) as run:
        fit.fit(fit.Trainer(run, train, test), [First(steps)])
    say(f"peak MiB {peak_mib():.0f}")


def peak_mib() -> float:
    """The most memory that this process ever held, MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux getrusage also knows what the process was forked from
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MIB if sys.platform == "darwin" else peak / 1024
