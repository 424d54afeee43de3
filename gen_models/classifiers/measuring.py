"""Measurement of the missing results of classifiers on one source of images, each saved at once."""

import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from gen_models.classifiers import processes, results, task
from gen_models.classifiers.results import Limits, Results, Row
from gen_models.classifiers.settings import Setting
from gen_models.classifiers.sources import Source
from gen_models.classifiers.task import TEST, TRAIN, Labelled, Task
from gen_models.data.catalog import Splits
from gen_models.storage.files import sole_writer


class Observer(Protocol):
    """Receives the progress of a measurement."""

    def begin(self, source: str, seed: int, settings: Sequence[Setting]) -> None:
        """Called before these settings are measured on a source."""

    def drawn(self) -> None:
        """Called when the images are drawn, before training."""

    def done(self, setting: Setting, row: Row) -> None:
        """Called when a setting has ended."""


@dataclass(frozen=True)
class Work:
    """What to measure for every source."""

    settings: Sequence[Setting]  # settings, in the order in which to start them
    seeds: int  # number of seeds, 0, 1, …
    images: int | None  # largest number of training images; None: all
    limits: Limits  # limits of one setting
    jobs: int  # number of settings at a time


def missing(found: Results, work: Work, seed: int) -> list[Setting]:
    """Settings without a row for the seed, or with one that the limits of `work` could change."""
    rows = ((setting, found.rows.get((setting.number, seed))) for setting in work.settings)
    return [setting for setting, row in rows if row is None or not row.is_settled(work.limits)]


def begun(source: Source, splits: Splits, work: Work, folder: Path) -> Results:
    """The results of a source in `folder`, without rows if it has none. Raises ResultsError if they
    are of other images, another test split or another scikit-learn."""
    return results.begun(_path(folder, source), empty(source, splits, work))


def _path(folder: Path, source: Source) -> Path:
    return folder / f"{source.name}.json"


def measure(
    source: Source, splits: Splits, work: Work, folder: Path, observer: Observer
) -> Results:
    """Measure what the results of a source in `folder` lack, and return all of them. Each new row
    is written at once, also into the folder of the run that draws the images, if any. Raises
    UserError."""
    path, found = _path(folder, source), begun(source, splits, work, folder)
    _copy(path, source)
    for seed in range(work.seeds):
        settings = missing(found, work, seed)
        if not settings:
            continue
        observer.begin(source.name, seed, settings)
        with tempfile.TemporaryDirectory(prefix="gen_models-", ignore_cleanup_errors=True) as place:
            count = _write(Path(place), source.draw(seed).shuffled(seed), splits, work.images)
            observer.drawn()
            tasks = [_task(place, setting, splits, seed, count) for setting in settings]
            by_number = {setting.number: setting for setting in settings}
            with closing(processes.rows(tasks, work.limits, work.jobs)) as rows:
                for row in rows:
                    found = results.add(path, found, row)
                    _copy(path, source)
                    observer.done(by_number[row.number], row)
    return found


def _copy(path: Path, source: Source) -> None:
    """Copy the results at `path` into the folder of the run whose samples the source draws, if
    any."""
    if source.run is not None:
        copy = source.run / results.NAME
        with sole_writer(copy):
            found = results.read(path)
            if found is not None:
                results.write(copy, found)


def empty(source: Source, splits: Splits, work: Work) -> Results:
    """Results without rows, with everything that determines them."""
    decides = {"test": splits.test.digest, "scikit-learn": version("scikit-learn")}
    subject = source.subject | decides | {"most_images": work.images}
    return Results(source.name, splits.test.name, subject, {})


def _write(place: Path, train: Labelled, splits: Splits, most: int | None) -> int:
    """Write both splits for the processes. Returns the number of training images."""
    train = Labelled(*(array[:most] for array in train))
    task.write(place, TRAIN, train)
    task.write(place, TEST, Labelled(splits.test.images, splits.test.labels))
    return len(train.images)


def _task(place: str, setting: Setting, splits: Splits, seed: int, count: int) -> Task:
    images = min(count, setting.estimator.part or count)
    return Task(place, setting.number, images, splits.train.num_classes, seed)
