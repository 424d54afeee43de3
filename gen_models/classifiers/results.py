"""The results of classifiers that were trained on one source of images, as a JSON file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np

from gen_models import fields
from gen_models.classifiers.settings import ClassifierSetting
from gen_models.errors import UserError
from gen_models.evaluation import record
from gen_models.fields import Between, Seed
from gen_models.runs import recipe as recipes
from gen_models.storage import json_files
from gen_models.storage.files import sole_writer

FORMAT, VERSION = "gen_models.classifiers", 1
KILLED = "ended by signal"  # start of failures that say nothing about the setting
NAME = "classifiers.json"  # name of the copy in a run's folder

NonNegative = Annotated[float, Between(0, 1e12)]


@dataclass(frozen=True)
class Limits:
    """Limits of one setting, beyond which it is ended."""

    minutes: Annotated[float, Between(0.001, 100_000)] = 60
    """Minutes that one setting may take, by the clock."""
    memory_gib: Annotated[float, Between(0.05, 100_000)] = 8
    """Memory that the process of one setting may take, GiB."""


@dataclass(frozen=True)
class ResultRow:
    """One setting, trained once: its accuracy, or why it has none."""

    number: Annotated[int, Between(1, 1000)]  # number of the setting
    seed: Seed  # seed of images, their order and classifier
    images: Annotated[int, Between(1, 10**9)]  # number of training images
    seconds: NonNegative  # duration of the process
    peak_mib: NonNegative  # largest observed memory of the process
    accuracy: Annotated[float, Between(0, 1)] | None = None  # on the test images
    converged: bool | None = None  # False: the solver stopped at its limit of iterations
    over: Literal["", "time", "memory"] = ""  # limit that the process exceeded
    failure: str = ""  # what scikit-learn said when it failed

    def is_settled(self, limits: Limits) -> bool:
        """Whether measuring again under these limits would give the same row."""
        if self.over == "time":
            return limits.minutes * 60 <= self.seconds
        if self.over == "memory":
            return limits.memory_gib * 1024 <= self.peak_mib
        return not self.failure.startswith(KILLED)

    @property
    def reason(self) -> str:
        """Why there is no accuracy, in a few words; empty if there is one."""
        if self.over == "time":
            return f"over {self.seconds / 60:.3g} min"
        if self.over == "memory":
            return f"over {self.peak_mib / 1024:.2g} GiB"
        return self.failure


RowKey = tuple[int, int]  # number of the setting, seed


class ClassifierResults(NamedTuple):
    """All rows of one source of training images."""

    name: str  # name of the source, which is its column in tables
    dataset: str  # name of the data set whose test images were classified
    subject: Mapping[str, Any]  # what determines the results: images, test split, library
    rows: Mapping[RowKey, ResultRow]  # rows by setting and seed

    def rows_of(self, setting: ClassifierSetting) -> list[ResultRow]:
        """Rows of a setting, one per seed."""
        return [row for (number, _), row in sorted(self.rows.items()) if number == setting.number]

    def accuracies(self, setting: ClassifierSetting) -> list[float]:
        """Accuracies of a setting, one per seed that has one."""
        return [row.accuracy for row in self.rows_of(setting) if row.accuracy is not None]


class ResultsError(UserError):
    """A file that cannot be read as results of classifiers, or holds those of other images."""


def read(path: Path) -> ClassifierResults | None:
    """Read results that `write` wrote; None if there is no file. Raises ResultsError."""
    try:
        values = json_files.read(path)
        if (values["format"], values["version"]) != (FORMAT, VERSION):
            raise ValueError(f"expected format {FORMAT!r} version {VERSION}")
        rows = [fields.from_dict(ResultRow, row) for row in values["rows"]]
        texts = values["name"], values["dataset"]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("its name and data set are no texts")
        by_key = {(row.number, row.seed): row for row in rows}
        subject = dict(values["subject"])
        if "recipe" in subject:
            subject["recipe"] = recipes.with_added_options(subject["recipe"])
        return ClassifierResults(*texts, subject, by_key)
    except FileNotFoundError:
        return None
    except json_files.DAMAGES as error:
        raise ResultsError(
            f"{path} holds no results of classifiers: {error!s:.200}; move it away to start anew"
        ) from error


OPTIONS = {"most_images": "--images"}  # names that an option has in a subject


def read_matching(path: Path, empty: ClassifierResults) -> ClassifierResults:
    """The results in `path` to continue, or `empty` if there is no file. Raises ResultsError if
    they are of other training images, another test split or another scikit-learn."""
    stored = read(path)
    if stored is None:
        return empty
    old = {**stored.subject, "dataset": stored.dataset}
    new = {**empty.subject, "dataset": empty.dataset}
    differing = [
        f"{OPTIONS.get(name, name)} was {old.get(name)!r}, is {new.get(name)!r}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
    if differing:
        raise ResultsError(
            f"{path} has results of something else: {'; '.join(differing)}; choose another folder "
            "with --results, or move the file away to start anew"
        )
    return stored


def add_row(path: Path, results: ClassifierResults, row: ResultRow) -> ClassifierResults:
    """Add a row to a file, beside the rows that other processes have written since `results` was
    read, or, if the file is gone, beside those of `results`. Returns what the file then holds.

    A row with an accuracy is not replaced by one without. Raises ResultsError, as `read_matching`
    does, and UserError.
    """
    key = row.number, row.seed
    with sole_writer(path):
        stored = read_matching(path, results)
        if row.accuracy is None and key in stored.rows and stored.rows[key].accuracy is not None:
            return stored
        stored = stored._replace(rows={**stored.rows, key: row})
        write(path, stored)
    return stored


def write(path: Path, results: ClassifierResults) -> None:
    """Write results, in the order of settings and seeds. Raises UserError."""
    rows = [_without_absent(fields.to_dict(row)) for _, row in sorted(results.rows.items())]
    values = {"format": FORMAT, "version": VERSION, **results._asdict(), "rows": rows}
    path.parent.mkdir(parents=True, exist_ok=True)
    json_files.write(path, values)


def _without_absent(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value not in (None, "")}


def mean_and_interval(accuracies: Sequence[float]) -> tuple[float, float | None]:
    """Mean over seeds, and half of its 95 % interval (Student's t), None for a single seed."""
    return float(np.mean(accuracies)), record.interval(accuracies)


def cell(rows: Sequence[ResultRow]) -> str:
    """The rows of one setting as the text of a cell: "0.873", "0.873 ± 0.002" over seeds, the
    reason of a failure, or "–" without rows. A star marks a solver that stopped at its limit of
    iterations."""
    accuracies = [row.accuracy for row in rows if row.accuracy is not None]
    if not accuracies:
        return next((row.reason for row in rows), "–")
    value, interval = mean_and_interval(accuracies)
    star = "*" if any(row.converged is False for row in rows) else ""
    return f"{value:.3f}{star}" + ("" if interval is None else f" ± {interval:.3f}")


def gain_cell(rows: Sequence[ResultRow], base: Sequence[ResultRow]) -> str:
    """By how much the accuracies of `rows` exceed those of `base`, seed by seed, as the text of a
    cell: "+0.010", or "+0.010 ± 0.004" over seeds; "–" without a common seed."""
    accuracies = {row.seed: row.accuracy for row in base if row.accuracy is not None}
    gains = [
        row.accuracy - accuracies[row.seed]
        for row in rows
        if row.accuracy is not None and row.seed in accuracies
    ]
    if not gains:
        return "–"
    value, interval = mean_and_interval(gains)
    return f"{value:+.3f}" + ("" if interval is None else f" ± {interval:.3f}")
