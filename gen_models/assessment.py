"""Evaluation of runs: samples are drawn, with keys other than those of training, and measured."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import jax
import numpy as np

from gen_models import programs, render
from gen_models.algorithm import Key, State
from gen_models.data import catalog, validation
from gen_models.data.catalog import Dataset, Splits
from gen_models.data.frequencies import labels_like
from gen_models.data.known import CATALOG
from gen_models.errors import UserError
from gen_models.evaluation import features, record
from gen_models.evaluation.evaluator import Evaluator, Reference
from gen_models.evaluation.features import Described
from gen_models.evaluation.likelihood import likelihood
from gen_models.evaluation.protocol import Protocol
from gen_models.evaluation.record import Evaluation
from gen_models.fields import Between, ConfigError
from gen_models.model import Model
from gen_models.runs import DataRecord, Run, RunError, RunOptions
from gen_models.sampling import drawing
from gen_models.sampling.drawing import Purpose, key_for

PAIR_COLUMNS = 20


@dataclass(frozen=True)
class Extent:
    """Extent of a measurement: samples, reference and optional measures."""

    samples: Annotated[int, Between(10, 1_000_000)] = 10_000
    """Number of images to draw from each run."""
    reference: Reference = "test"
    """Images to compare with: the test split for a report; validation, of runs that were trained
    with --hold-out, for a choice; train, as many of the training images as there are validation
    images, of runs that were trained without it."""
    seed: Annotated[int, Between(0, 2**31 - 1)] = 0
    """Seed of the latents that are drawn."""
    fd_infinity: bool = False
    """Compute FID extrapolated to infinitely many samples too. Needs 15 samples a feature, 7680."""
    cas: bool = False
    """Compute the classification accuracy score of conditional models too, by three classifiers of
    as many samples as there are training images. Takes minutes."""
    draws: Annotated[int, Between(1, 5000)] = 100
    """Importance samples per image, k, for the likelihood bound of models that have one."""
    likelihood_images: Annotated[int, Between(1, 1_000_000)] = 10_000
    """Number of images for the likelihood bound, test images or validation images."""


class Samples(NamedTuple):
    """Generated images to measure."""

    images: np.ndarray  # u8[N,H,W]
    labels: np.ndarray | None  # i32[N], requested classes; None from an unconditional model


def data_of(options: RunOptions, data: DataRecord, data_dir: str | Path | None = None) -> Splits:
    """The data of a run, from `data_dir` or the run's own folder; a known data set needs neither.

    Raises UserError if they are not found, and RunError if the run was trained on other data.
    """
    own = options.data_dir
    gone = own is not None and not own.expanduser().is_dir()
    folder = data_dir or (None if gone and options.dataset in CATALOG else own)
    splits = catalog.load_splits(catalog.name_to_look_for(options.dataset, folder), folder)
    if validation.training(splits, hold_out=options.hold_out).train.digest != data.digest:
        raise RunError(
            f"{options.model} was trained on other data than this {splits.train.name}; name the "
            "folder of its own with --data-dir"
        )
    return catalog.renamed(splits, options.dataset)


def protocol(dataset: str, extent: Extent) -> Protocol:
    """The protocol for runs on a data set, with the data set's feature net. Raises UserError."""
    return Protocol(features.of(dataset).name, dataset, extent.reference, extent.samples)


def current(path: Path, step: int, protocol: Protocol, extent: Extent) -> Evaluation | None:
    """The evaluation in `path`, if it is of this step and as one of this protocol and extent would
    be, whether or not with the classification accuracy score. What a version that did not record it
    drew is taken for the same."""
    try:
        found = record.read(path)
    except record.RecordError:
        return None
    wanted = _extent(extent, likelihood=bool(found.likelihood))
    same = {name: found.subject.get(name, value) for name, value in wanted.items()} == wanted
    of = found.subject.get("step"), found.protocol
    return found if same and of == (step, protocol) else None


def check_reference(options: RunOptions, reference: Reference, name: str) -> None:
    """Raise RunError if the images to compare with are validation images that the run of these
    options was trained on, or training images that it was not trained on."""
    if reference == "validation" and not options.hold_out:
        raise RunError(
            f"{name} was trained on the validation images too; train it with --hold-out, or "
            "compare it with another --reference"
        )
    if reference == "train" and options.hold_out:
        raise RunError(
            f"{name} was not trained on the images of --reference train, which are the validation "
            "images; take --reference validation"
        )


def evaluate_state(run: Run, splits: Splits) -> Callable[[State], dict[str, float]]:
    """A function that measures a state during training and writes the run's evaluation.json.

    The best state is a choice, so it is not made on the test split: samples are compared with the
    validation images if the run does not train on them, else with the training images.
    """
    extent = Extent(reference="validation" if run.options.hold_out else "train")
    evaluator = Evaluator(features.of(splits.train.name), splits, extent.reference)

    def evaluate(state: State) -> dict[str, float]:
        state = drawing.finalised(run.model, run.data, state)
        samples = _measured_samples(run.model, state, evaluator, extent)
        described = evaluator.describe(*samples)
        evaluation = Evaluation(
            subject=_subject(run, state, evaluator, extent, best=False),
            protocol=evaluator.protocol(extent.samples),
            measures=evaluator.quality(described),
            likelihood={},
            details={"per_class": evaluator.within_classes(described)},
        )
        record.write(run.folder / record.NAME, evaluation)
        return {name: score.value for name, score in evaluation.measures.items()}

    return evaluate


def described(
    run: Run, evaluator: Evaluator, samples: int, ema_decay: float | None = None
) -> Described:
    """Samples of a run's newest state as the feature nets see them, with the class frequencies of
    the reference; by the average of `ema_decay`, if given. Raises RunError as `check_reference`
    does."""
    check_reference(run.options, evaluator.split, str(run.folder))
    extent = Extent(reference=evaluator.split, samples=samples)
    state = drawing.load_state(run, lambda _: None, ema_decay=ema_decay)
    return evaluator.describe(*_measured_samples(run.model, state, evaluator, extent))


def evaluate_run(
    run: Run,
    evaluator: Evaluator,
    extent: Extent,
    report: Callable[[str], None],
    *,
    best: bool = False,
    ema_decay: float | None = None,
) -> Evaluation:
    """Draw from a run and measure, by the average of `ema_decay` if it is given, with a picture of
    the closest pairs in its folder. `report` is called with a line about each damaged checkpoint
    and a picture that cannot be written. Raises RunError as `check_reference` does."""
    check_reference(run.options, evaluator.split, str(run.folder))
    state = drawing.load_state(run, report, best=best, ema_decay=ema_decay)
    subject = _subject(run, state, evaluator, extent, best=best)
    if ema_decay is not None:
        subject["ema_decay"] = ema_decay
    picture = run.folder / (
        "memorisation.png" if ema_decay is None else f"memorisation-ema-{ema_decay}.png"
    )
    return evaluate_model(run.model, state, evaluator, extent, subject, picture, report)


def evaluate_model(
    model: Model,
    state: State,
    evaluator: Evaluator,
    extent: Extent,
    subject: dict[str, Any],
    picture: Path | None = None,
    report: Callable[[str], None] = print,
) -> Evaluation:
    """Draw from a state and measure. `picture` is the path for the samples closest to training
    images, or None; `report` is called with a line if it cannot be written."""
    samples = _measured_samples(model, state, evaluator, extent)
    found = evaluate_samples(samples, evaluator, extent, subject, picture, report)
    return found._replace(
        measures=found.measures | _classification_score(model, state, evaluator, extent),
        likelihood=_likelihood(model, state, evaluator.unseen, extent),
    )


def evaluate_images(
    samples: Samples,
    evaluator: Evaluator,
    extent: Extent,
    name: str,
    picture: Path,
    report: Callable[[str], None],
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
    found = evaluate_samples(samples, evaluator, extent, subject, picture, report)
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
    report: Callable[[str], None],
) -> Evaluation:
    """All measures that need only samples. The samples closest to training images are drawn into
    `picture`, unless None, each above its nearest training image; `report` is called with a line if
    that fails."""
    described = evaluator.describe(*samples)
    quality = evaluator.quality(described, fd_infinity=extent.fd_infinity)
    copies = evaluator.memorisation(described, samples.images)
    if picture is not None:
        ours, theirs = np.array(copies.details["closest"]).T
        pair = samples.images[ours], evaluator.seen.images[theirs]
        names = ("sample", "nearest training image")
        try:
            render.save_png(render.pairs(*pair, PAIR_COLUMNS, names=names), picture)
        except UserError as error:  # the numbers are worth more than their picture
            report(str(error))
    return Evaluation(
        subject=subject,
        protocol=evaluator.protocol(len(samples.images)),
        measures=quality | ({"authenticity": copies.authenticity} if copies.authenticity else {}),
        likelihood={},
        details={
            "per_class": evaluator.within_classes(described),
            "memorisation": copies.details,
        },
    )


def _keys(seed: int) -> tuple[Key, Key]:
    """The keys of the samples that are measured and of those that a classifier is trained on."""
    key_samples, key_score = jax.random.split(drawing.key_for(Purpose.EVALUATION, seed))
    return key_samples, key_score


def _measured_samples(model: Model, state: State, evaluator: Evaluator, extent: Extent) -> Samples:
    """Samples to measure, with the class frequencies of the reference: other frequencies would
    cost even a perfect model."""
    labels = labels_like(evaluator.reference.labels, extent.samples)
    return _draw(model, state, labels, _keys(extent.seed)[0])


def _draw(model: Model, state: State, labels: np.ndarray, key: Key) -> Samples:
    images = drawing.draw(model, state, key, labels)
    return Samples(images, labels if model.algorithm.conditional else None)


def _subject(
    run: Run, state: State, evaluator: Evaluator, extent: Extent, *, best: bool
) -> dict[str, Any]:
    """A description, for JSON, of the state of a run that is evaluated."""
    return {
        "dataset": evaluator.splits.train.name,
        "name": run.folder.name,
        "model": run.options.model,
        "seed": run.options.seed,
        "step": int(state.step),
        "checkpoint": "best" if best else "last",
    } | _extent(extent, likelihood=run.model.algorithm.density is not None)


def _extent(extent: Extent, *, likelihood: bool) -> dict[str, int]:
    """What of an extent is not in the protocol, for JSON, of a model with a likelihood or not."""
    bounds = {"draws": extent.draws, "likelihood_images": extent.likelihood_images}
    return {"sampling_seed": extent.seed} | (bounds if likelihood else {})


def _classification_score(
    model: Model, state: State, evaluator: Evaluator, extent: Extent
) -> dict[str, Any]:
    """The classification accuracy score of a conditional model, {} without `extent.cas`."""
    if not (extent.cas and model.algorithm.conditional):
        return {}
    samples = _draw(model, state, evaluator.seen.labels, _keys(extent.seed)[1])
    return {"classification_score": evaluator.classification_score(*samples)}


def _likelihood(model: Model, state: State, real: Dataset, extent: Extent) -> dict[str, Any]:
    """Bounds on the likelihood of real images, {} for models without a likelihood."""
    density, latent = model.algorithm.density, model.algorithm.latent
    if density is None:
        return {}
    inputs = (x[: extent.likelihood_images] for x in (real.images, real.labels))
    draws = 1 if latent.codes is not None else extent.draws  # draws of discrete codes are all equal
    bounds, key = partial(programs.bounds, model, state), key_for(Purpose.LIKELIHOOD, extent.seed)
    found = likelihood(bounds, *inputs, draws, key)
    return {"observation": density.observation} | found
