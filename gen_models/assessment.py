"""Measuring what a run has learned: what is drawn, with which keys, and what is asked of it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import jax
import numpy as np

from gen_models import programs, render
from gen_models.algorithm import Key, State
from gen_models.data import catalog
from gen_models.data.catalog import Splits
from gen_models.data.known import CATALOG
from gen_models.evaluation import features, record
from gen_models.evaluation.evaluator import Evaluator
from gen_models.evaluation.likelihood import likelihood
from gen_models.evaluation.protocol import Protocol
from gen_models.evaluation.record import Evaluation
from gen_models.fields import Between, ConfigError
from gen_models.model import Model
from gen_models.runs import DataRecord, Run, RunError, RunOptions
from gen_models.sampling import drawing
from gen_models.sampling.drawing import Purpose

PAIR_COLUMNS = 20


@dataclass(frozen=True)
class Extent:
    """How much is measured, and of which samples."""

    samples: Annotated[int, Between(10, 1_000_000)] = 10_000
    """Images to draw from each run."""
    reference: Literal["test", "train"] = "test"
    """Split to compare with."""
    seed: Annotated[int, Between(0, 2**31 - 1)] = 0
    """Seed of the latents."""
    best: bool = False
    """Take the best checkpoint that --evaluate-every-steps kept, not the last one."""
    fd_infinity: bool = False
    """Also FID extrapolated to infinitely many samples."""
    cas: bool = False
    """Also the classification accuracy score of conditional models: minutes."""
    draws: Annotated[int, Between(1, 5000)] = 100
    """Importance samples an image, k, for the likelihood bound of models that have one."""
    likelihood_images: Annotated[int, Between(1, 1_000_000)] = 1000
    """Images of the test split to take that bound of."""


class Samples(NamedTuple):
    """Images u8[N,H,W], and the classes i32[N] that they were asked for, if any were."""

    images: np.ndarray
    labels: np.ndarray | None


def data_of(options: RunOptions, data: DataRecord, data_dir: str | Path | None = None) -> Splits:
    """The data of a run: in the folder asked for, or its own; a known data set is found without.

    Raises UserError if there are none, and RunError for data that it was not trained on.
    """
    own = options.data_dir
    gone = own is not None and not own.expanduser().is_dir()
    folder = data_dir or (None if gone and options.dataset in CATALOG else own)
    name = options.dataset if options.dataset in CATALOG or folder is None else None
    splits = catalog.load_splits(name, folder)
    if splits.train.digest != data.digest:
        raise RunError(f"{options.model} was trained on other data than this {splits.train.name}")
    return splits


def protocol(dataset: str, extent: Extent) -> Protocol:
    """What runs on a data set are measured under, by its own feature net. Raises UserError."""
    return Protocol(features.of(dataset).name, dataset, extent.reference, extent.samples)


def evaluate_state(run: Run, splits: Splits) -> Callable[[State], dict[str, float]]:
    """What measures a state in the course of its training; the whole goes to evaluation.json."""
    extent = Extent()
    evaluator = Evaluator(features.of(splits.train.name), splits)

    def evaluate(state: State) -> dict[str, float]:
        samples = _measured_samples(run.model, state, evaluator, extent)
        described = evaluator.describe(*samples)
        evaluation = Evaluation(
            subject=_subject(run, state, evaluator, extent),
            protocol=evaluator.protocol(extent.samples),
            measures=evaluator.quality(described),
            likelihood={},
            details={"per_class": evaluator.within_classes(described)},
        )
        record.write(run.folder / record.NAME, evaluation)
        return {name: score.value for name, score in evaluation.measures.items()}

    return evaluate


def evaluate_run(
    run: Run, evaluator: Evaluator, extent: Extent, report: Callable[[str], None]
) -> Evaluation:
    """Draw from a run and measure; the picture of the closest pairs goes into it. `report` is told
    of damaged checkpoints."""
    state = drawing.newest_state(run, report, best=extent.best)
    subject = _subject(run, state, evaluator, extent)
    picture = run.folder / "memorisation.png"
    return evaluate_model(run.model, state, evaluator, extent, subject, picture)


def evaluate_model(
    model: Model,
    state: State,
    evaluator: Evaluator,
    extent: Extent,
    subject: dict[str, Any],
    picture: Path | None = None,
) -> Evaluation:
    """Draw from a state and measure. Samples closest to training images go to `picture`, if any."""
    samples = _measured_samples(model, state, evaluator, extent)
    found = evaluate_samples(samples, evaluator, extent, subject, picture)
    return found._replace(
        measures=found.measures | _classification_score(model, state, evaluator, extent),
        likelihood=_likelihood(model, state, evaluator.splits, extent),
    )


def evaluate_images(
    samples: Samples, evaluator: Evaluator, extent: Extent, name: str, picture: Path
) -> Evaluation:
    """Measure the images of another program. Raises ConfigError for labels that do not fit."""
    labels, classes = samples.labels, evaluator.splits.train.num_classes
    if labels is not None:
        fits = len(labels) == len(samples.images)
        if not fits or np.any((labels < 0) | (labels >= classes)):
            extremes = f" from {labels.min()} to {labels.max()}" if len(labels) else ""
            raise ConfigError(
                f"{name} has {len(labels)} labels{extremes}, expected one from 0 to {classes - 1} "
                f"for each of {len(samples.images)} images"
            )
    subject = {"dataset": evaluator.splits.train.name, "name": name}
    found = evaluate_samples(samples, evaluator, extent, subject, picture)
    if labels is None or not extent.cas:
        return found
    score = {"classification_score": evaluator.classification_score(*samples)}
    return found._replace(measures=found.measures | score)


def evaluate_samples(
    samples: Samples,
    evaluator: Evaluator,
    extent: Extent,
    subject: dict[str, Any],
    picture: Path | None,
) -> Evaluation:
    """All that needs only samples. Those that lie closest to training images go to `picture`, each
    above its neighbour."""
    described = evaluator.describe(*samples)
    quality = evaluator.quality(described, fd_infinity=extent.fd_infinity)
    copies = evaluator.memorisation(described, samples.images)
    if picture is not None:
        ours, theirs = np.array(copies.details["closest"]).T
        pair = samples.images[ours], evaluator.splits.train.images[theirs]
        names = ("sample", "nearest training image")
        render.save_png(render.pairs(*pair, PAIR_COLUMNS, names=names), picture)
    return Evaluation(
        subject=subject,
        protocol=evaluator.protocol(len(samples.images)),
        measures=quality | {"authenticity": copies.authenticity},
        likelihood={},
        details={
            "per_class": evaluator.within_classes(described),
            "memorisation": copies.details,
        },
    )


def _keys(seed: int) -> tuple[Key, Key]:
    """For the samples that are measured, and for those that a classifier is trained on."""
    key_samples, key_score = jax.random.split(drawing.key_for(Purpose.EVALUATION, seed))
    return key_samples, key_score


def _measured_samples(model: Model, state: State, evaluator: Evaluator, extent: Extent) -> Samples:
    """Drawn for the classes in the reference's own frequencies, so that a perfect model can be
    perfect."""
    labels = np.resize(evaluator.reference.labels, extent.samples)
    return _draw(model, state, labels, _keys(extent.seed)[0])


def _draw(model: Model, state: State, labels: np.ndarray, key: Key) -> Samples:
    images = drawing.draw(model, state, key, labels)
    return Samples(images, labels if model.algorithm.conditional else None)


def _subject(run: Run, state: State, evaluator: Evaluator, extent: Extent) -> dict[str, Any]:
    """What of a run is evaluated."""
    return {
        "dataset": evaluator.splits.train.name,
        "name": run.folder.name,
        "model": run.options.model,
        "seed": run.options.seed,
        "step": int(state.step),
        "checkpoint": "best" if extent.best else "last",
        "sampling_seed": extent.seed,
    }


def _classification_score(
    model: Model, state: State, evaluator: Evaluator, extent: Extent
) -> dict[str, Any]:
    """The CAS of a conditional model, if it is asked for."""
    if not (extent.cas and model.algorithm.conditional):
        return {}
    samples = _draw(model, state, evaluator.splits.train.labels, _keys(extent.seed)[1])
    return {"classification_score": evaluator.classification_score(*samples)}


def _likelihood(model: Model, state: State, splits: Splits, extent: Extent) -> dict[str, Any]:
    """Bounds on the likelihood of test images, of models that have one."""
    density, latent = model.algorithm.density, model.algorithm.latent
    if density is None:
        return {}
    real = (x[: extent.likelihood_images] for x in (splits.test.images, splits.test.labels))
    draws = 1 if latent.codes is not None else extent.draws  # of discrete codes all are the same
    bounds = partial(programs.bounds, model, state)
    return {"observation": density.observation} | likelihood(bounds, *real, draws, extent.seed)
