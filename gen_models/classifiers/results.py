"""The results of classifiers that were trained on one source of images, as a JSON file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np

from gen_models import fields
from gen_models.classifiers.settings import Setting
from gen_models.errors import UserError
from gen_models.evaluation import record
from gen_models.fields import Between
from gen_models.runs import recipe as recipes
from gen_models.storage.files import sole_writer, write_text

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
class Row:
    """One setting, trained once: its accuracy, or why it has none."""

    number: Annotated[int, Between(1, 1000)]  # number of the setting
    seed: Annotated[int, Between(0, 2**31 - 1)]  # seed of images, their order and classifier
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


Key = tuple[int, int]  # number of the setting, seed


class Results(NamedTuple):
    """All rows of one source of training images."""

    name: str  # name of the source, which is its column in tables
    dataset: str  # name of the data set whose test images were classified
    subject: Mapping[str, Any]  # what determines the results: images, test split, library
    rows: Mapping[Key, Row]  # rows by setting and seed

    def of(self, setting: Setting) -> list[Row]:
        """Rows of a setting, one per seed."""
        return [row for (number, _), row in sorted(self.rows.items()) if number == setting.number]

    def accuracies(self, setting: Setting) -> list[float]:
        """Accuracies of a setting, one per seed that has one."""
        return [row.accuracy for row in self.of(setting) if row.accuracy is not None]


class ResultsError(UserError):
    """A file that cannot be read as results of classifiers, or holds those of other images."""


def read(path: Path) -> Results | None:
    """Read results that `write` wrote; None if there is no file. Raises ResultsError."""
    try:
        values = json.loads(path.read_text(), parse_constant=record.refuse)
        if (values["format"], values["version"]) != (FORMAT, VERSION):
            raise ValueError(f"expected format {FORMAT!r} version {VERSION}")
        rows = [fields.from_dict(Row, row) for row in values["rows"]]
        texts = values["name"], values["dataset"]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("its name and data set are no texts")
        by_key = {(row.number, row.seed): row for row in rows}
        subject = dict(values["subject"])
        if "recipe" in subject:
            subject["recipe"] = recipes.with_added_options(subject["recipe"])
        return Results(*texts, subject, by_key)
    except FileNotFoundError:
        return None
    except record.DAMAGES as error:
        raise ResultsError(
            f"{path} holds no results of classifiers: {error!s:.200}; move it away to start anew"
        ) from error


def begun(path: Path, empty: Results) -> Results:
    """The results in `path` to continue, or `empty` if there is no file. Raises ResultsError if
    they are of other training images, another test split or another scikit-learn."""
    found = read(path)
    if found is None:
        return empty
    wanted = {**empty.subject, "dataset": empty.dataset}
    there = {**found.subject, "dataset": found.dataset}
    differing = [
        f"{name} was {there.get(name)!r}, is {wanted.get(name)!r}"
        for name in sorted(wanted.keys() | there.keys())
        if wanted.get(name) != there.get(name)
    ]
    if differing:
        raise ResultsError(
            f"{path} has results of something else: {'; '.join(differing)}; move it away to start "
            "anew, or choose another folder with --results"
        )
    return found


def add(path: Path, found: Results, row: Row) -> Results:
    """Add a row to a file, beside the rows that other processes have written since `found` was
    read, or, if the file is gone, beside those of `found`. Returns what the file then holds.

    A row with an accuracy is not replaced by one without. Raises ResultsError, as `begun` does, and
    UserError.
    """
    key = row.number, row.seed
    with sole_writer(path):
        there = begun(path, found)
        if row.accuracy is None and key in there.rows and there.rows[key].accuracy is not None:
            return there
        there = there._replace(rows={**there.rows, key: row})
        write(path, there)
    return there


def write(path: Path, results: Results) -> None:
    """Write results, in the order of settings and seeds. Raises UserError."""
    rows = [_without_absent(fields.to_dict(row)) for _, row in sorted(results.rows.items())]
    values = {"format": FORMAT, "version": VERSION, **results._asdict(), "rows": rows}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(values, indent=1, allow_nan=False) + "\n")


def _without_absent(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value not in (None, "")}


def mean(accuracies: Sequence[float]) -> tuple[float, float | None]:
    """Mean over seeds, and half of its 95 % interval (Student's t), None for a single seed."""
    return float(np.mean(accuracies)), record.interval(accuracies)


def shown(rows: Sequence[Row]) -> str:
    """The rows of one setting as the text of a cell: "0.873", "0.873 ± 0.002" over seeds, the
    reason of a failure, or "–" without rows. A star marks a solver that stopped at its limit of
    iterations."""
    accuracies = [row.accuracy for row in rows if row.accuracy is not None]
    if not accuracies:
        return next((row.reason for row in rows), "–")
    value, interval = mean(accuracies)
    star = "*" if any(row.converged is False for row in rows) else ""
    return f"{value:.3f}{star}" + ("" if interval is None else f" ± {interval:.3f}")
