"""The settings of the benchmark, as listed in settings.csv.

Its rows are the settings in the data set's `benchmark/baselines.json`, expanded as by
`benchmark/runner.py`, in the same order and with the names of 2017. Their accuracies are those of
Table 3 of the data set's paper (Xiao et al. 2017, arXiv 1708.07747, draft of August 2017): means of
five trainings, each on all training images in a different order. `minutes` is our own measurement,
extrapolated from 1000 images, for SVC from one training on all; it determines only the order of
trainings and the time left that is shown.
"""

import csv
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from gen_models.classifiers.estimators import ESTIMATORS, Estimator

TABLE = Path(__file__).with_name("settings.csv")
Subset = Literal["all", "best"]


class ClassifierSetting(NamedTuple):
    """One classifier of the benchmark with its parameters."""

    number: int  # row in settings.csv, from 1
    family: str  # class of scikit-learn, as it was called in 2017
    parameters: str  # parameters as of 2017, such as "C=10 kernel=rbf"
    published: dict[str, float]  # published accuracies by data set; {} where there are none
    minutes: float  # rough time on one core for 60,000 images, or the family's part of them
    note: str  # why it has no published accuracy; empty if it has one

    @property
    def can_run(self) -> bool:
        """Whether the benchmark could run the setting: 129 of the 143."""
        return not self.note.startswith(("refused", "valid, no result"))

    @property
    def estimator(self) -> Estimator:
        """The setting's family in today's scikit-learn."""
        return ESTIMATORS[self.family]

    def options(self, classes: int) -> dict[str, Any]:
        """The setting's parameters in today's scikit-learn, for a data set of `classes` classes."""
        return self.estimator.options(self.parameters.split(), classes)


@functools.cache
def every() -> tuple[ClassifierSetting, ...]:
    """All 143 settings of the grid, in its order."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        return tuple(_setting(row) for row in csv.DictReader(file))


def _setting(row: dict[str, str]) -> ClassifierSetting:
    datasets = ("fashion_mnist", "mnist")
    published = {name: float(row[name]) for name in datasets if row[name]}
    return ClassifierSetting(
        number=int(row["number"]),
        family=row["estimator"],
        parameters=row["parameters"],
        published=published,
        minutes=float(row["minutes"] or "inf"),
        note=row["note"],
    )


@functools.cache
def runnable() -> tuple[ClassifierSetting, ...]:
    """The 129 settings of the benchmark, in its order."""
    return tuple(setting for setting in every() if setting.can_run)


@functools.cache
def families() -> tuple[str, ...]:
    """The 13 families, by decreasing published accuracy on Fashion-MNIST."""
    return tuple(setting.family for setting in best())


@functools.cache
def best() -> tuple[ClassifierSetting, ...]:
    """The setting of each family with the highest published accuracy on Fashion-MNIST (of ties, the
    first in the table), by decreasing accuracy. MNIST is measured with the same settings."""
    best_of: dict[str, ClassifierSetting] = {}
    for setting in runnable():
        if _accuracy(setting) > _accuracy(best_of.setdefault(setting.family, setting)):
            best_of[setting.family] = setting
    return tuple(sorted(best_of.values(), key=_accuracy, reverse=True))


def _accuracy(setting: ClassifierSetting) -> float:
    return setting.published.get("fashion_mnist", 0.0)


def select(subset: Subset, names: Sequence[str] = ()) -> list[ClassifierSetting]:
    """Settings of a subset and of the named families (all if none is named), quickest first."""
    candidates = best() if subset == "best" else runnable()
    selected = [setting for setting in candidates if not names or setting.family in names]
    return sorted(selected, key=lambda setting: (setting.minutes, setting.number))
