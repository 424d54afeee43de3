"""The training loop: chunks to the device; metrics, grids and checkpoints to the run's folder."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import NamedTuple, Protocol

import jax
import numpy as np
from PIL.Image import Image

from gen_models import programs, render
from gen_models.algorithm import Key, Metrics, State
from gen_models.data.catalog import Splits
from gen_models.data.pixels import to_bytes
from gen_models.data.stream import Chunk, chunk_steps, stream
from gen_models.errors import UserError
from gen_models.runs import Run, RunOptions, checkpoint
from gen_models.sampling import drawing
from gen_models.training.placement import Placement

GRID_ROWS = GRID_COLUMNS = 10
FRAME_S = 0.15
CURVES, ANIMATION = "curves.png", "animation.gif"
FIRST_DISPATCH_STEPS = 4
DISPATCH_S = 1.0  # intended duration of a dispatch: the period of progress and signal checks


class DivergenceError(UserError):
    """Raised when a metric or a parameter became NaN or infinite after `step`."""

    def __init__(self, message: str, step: int) -> None:
        super().__init__(message)
        self.step = step


class Observer(Protocol):
    """A listener that is called as a run progresses."""

    def started(self, step: int) -> None:
        """Called when training starts from `step`, 0 in a new run."""

    def trained(self, step: int, history: dict[str, np.ndarray]) -> None:
        """Called when steps up to `step` are done; `history` has f32[count] per metric."""


Evaluate = Callable[[State], dict[str, float]]  # measures of a state; the best has the lowest "fid"


class Keys(NamedTuple):
    """The keys of a run, split once from its seed."""

    init: Key  # key of the initial state
    train: Key  # key of the training steps
    sample: Key  # key of the sample grids


def keys(seed: int) -> Keys:
    """All keys of a run from its seed."""
    return Keys(*jax.random.split(jax.random.key(seed), 3))


class Recorder:
    """Input and output of a run's training: initial states, metrics, grids, checkpoints."""

    def __init__(self, run: Run, splits: Splits) -> None:
        self.run, self.splits, self.model = run, splits, run.model
        self.placement = Placement(run.options.devices, run.options.batch_size)
        self.keys = keys(run.options.seed)

    def fresh(self) -> State:
        """The initial state of the run, at step 0."""
        return programs.start(self.model, self.keys.init)

    def restored(self, report: Callable[[str], None]) -> State:
        """The state of the newest whole checkpoint, or a fresh one. Rewinds the run to its step."""
        template = programs.shapes(self.model)
        step, state = checkpoint.load_newest(self.run.checkpoints, template, report) or (0, None)
        self.run.rewind(step)
        return self.placement.state(self.fresh() if state is None else state)

    def draw(self, state: State, step: int) -> None:
        """Write the sample grid of this step and, for a model with an encoder, reconstructions."""
        data, algorithm = self.run.data, self.model.algorithm
        state = drawing.finalise(self.model, data, self.placement.local(state))
        classes = data.shown_classes if algorithm.conditional else range(GRID_ROWS)
        names = [data.class_names[label] for label in classes] if algorithm.conditional else ()
        labels, rows = np.repeat(np.array(classes, np.int32), GRID_COLUMNS), len(classes)
        images = programs.sample(self.model, state, self.keys.sample, labels)
        picture = render.grid(to_bytes(images), rows, GRID_COLUMNS, row_names=names)
        self._publish(picture, "grids", "samples.png", step)
        if algorithm.latent is not None:
            shown, test = slice(GRID_ROWS * GRID_COLUMNS // 2), self.splits.test
            originals = test.images[shown]
            copies = programs.reconstruct(self.model, state, originals, test.labels[shown])
            picture = render.pairs(originals, to_bytes(copies), GRID_COLUMNS)
            self._publish(picture, "reconstructions", "reconstructions.png", step)

    def _publish(self, picture: Image, series: str, newest: str, step: int) -> None:
        """Write a picture as the newest of its kind and, at regular steps, into its series."""
        render.save_png(picture, self.run.folder / newest)
        if step % self.run.options.sample_every_steps == 0:
            path = self.run.picture(series, step)
            path.parent.mkdir(exist_ok=True)
            render.save_png(picture, path)

    def record(self, first_step: int, history: dict[str, np.ndarray]) -> None:
        """Write metrics f32[count] by name, beginning with those of `first_step`."""
        self.run.append_metrics(first_step, history)

    def save(self, state: State, step: int) -> None:
        """Write the checkpoint of this step, after everything of the steps before is on disk."""
        self.run.sync_metrics()
        keep = self.run.options.keep_checkpoints
        checkpoint.save(self.run.checkpoints, jax.device_get(state), step, keep)
        checkpoint.keep_newest(self.run.best, 1)

    def evaluate(self, evaluate: Evaluate, state: State, step: int) -> dict[str, float]:
        """Measure a state, record the measures, keep the state if its FID is the lowest so far.
        States that were the best before are kept until the next checkpoint: a run killed before
        that checkpoint resumes at a step at which one of them is the best."""
        measures = evaluate(self.placement.local(state))
        if measures["fid"] < self._best_fid():
            self.run.sync_metrics()
            checkpoint.save(self.run.best, jax.device_get(state), step)
        self.run.append_evaluation(step, measures)
        return measures

    def _best_fid(self) -> float:
        """The FID of the state that is kept as the best, infinite without one."""
        found = self.run.evaluations()
        fids = dict(zip(found.get("step", ()), found.get("fid", ()), strict=True))
        kept = [fids.get(step, np.inf) for step in checkpoint.steps(self.run.best)]
        return min(kept, default=np.inf)

    def summarise(self, report: Callable[[str], None]) -> None:
        """Write the files made at the end: the curves and, if it can be made, the animation of the
        grids, unless that has been done since the newest state was saved."""
        metrics = {} if self._is_new(CURVES) else self.run.metrics()
        if metrics.get("step"):
            render.curves(metrics, self.run.folder / CURVES, self.run.folder.name)
        frames = self.run.pictures("grids")
        if frames and not self._is_new(ANIMATION):
            try:
                render.save_gif(frames, self.run.folder / ANIMATION, FRAME_S)
            except UserError as error:  # such as a damaged frame: the other files are complete
                report(f"there is no new {ANIMATION}: {error}")

    def _is_new(self, name: str) -> bool:
        """Whether a file of the run is newer than its newest state."""
        saved, path = self.run.checkpoints, self.run.folder / name
        newest = checkpoint.file_of(saved, checkpoint.steps(saved)[-1])
        return path.exists() and path.stat().st_mtime_ns >= newest.stat().st_mtime_ns


class SilentRecorder(Recorder):
    """A recorder that writes nothing, for processes that train together with one that writes."""

    def restored(self, report: Callable[[str], None]) -> State:
        del report
        return self.placement.state(self.fresh())  # only shapes matter: process 0 sends the values

    def draw(self, state: State, step: int) -> None:
        pass

    def record(self, first_step: int, history: dict[str, np.ndarray]) -> None:
        pass

    def save(self, state: State, step: int) -> None:
        pass

    def summarise(self, report: Callable[[str], None]) -> None:
        pass


class Pace:
    """The number of steps per dispatch, adapted so that a dispatch takes about DISPATCH_S.

    The clock restarts after each pause, so that the time of grids and checkpoints does not count.
    """

    def __init__(self, first: int) -> None:
        self.steps = first
        self.compiled = False
        self.since = 0.0

    def start(self) -> None:
        """Start the clock, when training begins or continues after a pause."""
        self.since = time.perf_counter()

    def took(self, count: int) -> None:
        """Adapt to the time of a dispatch of `count` steps that has ended; the next may have begun.

        The first dispatch is ignored, since it includes the compilation.
        """
        now = time.perf_counter()
        if self.compiled:
            affordable = int(DISPATCH_S * count / (now - self.since))
            self.steps = max(1, min(affordable, 4 * self.steps))
        self.compiled, self.since = True, now


class Dispatch(NamedTuple):
    """Consecutive steps that were handed to the device together."""

    start: int  # number of steps done before
    offset: int  # place of the first of them in its chunk
    count: int  # number of steps
    metrics: Metrics  # on the device, f32[S] for all S steps of the chunk


class Dispatcher:
    """A queue of dispatches: one runs while the metrics of the one before are written."""

    def __init__(
        self,
        recorder: Recorder,
        observers: Sequence[Observer],
        state: State,
        chunks: Iterator[Chunk],
    ) -> None:
        self.recorder, self.observers, self.state, self.chunks = recorder, observers, state, chunks
        self.step = int(state.step)
        self.chunk: Chunk | None = None
        self.length = chunk_steps(recorder.splits.train, recorder.run.images_a_step)
        self.in_flight: Dispatch | None = None
        self.pace = Pace(FIRST_DISPATCH_STEPS)
        self.stopped = False

    def advance_to(self, milestone: int, should_stop: Callable[[], bool]) -> int:
        """Train until `milestone` or a request to stop. Returns the step reached, whose metrics are
        written."""
        self.pace.start()
        agreed = self.recorder.placement.agreed
        while self.step < milestone and not self.stopped:
            self.stopped, self.pace.steps = agreed(should_stop(), self.pace.steps)
            if self.stopped:
                break
            before, self.in_flight = self.in_flight, self._dispatch(milestone)
            self._settle(before)
        before, self.in_flight = self.in_flight, None
        self._settle(before)
        return self.step

    def _dispatch(self, milestone: int) -> Dispatch:
        """Dispatch as many steps as the pace allows."""
        if self.chunk is None or self.step % self.length == 0:
            self.chunk = None  # so that at most two chunks exist, not three
            self.chunk = next(self.chunks)
        start, offset = self.step, self.step % self.length
        count = min(self.pace.steps, self.length - offset, milestone - start)
        model, key = self.recorder.model, self.recorder.keys.train
        self.state, metrics = programs.advance(model, self.state, self.chunk, count, key)
        self.step += count
        return Dispatch(start, offset, count, metrics)

    def _settle(self, dispatch: Dispatch | None) -> None:
        """Wait for a dispatch; check, write and show its metrics; adapt the pace to its time."""
        if dispatch is None:
            return
        steps = slice(dispatch.offset, dispatch.offset + dispatch.count)
        metrics = jax.device_get(dispatch.metrics)
        history = {name: values[steps] for name, values in metrics.items()}
        self.pace.took(dispatch.count)
        self._check(dispatch.start, history)
        del history[programs.FINITE]
        self.recorder.record(dispatch.start + 1, history)
        for observer in self.observers:
            observer.trained(dispatch.start + dispatch.count, history)

    def _check(self, start: int, history: dict[str, np.ndarray]) -> None:
        """Raise DivergenceError with the earliest step at which a value was not finite, if any.
        `history` has the steps after `start`."""
        bad = {name: ~np.isfinite(values) for name, values in history.items()}
        bad[programs.FINITE] = history[programs.FINITE] == 0
        steps = {
            name: start + 1 + int(flags.argmax()) for name, flags in bad.items() if flags.any()
        }
        if not steps:
            return
        name = min(steps, key=lambda name: (steps[name], name == programs.FINITE))
        what = "a parameter" if name == programs.FINITE else f"the metric {name}"
        kept = checkpoint.steps(self.recorder.run.checkpoints)
        last = (
            f"the checkpoint of step {kept[-1]} is kept" if kept else "there is no checkpoint yet"
        )
        raise DivergenceError(
            f"{what} became NaN or infinite at step {steps[name]}; {last} in "
            f"{self.recorder.run.folder}; try a lower learning rate or another seed",
            steps[name] - 1,
        )


def fit(
    recorder: Recorder,
    observers: Sequence[Observer] = (),
    should_stop: Callable[[], bool] = lambda: False,
    report: Callable[[str], None] = print,
    evaluate: Evaluate | None = None,
) -> int:
    """Train a run from its newest checkpoint to its last step. Returns the step reached.

    When `should_stop`, called between dispatches, returns True, a checkpoint is saved and training
    ends. `report` is called with a line about each skipped damaged checkpoint and each evaluation,
    `evaluate` at multiples of `evaluate_every_steps`. Raises DivergenceError at the dispatch in
    which a metric or a parameter stopped being finite; UserError if a file cannot be written. In
    both cases the checkpoints are unchanged.
    """
    options = recorder.run.options
    state = recorder.restored(report)
    step = int(state.step)
    saved = step or None  # a fresh state is on no disk yet
    for observer in observers:
        observer.started(step)
    size, place = recorder.run.images_a_step, recorder.placement.chunk
    every = options.evaluate_every_steps
    with closing(stream(recorder.splits.train, options.seed, size, step, place)) as chunks:
        dispatcher = Dispatcher(recorder, observers, state, chunks)
        while step < options.steps and not dispatcher.stopped:
            before, step = step, dispatcher.advance_to(milestone(step, options), should_stop)
            if step == before:  # asked to stop before a step was done: nothing is new
                break
            # The checkpoint is saved last, so that a run killed before it repeats the pictures.
            if step % options.sample_every_steps == 0 or step == options.steps:
                recorder.draw(dispatcher.state, step)
            if evaluate and every and step % every == 0:
                measures = recorder.evaluate(evaluate, dispatcher.state, step)
                report(f"step {step}: FID {measures['fid']:.2f}")
            if step % options.checkpoint_every_steps == 0:
                recorder.save(dispatcher.state, step)
                saved = step
        if step != saved:
            recorder.save(dispatcher.state, step)
    if step >= options.steps:
        recorder.summarise(report)
    return step


def milestone(step: int, options: RunOptions) -> int:
    """The next step at which training pauses for a grid, an evaluation, a checkpoint or its end."""
    every = (
        options.sample_every_steps,
        options.checkpoint_every_steps,
        options.evaluate_every_steps,
    )
    return min(options.steps, *(step - step % n + n for n in every if n))
