"""Runs side by side: the same classes, the same latents where models share them, one table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import numpy as np

from gen_models.algorithm import Key, State
from gen_models.evaluation import classifier
from gen_models.evaluation.features import FeatureNet
from gen_models.evaluation.record import Evaluation, Summary, summarise
from gen_models.runs import Run
from gen_models.sampling import drawing

COLUMNS = 8  # images a class
CANDIDATES = 50  # images a class drawn from unconditional models, to find enough of each
PATHS, PATH_STEPS = 4, 9
MAX_CLASSES = 10


@dataclass(frozen=True)
class Entry:
    """Runs that differ in nothing but their seed; the first of them is the one that is drawn."""

    name: str
    runs: tuple[Run, ...]
    evaluations: tuple[Evaluation, ...]  # of those runs that have been evaluated

    @cached_property
    def summary(self) -> dict[str, Summary]:
        """The measures over the seeds; {} if nothing was evaluated."""
        return summarise(self.evaluations) if self.evaluations else {}

    @property
    def drawn(self) -> Run:
        """The run whose pictures are shown."""
        return self.runs[0]


def entries(runs: Sequence[Run], evaluations: Mapping[Path, Evaluation]) -> list[Entry]:
    """Group runs of one data set that differ in their seed alone, in the order in which they come.

    evaluations: by the run's folder, of those runs that have one.
    """
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(repr(sorted(_options(run).items())), []).append(run)
    return [
        Entry(
            _name(group[0]),
            tuple(group),
            tuple(evaluations[run.folder] for run in group if run.folder in evaluations),
        )
        for group in groups.values()
    ]


def _options(run: Run) -> dict[str, Any]:
    return {k: v for k, v in run.recipe.identity.items() if k != "seed"}


def _name(run: Run) -> str:
    """The model, with the mark that its folder would have where its options are not defaults."""
    parts = run.recipe.name.removeprefix(f"{run.options.dataset}-").split("-")
    return " ".join([parts[0], *parts[2:]])


def _keys() -> tuple[Key, Key]:
    """For samples and for paths: the same for every run."""
    key_samples, key_paths = jax.random.split(drawing.key_for(drawing.Purpose.COMPARISON, 0))
    return key_samples, key_paths


def by_class(run: Run, net: FeatureNet | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Images u8[classes·8,H,W], eight a class, from the same latents for every run; the classes.

    An unconditional model's are the first eight of each class as the feature net sees them, white
    where there are fewer; without a net they are in no order, and no classes are named.
    """
    classes = min(run.model.spec.num_classes, MAX_CLASSES)
    key, _ = _keys()
    state, names = _state(run), run.data.class_names[:classes]
    if run.model.algorithm.conditional:
        labels = np.repeat(np.arange(classes, dtype=np.int32), COLUMNS)
        return drawing.draw(run.model, state, key, labels), names
    labels = np.zeros(classes * (CANDIDATES if net else COLUMNS), np.int32)
    images = drawing.draw(run.model, state, key, labels)
    if net is None:
        return images, ()
    _, predicted = classifier.classify(net.weights, images)
    white = np.full((COLUMNS, *images.shape[1:]), 255, np.uint8)
    found = [np.concatenate([images[predicted == c], white])[:COLUMNS] for c in range(classes)]
    return np.concatenate(found), names


def paths(run: Run) -> np.ndarray:
    """Images u8[4·9,H,W]: each row from one latent to another, its label kept."""
    _, key = _keys()
    labels = np.arange(PATHS, dtype=np.int32) % len(run.data.class_names)
    return drawing.paths(run.model, _state(run), key, labels, PATH_STEPS)


def _state(run: Run) -> State:
    return drawing.newest_state(run, report=print)
