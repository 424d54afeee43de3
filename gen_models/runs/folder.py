"""A run's folder: everything about one training, and all that is needed to continue it.

    config.json         every option, re-runnable with --config; the data's digest
    environment.json    code version, libraries and devices of each session that worked on the run
    metrics.jsonl       one line per step
    checkpoints/        step_00000500.safetensors, …: the newest whole states
    best/               the state of the best evaluation, with --evaluate-every-steps
    evaluations.jsonl   one line per evaluation during training
    evaluation.json     the newest evaluation; memorisation.png: samples closest to training images;
                        evaluation-ema-0.99.json: by an average with another decay, on request
    classifiers.json    accuracies of classifiers trained on samples, by experiments.classify
    diverged.json       the last finite step of a run of a sweep or the scoreboard that diverged
    samples.png         the newest sample grid; reconstructions.png from models that reconstruct
    grids/              step_00000100.png, …: samples from the same latents at regular steps
    reconstructions/    the same for reconstructions, each below its original
    animation.gif       the grids in order; made at the end, as are the next two
    curves.png          the metrics
    gallery/            interpolations and further pictures of what the model has learnt
    tensorboard/        event files, with --tensorboard
    drawn.png           samples drawn on request; exported/: the generator as programs

One process at a time works on a run. Its lock is released when the process ends in any way.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gen_models import fields
from gen_models.data.catalog import Dataset
from gen_models.data.own import check_size
from gen_models.fields import ConfigError, counted
from gen_models.model import Model
from gen_models.runs import checkpoint, environment, rows
from gen_models.runs import recipe as recipes
from gen_models.runs.data_record import DataRecord
from gen_models.runs.errors import OtherRunError, RunError
from gen_models.runs.lock import hold_lock
from gen_models.runs.recipe import Recipe, RunOptions
from gen_models.storage import json_files
from gen_models.storage.files import remove_leftovers, sync, write_error

RUNS = Path("results/runs")
CONFIG, METRICS, ENVIRONMENT = "config.json", "metrics.jsonl", "environment.json"
EVALUATIONS, DIVERGED = "evaluations.jsonl", "diverged.json"
CHECKPOINTS, BEST = "checkpoints", "best"
SERIES = ("grids", "reconstructions")


@dataclass(frozen=True)
class Run:
    """A run's folder: its paths and their contents. Only runs from `open_locked` may be written
    to."""

    folder: Path  # path of the folder
    recipe: Recipe  # all options of the run
    data: DataRecord  # properties of the training data

    @property
    def options(self) -> RunOptions:
        """The options of the run, apart from the model's."""
        return self.recipe.options

    @property
    def model(self) -> Model:
        """The model that is trained, without its state."""
        return self.recipe.model(self.data.spec)

    @property
    def images_a_step(self) -> int:
        """Number of images per step: a batch for each update of the discriminator."""
        return self.options.batch_size * self.model.algorithm.batches

    @property
    def checkpoints(self) -> Path:
        return self.folder / CHECKPOINTS

    @property
    def step(self) -> int:
        """Step of the newest checkpoint, 0 without one."""
        return max(checkpoint.steps(self.checkpoints), default=0)

    def check_steps(self) -> None:
        """Raise OtherRunError if the run has done more steps than its options ask for: it would be
        compared with runs that have done fewer."""
        if self.step > self.options.steps:
            raise OtherRunError(
                f"{self.folder} has done {counted(self.step, 'step')}, asked for "
                f"{self.options.steps}, and runs that are compared have done equally many; ask for "
                "as many, or move it away"
            )

    @property
    def best(self) -> Path:
        """The checkpoint of the best evaluation during training, alone in its folder."""
        return self.folder / BEST

    def picture(self, series: str, step: int) -> Path:
        """Path of a step's picture; `series` is "grids" or "reconstructions"."""
        return self.folder / series / f"step_{step:08d}.png"

    def pictures(self, series: str) -> list[Path]:
        """Paths of the existing pictures of a series, in the order of their steps."""
        return sorted((self.folder / series).glob("step_*.png"), key=_in_order)

    def append_metrics(self, first_step: int, history: dict[str, np.ndarray]) -> None:
        """Append one line per step: `history` has f32[S] per metric, beginning at `first_step`."""
        by_step = zip(*history.values(), strict=True)
        new_rows = [
            {"step": step} | {n: float(str(v)) for n, v in zip(history, values, strict=True)}
            for step, values in enumerate(by_step, first_step)
        ]
        rows.append(self.folder / METRICS, new_rows)

    def append_evaluation(self, step: int, values: dict[str, float]) -> None:
        """Append one line with an evaluation during training."""
        rows.append(self.folder / EVALUATIONS, [{"step": step} | values])

    def sync_metrics(self) -> None:
        """Force the metrics to disk, so that a checkpoint is never ahead of them."""
        path = self.folder / METRICS
        try:
            with path.open("a") as file:
                sync(file)
        except OSError as error:
            raise write_error(path, error) from error

    def metrics(self) -> dict[str, list[float]]:
        """Metrics so far, one list per name, including "step". Damaged lines are left out."""
        return rows.columns(self.folder / METRICS)

    def evaluations(self) -> dict[str, list[float]]:
        """Evaluations during training, one list per name, including "step"."""
        return rows.columns(self.folder / EVALUATIONS)

    @property
    def diverged_at(self) -> int | None:
        """The last finite step if the run is marked as diverged, else None."""
        try:
            return int(json_files.read(self.folder / DIVERGED)["step"])
        except FileNotFoundError:
            return None
        except json_files.DAMAGES as error:
            raise RunError(f"{self.folder / DIVERGED} is damaged; delete it") from error

    def mark_diverged(self, step: int) -> None:
        """Record that the step after `step` was not finite."""
        json_files.write(self.folder / DIVERGED, {"step": step}, indent=None)

    def sessions(self) -> list[dict[str, Any]]:
        """Sessions so far: environment, step reached and duration of each."""
        return environment.read_sessions(self.folder / ENVIRONMENT)

    @property
    def seconds(self) -> float:
        """Total duration of the sessions that ended regularly, seconds."""
        return sum(session.get("seconds", 0.0) for session in self.sessions())

    def record_sessions(self, sessions: list[dict[str, Any]]) -> None:
        """Write the sessions to environment.json."""
        json_files.write(self.folder / ENVIRONMENT, {"sessions": sessions}, indent=2)

    def rewind(self, step: int) -> None:
        """Remove metrics, grids and evaluations after `step`. Raises RunError if metrics are
        missing."""
        path = self.folder / METRICS
        kept = [row for row in rows.read(path) if row["step"] <= step]
        whole = [row["step"] for row in kept] == list(range(1, step + 1))
        if not whole or len({tuple(row) for row in kept}) > 1:
            raise RunError(
                f"{path}: expected one line for each of the {step} steps of the checkpoint, found "
                f"{len(kept)} whole ones in order; restore the file, or start afresh in another "
                "folder with --out"
            )
        rows.write(path, kept)
        path = self.folder / EVALUATIONS
        evaluated = list(rows.read(path))
        if any(row["step"] > step for row in evaluated):
            rows.write(path, [row for row in evaluated if row["step"] <= step])
        checkpoint.forget_after(self.best, step)
        for series in SERIES:
            for picture in self.pictures(series):
                if _in_order(picture) > _in_order(self.picture(series, step)):
                    _remove(picture)


def _in_order(picture: Path) -> tuple[int, str]:
    """Sort key of pictures by their steps, which have eight digits or more in their names."""
    return len(picture.name), picture.name


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"cannot delete {path}: {error.strerror}") from error


@contextlib.contextmanager
def open_locked(folder: Path, recipe: Recipe, dataset: Dataset) -> Iterator[Run]:
    """Create the run, or open it to be continued, under its lock.

    The config of a run that has done more steps than the recipe asks for is left as it is.

    Raises RunError if another process works on it, if the folder holds something else, or if it
    holds a run whose options or data differ in anything that changes the result; DataError if the
    images have a size that nets cannot have; UserError if the folder cannot be written.
    """
    data = DataRecord.of(dataset)
    check_size(dataset.name, dataset.image_shape)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_ours(folder)
    except OSError as error:
        raise write_error(folder, error) from error
    with hold_lock(folder):
        run = Run(folder, recipe, data)
        try:
            _prepare(run)
        except OSError as error:
            raise write_error(Path(error.filename or folder), error) from error
        yield run


def _check_ours(folder: Path) -> None:
    """Raise RunError for a folder that holds something else, before anything is written to it."""
    holds = any(not entry.name.startswith(".") for entry in folder.iterdir())
    if holds and not (folder / CONFIG).exists():
        raise RunError(f"{folder} is not a run: it has files but no {CONFIG}; choose another --out")


def _prepare(run: Run) -> None:
    """Check that the run is the same, write its config, tidy up. Raises RunError and OSError."""
    folder = run.folder
    if (folder / CONFIG).exists():
        _check_same(run)
    if run.step <= run.options.steps:
        _write_config(run)  # first: it makes this a run
    run.checkpoints.mkdir(exist_ok=True)
    for place in (folder, run.checkpoints, *(folder / name for name in SERIES)):
        if place.exists():
            remove_leftovers(place)


def _write_config(run: Run) -> None:
    head = {"format": recipes.FORMAT, "version": recipes.VERSION, "data": fields.to_dict(run.data)}
    values = head | run.recipe.to_flat()
    del values["out"]  # the folder may be moved, and re-running the config is another run
    json_files.write(run.folder / CONFIG, values, indent=2)


def change_recipe(run: Run, recipe: Recipe) -> None:
    """Give the run another recipe, which must agree with the steps done so far: options that change
    with the step may differ in what they say of later steps."""
    _write_config(Run(run.folder, recipe, run.data))


def load(folder: str | Path) -> Run:
    """An existing run to read from, without a lock. Raises RunError if the folder is no run."""
    folder = Path(folder)
    path = folder / CONFIG
    if not path.is_file():
        other = "" if folder.is_dir() else "; gm.load reads saved and shipped models"
        raise RunError(f"{folder} is not a run: it has no {CONFIG}; runs are in {RUNS}/{other}")
    values = recipes.read(path)
    try:
        recipe = Recipe.from_flat(values)
    except ConfigError as error:
        raise RunError(f"{path}: {error}; use the gen_models that wrote it") from error
    missing = sorted(recipe.identity.keys() - values.keys())
    if missing:  # their values would be a guess
        raise RunError(f"{path} lacks {', '.join(missing)}; use the gen_models that wrote it")
    return Run(folder, recipe, _read_data(path))


def _read_data(path: Path) -> DataRecord:
    """The record of the data in config.json. Raises RunError."""
    try:
        data = fields.from_dict(DataRecord, json_files.read(path)["data"])
    except ConfigError as error:
        raise RunError(f"{path}: in `data`, {error}") from error
    except json_files.DAMAGES as error:
        raise RunError(f"{path}: expected a field `data` as a run writes it") from error
    if not data.class_names:
        raise RunError(f"{path}: `data` names no classes")
    if not all(0 <= label < len(data.class_names) for label in data.labels):
        raise RunError(f"{path}: `data` has labels of no class")
    return data


def _check_same(run: Run) -> None:
    """Raise OtherRunError, listing the differences, for a run with other options or data."""
    recorded = load(run.folder)
    before = recorded.recipe.identity | {"data": recorded.data.digest}
    now = run.recipe.identity | {"data": run.data.digest}
    differing = [
        f"  {name}: the run has {before.get(name)!r}, asked for {now.get(name)!r}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
    if differing:
        raise OtherRunError(
            f"{run.folder} is another run; these options differ:\n" + "\n".join(differing) + "\n"
            "leave them as they were to go on with it, or choose another folder with --out"
        )
