"""Entries of a comparison: runs with images of the same classes, from the same latents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import numpy as np

from gen_models.algorithm import Key, State
from gen_models.evaluation import features
from gen_models.evaluation.features import FeatureNet
from gen_models.evaluation.record import Evaluation, Summary, summarise
from gen_models.runs import Recipe, Run
from gen_models.runs.recipe import group_by_seed
from gen_models.sampling import drawing
from gen_models.storage.names import distinct_names

COLUMNS = 8  # images per class
CANDIDATES = 50  # images per class to draw from unconditional models, to find enough of each class
PATHS, PATH_STEPS = 4, 9


@dataclass(frozen=True)
class Entry:
    """Runs that differ only in their seed. The first of them is the one whose images are shown."""

    name: str  # heading in the comparison
    runs: tuple[Run, ...]  # one per seed
    evaluations: tuple[Evaluation, ...]  # evaluations of the runs that have one

    @cached_property
    def summary(self) -> dict[str, Summary]:
        """The measures over the seeds by name; {} without evaluations."""
        return summarise(self.evaluations) if self.evaluations else {}

    @property
    def shown_run(self) -> Run:
        """The run whose pictures are shown."""
        return self.runs[0]


def entries(runs: Sequence[Run], evaluations: Mapping[Path, Evaluation]) -> list[Entry]:
    """Group runs of one data set that differ only in their seed, in the given order.

    A group has one run of each seed, all at the same step; a run of the same options and seed as
    another, such as one from another machine, is an entry of its own.
    evaluations: by folder of the run, for runs that have one.
    """
    indices = group_by_seed([run.recipe for run in runs], [run.step for run in runs])
    groups = [[runs[index] for index in group] for group in indices]
    names = _names([group[0] for group in groups])
    return [
        Entry(
            name,
            tuple(group),
            tuple(evaluations[run.folder] for run in group if run.folder in evaluations),
        )
        for name, group in zip(names, groups, strict=True)
    ]


def _names(runs: Sequence[Run]) -> list[str]:
    """Names of runs that tell them apart: the model, and the options in which a run differs from
    others of its model or, unless all runs share the value, from the model's defaults. Names of
    runs with equal options end with their folders' names."""
    settings = [_setting(run) for run in runs]
    names = []
    for setting in settings:
        model, dataset = setting["model"], setting["dataset"]
        of_model = [other for other in settings if other["model"] == model]
        usual = Recipe.from_flat({"model": model, "dataset": dataset})
        default = usual.identity | {"steps": setting["steps"]}
        differing = [
            f"{name}={value}"
            for name, value in setting.items()
            if any(other[name] != value for other in of_model)
            or (value != default[name] and any((name, value) not in s.items() for s in settings))
        ]
        names.append(" ".join([model, ", ".join(differing)]).rstrip())
    folders = distinct_names([run.folder for run in runs])
    pairs = zip(names, folders, strict=True)
    return [name if names.count(name) == 1 else f"{name} {folder}" for name, folder in pairs]


def _setting(run: Run) -> dict[str, Any]:
    """The options that decide what is compared: the step that the run has reached stands for the
    steps asked for, and the interval of grids changes none of the images and numbers."""
    setting = run.recipe.setting | {"steps": run.step}
    del setting["sample_every_steps"]
    return setting


def _keys() -> tuple[Key, Key]:
    """The keys of samples and of paths, the same for every run."""
    key_samples, key_paths = jax.random.split(drawing.key_for(drawing.Purpose.COMPARISON, 0))
    return key_samples, key_paths


def by_class(run: Run, net: FeatureNet | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Images u8[classes·8,H,W], eight per class, from the same latents for every run, and class
    names.

    For an unconditional model they are the first eight that the classifier assigns to each class,
    white if there are fewer; without a net they are unordered, and there are no class names.
    """
    classes = run.data.shown_classes
    key, _ = _keys()
    state, names = _state(run), tuple(run.data.class_names[label] for label in classes)
    if run.model.algorithm.conditional:
        labels = np.repeat(np.array(classes, np.int32), COLUMNS)
        return drawing.draw(run.model, state, key, labels), names
    labels = np.zeros(len(classes) * (CANDIDATES if net else COLUMNS), np.int32)
    images = drawing.draw(run.model, state, key, labels)
    if net is None:
        return images, ()
    predicted = features.predict_classes(net, images)
    white = np.full((COLUMNS, *images.shape[1:]), 255, np.uint8)
    rows = [np.concatenate([images[predicted == c], white])[:COLUMNS] for c in classes]
    return np.concatenate(rows), names


def paths(run: Run) -> np.ndarray:
    """Images u8[4·9,H,W]: interpolations between two latents, one row per label."""
    _, key = _keys()
    labels = np.resize(np.array(run.data.classes, np.int32), PATHS)
    return drawing.paths(run.model, _state(run), key, labels, PATH_STEPS)


def _state(run: Run) -> State:
    return drawing.load_state(run, report=print)
