"""Measuring what a run has learned: what is drawn, with which keys, and what is asked of it."""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import jax
import numpy as np

from gen_models import render
from gen_models.algorithm import Key, State
from gen_models.config import Between
from gen_models.data.catalog import Dataset
from gen_models.evaluation import features, record
from gen_models.evaluation.likelihood import likelihood
from gen_models.evaluation.protocol import Protocol
from gen_models.evaluation.record import Evaluation
from gen_models.evaluation.yardstick import Yardstick
from gen_models.training import advance, drawing
from gen_models.training.fit import Evaluate
from gen_models.training.run import Run

PAIR_COLUMNS = 20


@dataclass(frozen=True)
class Extent:
    """How much is measured, and of which samples."""

    samples: Annotated[int, Between(10, 1_000_000)] = 10_000
    """How many images to draw from each run."""
    reference: Literal["test", "train"] = "test"
    """Split to compare with."""
    seed: Annotated[int, Between(0, 2**31 - 1)] = 0
    """Decides the latents."""
    best: bool = False
    """Take the best checkpoint that --eval-every kept, not the last one."""
    fd_infinity: bool = False
    """Also FID extrapolated to infinitely many samples."""
    cas: bool = False
    """Also the classification accuracy score of conditional models: minutes."""
    draws: Annotated[int, Between(1, 5000)] = 100
    """Importance samples an image, k, for the likelihood bound of models that have one."""
    likelihood_images: Annotated[int, Between(1, 1_000_000)] = 1000
    """How many images of the test split to take that bound of."""


def own_yardstick(data: tuple[Dataset, Dataset]) -> Yardstick:
    """What train and test are measured with by default, the data set's own feature net. Raises
    UserError without one."""
    return Yardstick(features.load(features.net_path(data[0].name)), *data)


def protocol(dataset: str, extent: Extent) -> Protocol:
    """What runs on a data set are measured under, by its own feature net. Raises UserError."""
    net = features.load(features.net_path(dataset))
    return Protocol(net.name, dataset, extent.reference, extent.samples)


class Samples(NamedTuple):
    """Images u8[N,H,W], and the classes i32[N] that they were asked for, if any were."""

    images: np.ndarray
    labels: np.ndarray | None


def draw(run: Run, state: State, labels: np.ndarray, key: Key) -> Samples:
    """Samples from a state of a run, of the classes i32[N] if it is conditional."""
    build, spec, config = run.model
    images = render.to_uint8(drawing.draw(run.model, state, key, labels))
    return Samples(images, labels if build(config, spec).conditional else None)


def keys(seed: int) -> tuple[Key, Key]:
    """For the samples that are measured, and for those that a classifier is trained on."""
    key = drawing.key_for(drawing.Purpose.EVALUATION, seed)
    key_samples, key_score = jax.random.split(key)
    return key_samples, key_score


def evaluator(run: Run, data: tuple[Dataset, Dataset]) -> Evaluate:
    """What `train --eval-every` calls: measures of a state; the whole goes to evaluation.json."""
    extent = Extent()
    stick = own_yardstick(data)
    labels = np.resize(stick.reference.labels, extent.samples)

    def evaluate_state(state: State) -> dict[str, float]:
        samples = draw(run, state, labels, keys(extent.seed)[0])
        evaluation = stick.evaluate(stick.describe(*samples))
        evaluation.subject.update(subject(run, state, extent))
        record.write(run.folder / record.NAME, evaluation)
        return {name: row["value"] for name, row in evaluation.measures.items()}

    return evaluate_state


def subject(run: Run, state: State, extent: Extent) -> dict[str, Any]:
    """What of a run was evaluated."""
    return {
        "name": run.folder.name,
        "model": run.config.run.model,
        "seed": run.config.run.seed,
        "step": int(state.step),
        "checkpoint": "best" if extent.best else "last",
        "sampling_seed": extent.seed,
    }


def evaluate_run(run: Run, stick: Yardstick, extent: Extent) -> Evaluation:
    """Draw from a run and measure; the picture of the closest pairs goes into it."""
    state = drawing.newest_state(run, partial(print, file=sys.stderr), best=extent.best)
    build, spec, config = run.model
    algorithm = build(config, spec)
    key_samples, key_score = keys(extent.seed)
    # The classes in the reference's own frequencies, so that a perfect model can be perfect.
    labels = np.resize(stick.reference.labels, extent.samples)
    samples = draw(run, state, labels, key_samples)
    evaluation = evaluate_samples(samples, stick, extent, run.folder / "memorisation.png")
    evaluation.subject.update(subject(run, state, extent))
    if algorithm.conditional and extent.cas:
        stick.add_classification_score(evaluation, *draw(run, state, stick.train.labels, key_score))
    if algorithm.importance is not None:
        real = (x[: extent.likelihood_images] for x in (stick.test.images, stick.test.labels))
        bounds = partial(advance.bounds, *run.model, state)
        draws = 1 if algorithm.codes is not None else extent.draws  # all of them are the same
        found = likelihood(bounds, *real, draws, extent.seed)
        evaluation.likelihood.update(observation=algorithm.observation, **found)
    return evaluation


def evaluate_samples(
    samples: Samples, stick: Yardstick, extent: Extent, picture: Path
) -> Evaluation:
    """All that needs nothing but samples. Those that lie closest to training images go to
    `picture`, each above its neighbour."""
    described = stick.describe(*samples)
    evaluation = stick.evaluate(described, fd_infinity=extent.fd_infinity)
    stick.add_memorisation(evaluation, described, samples.images)
    ours, theirs = np.array(evaluation.details["memorisation"]["closest"]).T
    pairs = map(render.to_float, (samples.images[ours], stick.train.images[theirs]))
    names = ("sample", "nearest training image")
    render.save_png(render.pairs(*pairs, PAIR_COLUMNS, names=names), picture)
    return evaluation
