"""Measurement of the missing results of classifiers on one source of images, each saved at once."""

import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from gen_models.classifiers import processes, results
from gen_models.classifiers.results import ClassifierResults, Limits, ResultRow
from gen_models.classifiers.settings import ClassifierSetting
from gen_models.classifiers.sources import TrainingSource
from gen_models.classifiers.task import TEST, TRAIN, FitTask, LabelledImages, write_images
from gen_models.data.catalog import Splits
from gen_models.storage.files import sole_writer


class MeasurementObserver(Protocol):
    """Receives the progress of a measurement."""

    def begin(self, source: str, seed: int, settings: Sequence[ClassifierSetting]) -> None:
        """Called before these settings are measured on a source."""

    def begin_training(self) -> None:
        """Called when the images are drawn, before training."""

    def end_setting(self, setting: ClassifierSetting, row: ResultRow) -> None:
        """Called when a setting has ended."""


@dataclass(frozen=True)
class MeasurementPlan:
    """What to measure for every source."""

    settings: Sequence[ClassifierSetting]  # settings, in the order in which to start them
    seeds: int  # number of seeds, 0, 1, …
    images: int | None  # largest number of training images; None: all
    limits: Limits  # limits of one setting
    jobs: int  # number of settings at a time


def missing_settings(
    source_results: ClassifierResults, plan: MeasurementPlan, seed: int
) -> list[ClassifierSetting]:
    """Settings without a row for the seed, or with one that the limits of `plan` could change."""
    rows = ((setting, source_results.rows.get((setting.number, seed))) for setting in plan.settings)
    return [setting for setting, row in rows if row is None or not row.is_settled(plan.limits)]


def read_results(
    source: TrainingSource, splits: Splits, plan: MeasurementPlan, folder: Path
) -> ClassifierResults:
    """The results of a source in `folder`, without rows if it has none. Raises ResultsError if they
    are of other images, another test split or another scikit-learn."""
    return results.read_matching(_path(folder, source), empty_results(source, splits, plan))


def _path(folder: Path, source: TrainingSource) -> Path:
    return folder / f"{source.name}.json"


def measure(
    source: TrainingSource,
    splits: Splits,
    plan: MeasurementPlan,
    folder: Path,
    observer: MeasurementObserver,
) -> ClassifierResults:
    """Measure what the results of a source in `folder` lack, and return all of them. Each new row
    is written at once, also into the folder of the run that draws the images, if any. Raises
    UserError."""
    path, source_results = _path(folder, source), read_results(source, splits, plan, folder)
    _copy_to_run(path, source)
    for seed in range(plan.seeds):
        settings = missing_settings(source_results, plan, seed)
        if not settings:
            continue
        observer.begin(source.name, seed, settings)
        with tempfile.TemporaryDirectory(prefix="gen_models-", ignore_cleanup_errors=True) as place:
            count = _write(Path(place), source.draw(seed).shuffled(seed), splits, plan.images)
            observer.begin_training()
            tasks = [_task(place, setting, splits, seed, count) for setting in settings]
            by_number = {setting.number: setting for setting in settings}
            with closing(processes.run_tasks(tasks, plan.limits, plan.jobs)) as rows:
                for row in rows:
                    source_results = results.add_row(path, source_results, row)
                    _copy_to_run(path, source)
                    observer.end_setting(by_number[row.number], row)
    return source_results


def _copy_to_run(path: Path, source: TrainingSource) -> None:
    """Copy the results at `path` into the folder of the run whose samples the source draws, if
    any."""
    if source.run is not None:
        copy = source.run / results.NAME
        with sole_writer(copy):
            source_results = results.read(path)
            if source_results is not None:
                results.write(copy, source_results)


def empty_results(
    source: TrainingSource, splits: Splits, plan: MeasurementPlan
) -> ClassifierResults:
    """Results without rows, with everything that determines them."""
    tested_with = {"test": splits.test.digest, "scikit-learn": version("scikit-learn")}
    subject = source.subject | tested_with | {"most_images": plan.images}
    return ClassifierResults(source.name, splits.test.name, subject, {})


def _write(place: Path, train: LabelledImages, splits: Splits, most: int | None) -> int:
    """Write both splits for the processes. Returns the number of training images."""
    train = LabelledImages(*(array[:most] for array in train))
    write_images(place, TRAIN, train)
    write_images(place, TEST, LabelledImages(splits.test.images, splits.test.labels))
    return len(train.images)


def _task(place: str, setting: ClassifierSetting, splits: Splits, seed: int, count: int) -> FitTask:
    images = min(count, setting.estimator.part or count)
    return FitTask(place, setting.number, images, splits.train.num_classes, seed)
