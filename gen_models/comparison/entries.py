"""Entries of a comparison: runs with images of the same classes, from the same latents."""

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

COLUMNS = 8  # images per class
CANDIDATES = 50  # images per class to draw from unconditional models, to find enough of each class
PATHS, PATH_STEPS = 4, 9
MAX_CLASSES = 10


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
    def drawn(self) -> Run:
        """The run whose pictures are shown."""
        return self.runs[0]


def entries(runs: Sequence[Run], evaluations: Mapping[Path, Evaluation]) -> list[Entry]:
    """Group runs of one data set that differ only in their seed, in the given order.

    evaluations: by folder of the run, for runs that have one.
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
    """Name of the model, with the mark of its default folder if options differ from defaults."""
    parts = run.recipe.name.removeprefix(f"{run.options.dataset}-").split("-")
    return " ".join([parts[0], *parts[2:]])


def _keys() -> tuple[Key, Key]:
    """The keys of samples and of paths, the same for every run."""
    key_samples, key_paths = jax.random.split(drawing.key_for(drawing.Purpose.COMPARISON, 0))
    return key_samples, key_paths


def by_class(run: Run, net: FeatureNet | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Images u8[classes·8,H,W], eight per class, of the same latents for every run; class names.

    For an unconditional model they are the first eight that the feature net assigns to each class,
    white if there are fewer; without a net they are unordered, and there are no class names.
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
    """Images u8[4·9,H,W]: interpolations between two latents, one row per label."""
    _, key = _keys()
    labels = np.arange(PATHS, dtype=np.int32) % len(run.data.class_names)
    return drawing.paths(run.model, _state(run), key, labels, PATH_STEPS)


def _state(run: Run) -> State:
    return drawing.load_state(run, report=print)
