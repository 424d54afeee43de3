"""Training from a recipe to its last step or to a signal, for the commands and notebooks."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import jax

from gen_models import assessment, render, runs
from gen_models.data import catalog, validation
from gen_models.data.catalog import Dataset, Splits
from gen_models.fields import ConfigError
from gen_models.runs import Recipe, Run, RunOptions, environment
from gen_models.sampling import drawing, gallery
from gen_models.training import fit
from gen_models.training.interrupt import Interrupted, Interruption, interruptible
from gen_models.training.placement import Placement


class Ended(NamedTuple):
    """The end of a training session."""

    run: Run  # the run that was trained
    step: int  # last step of the training
    interruption: Interruption  # signal that ended the session, if any

    @property
    def is_done(self) -> bool:
        """Whether the run has reached its last step."""
        return self.step >= self.run.options.steps

    def check_done(self) -> None:
        """Raise Interrupted if a signal ended the session before the last step."""
        if not self.is_done:
            raise Interrupted(
                f"{self.run.folder} is saved at step {self.step}; start it again to go on",
                self.interruption.exit_code,
            )


def placed(recipe: Recipe) -> Recipe:
    """The recipe with all devices if there are several processes and none are given. Raises
    ConfigError for devices that do not exist, UserError if there are none at all."""
    environment.devices()  # raises UserError for none, unlike the next line
    if jax.process_count() > 1 and recipe.options.devices == RunOptions.devices:
        recipe = recipe.with_options(devices=jax.device_count())
    Placement(recipe.options.devices, recipe.options.batch_size)
    return recipe


def completed(recipe: Recipe) -> tuple[Recipe, Splits]:
    """The recipe with its missing options filled in, and its data. Raises UserError.

    The options are the data set's name, its folder if the environment names it, and the run's
    folder.
    """
    options = recipe.options
    named = options.data_dir or os.environ.get(catalog.DATA_DIR_VARIABLE)
    folder = Path(named) if named else None
    if folder and not str(folder).startswith("~"):
        folder = folder.absolute()  # so that the run can be resumed from elsewhere
    given = folder if options.data_dir else None  # the environment's folder need not hold the data
    splits = catalog.load_splits(catalog.name_to_look_for(options.dataset, folder), given)
    if options.dataset not in (None, splits.train.name):
        if not _recorded(options, splits):
            raise catalog.DataError(
                f"{folder} holds {splits.train.name!r}, not {options.dataset!r}; leave out "
                "--dataset, or name the folder as it was called"
            )
        splits = catalog.with_name(splits, options.dataset)
    recipe = recipe.with_options(dataset=splits.train.name, data_dir=folder)
    return recipe.with_options(out=options.out or runs.RUNS / recipe.name), splits


def _recorded(options: RunOptions, splits: Splits) -> bool:
    """Whether the run that the options continue was trained on these very images, whose folder may
    have been renamed since."""
    if options.out is None or not (options.out / runs.CONFIG).is_file():
        return False
    own = validation.training(splits, hold_out=options.hold_out)
    return runs.load(options.out).data.digest == own.train.digest


def train(
    recipe: Recipe,
    splits: Splits,
    observers: Sequence[fit.Observer] = (),
    report: Callable[[str], None] = print,
) -> Ended:
    """Create or continue the run of a completed recipe, train it to its end and draw the gallery,
    or stop at a signal. `report` is called with messages for the user.

    Of several processes that train together, only the first writes. Raises the errors of
    `runs.open_locked` and `fit.fit`.
    """
    if jax.process_index() > 0:
        return _train_silently(recipe, splits)
    observers = [*observers, *_event_files(recipe.options)]
    own = validation.training(splits, hold_out=recipe.options.hold_out)
    with runs.open_locked(recipe.options.out, recipe, own.train) as run, interruptible() as stop:
        began = time.perf_counter()
        before, session = run.sessions(), environment.describe()
        run.record_sessions([*before, session])
        for change in environment.changes(before[-1], session) if before else ():
            report(f"the last bits of the result may differ: {change}")
        evaluate = None
        if run.options.evaluate_every_steps:
            evaluate = assessment.evaluate_state(run, splits)
        recorder = fit.Recorder(run, own)
        step = fit.fit(recorder, observers, stop.asked, report, evaluate)
        session |= {"reached": step, "seconds": round(time.perf_counter() - began, 1)}
        run.record_sessions([*before, session])
        ended = Ended(run, step, stop)
        if ended.is_done:
            _draw_gallery(run, splits.test, report)
    return ended


def _train_silently(recipe: Recipe, splits: Splits) -> Ended:
    """Train together with process 0, which does all the writing."""
    own = validation.training(splits, hold_out=recipe.options.hold_out)
    run = Run(recipe.options.out, recipe, runs.DataRecord.of(own.train))
    with interruptible() as stop:
        recorder = fit.SilentRecorder(run, own)
        step = fit.fit(recorder, (), stop.asked, report=lambda _: None)
    return Ended(run, step, stop)


def _event_files(options: RunOptions) -> list[fit.Observer]:
    """The observer that writes event files, if the options enable it. Raises ConfigError."""
    if not options.tensorboard:
        return []
    try:
        from gen_models.training.event_files import EventFiles  # slow to import, seldom used
    except ModuleNotFoundError as error:
        raise ConfigError(f"--tensorboard needs {error.name}: pip install tensorboardX") from error
    return [EventFiles(options.out / "tensorboard")]


def _draw_gallery(run: Run, test: Dataset, report: Callable[[str], None]) -> None:
    state = drawing.load_state(run, report)
    folder = run.folder / "gallery"
    folder.mkdir(exist_ok=True)
    for name, picture in gallery.pictures(run, state, test).items():
        render.save_png(picture, folder / f"{name}.png")
