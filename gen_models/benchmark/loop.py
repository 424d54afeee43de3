"""Timing around the step: `fit` against the bare program, the stream alone, a process's start."""

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import jax
import numpy as np

from gen_models import programs, runs
from gen_models.benchmark.rounds import Timed
from gen_models.data import catalog
from gen_models.data.stream import Chunk, chunk_steps, gather, stream
from gen_models.runs import Recipe
from gen_models.training import fit

MIB = 2**20
PACED_STEPS = 20  # steps after which `fit` has settled its number of steps per dispatch


def whole_and_bare(model: str, steps: int) -> tuple[Timed, Timed]:
    """Two contestants: a default run on real data, timed after its start-up, with metrics, grids
    and a checkpoint every `steps` steps; and the compiled program alone on a chunk that is already
    on the device."""
    splits = catalog.load_splits("fashion_mnist")
    values = {"model": model, "dataset": "fashion_mnist", "checkpoint_every_steps": steps}
    recipe = Recipe.from_flat(values)

    def whole() -> float:
        with temporary_run(recipe, splits.train) as opened:
            clock = Clock(PACED_STEPS, steps)
            fit.fit(fit.Recorder(opened, splits), [clock], clock.is_over)
            return clock.seconds_a_step()

    run = runs.Run(Path(), recipe, runs.DataRecord.of(splits.train))
    key = jax.random.key(0)
    chunk: Chunk = next(stream(splits.train, 0, run.images_a_step))

    def bare() -> float:
        state = jax.block_until_ready(programs.start(run.model, key))
        began = time.perf_counter()
        jax.block_until_ready(programs.advance(run.model, state, chunk, steps, key))
        return (time.perf_counter() - began) / steps

    return whole, bare


@contextmanager
def temporary_run(recipe: Recipe, train: catalog.Dataset) -> Iterator[runs.Run]:
    """A run in a folder that is removed when the block ends."""
    with (
        tempfile.TemporaryDirectory() as folder,
        runs.open_locked(Path(folder) / "run", recipe, train) as run,
    ):
        yield run


class Clock:
    """Observer that times at least `steps` steps, from the end of the first dispatch after
    `warm_up` steps on, and then stops the run."""

    def __init__(self, warm_up: int, steps: int) -> None:
        self.warm_up, self.steps = warm_up, steps
        self.seen: list[tuple[int, float]] = []  # steps done, and time in seconds

    def started(self, step: int) -> None:
        del step

    def trained(self, step: int, history: dict[str, np.ndarray]) -> None:
        del history
        if step > self.warm_up:
            self.seen.append((step, time.perf_counter()))

    def is_over(self) -> bool:
        return bool(self.seen) and self.seen[-1][0] - self.seen[0][0] >= self.steps

    def seconds_a_step(self) -> float:
        (first, began), (last, ended) = self.seen[0], self.seen[-1]
        return (ended - began) / (last - first)


def stream_alone(batch_size: int) -> Timed:
    """A contestant that gathers a chunk and places it on the device, in seconds per batch."""
    train = catalog.load("fashion_mnist", "train")
    steps = chunk_steps(train, batch_size)

    def run() -> float:
        began = time.perf_counter()
        jax.block_until_ready(jax.device_put(gather(train, 0, 0, steps, batch_size)))
        return (time.perf_counter() - began) / steps

    return run


def report_start(model: str, steps: int, say: Callable[[str], None]) -> None:
    """Train a default run for a few steps with one grid; say when the first step is done and, at
    the end, the peak memory. To be called in a separate process."""
    splits = catalog.load_splits("fashion_mnist")
    values = {"model": model, "dataset": "fashion_mnist", "sample_every_steps": steps}

    class Announcer:
        def started(self, step: int) -> None:
            del step

        def trained(self, step: int, history: dict[str, np.ndarray]) -> None:
            del history
            say(f"first step: {step} done")

    with temporary_run(Recipe.from_flat(values | {"steps": steps}), splits.train) as run:
        fit.fit(fit.Recorder(run, splits), [Announcer()])
    say(f"peak MiB {peak_mib():.0f}")


def peak_mib() -> float:
    """Peak memory of this process so far, MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux getrusage includes the process it was forked from
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MIB if sys.platform == "darwin" else peak / 1024
