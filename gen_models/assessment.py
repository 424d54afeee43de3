"""Evaluation of runs: draws samples, with keys that training does not use, and measures them."""

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
from gen_models.data.images import ImagesError, read_images, read_labels
from gen_models.data.known import CATALOG
from gen_models.errors import UserError
from gen_models.evaluation import features, record
from gen_models.evaluation.evaluator import MIN_SAMPLES, Evaluator, Reference
from gen_models.evaluation.features import Described
from gen_models.evaluation.likelihood import likelihood
from gen_models.evaluation.protocol import Protocol
from gen_models.evaluation.record import Evaluation
from gen_models.fields import Between, Seed
from gen_models.model import Model
from gen_models.runs import DataRecord, Run, RunError, RunOptions
from gen_models.sampling import drawing
from gen_models.sampling.drawing import Purpose, key_for

PAIR_COLUMNS = 20


@dataclass(frozen=True)
class EvaluationExtent:
    """Extent of a measurement: samples, reference and optional measures."""

    samples: Annotated[int, Between(10, 1_000_000)] = 10_000
    """Number of images to draw from each run."""
    reference: Reference = "test"
    """Images to compare with: test for a report; validation to choose settings, only for runs
    trained with --hold-out; train, only for runs trained without it: as many training images as
    there are validation images."""
    seed: Seed = 0
    """Seed of the drawn latents."""
    fd_infinity: bool = False
    """Also compute FID extrapolated to infinitely many samples. Needs 7680, 15 per feature."""
    cas: bool = False
    """Also compute the classification accuracy score (CAS) of conditional models, with three
    classifiers trained on as many samples as there are training images. Takes minutes."""
    draws: Annotated[int, Between(1, 5000)] = 100
    """Importance samples per image, k, for the likelihood bound of models that have one."""
    likelihood_images: Annotated[int, Between(1, 1_000_000)] = 10_000
    """Number of test or validation images for the likelihood bound."""


class Samples(NamedTuple):
    """Generated images to measure."""

    images: np.ndarray  # u8[N,H,W]
    labels: np.ndarray | None  # i32[N], requested classes; None from an unconditional model


def read_samples(
    path: Path, labels_path: Path | None, real: Dataset, *, unlabelled: bool = False
) -> Samples:
    """The images of another program, to be measured against `real`, and their labels: those in
    `labels_path` or, if that is None, in `path` itself; none if `unlabelled`. Raises UserError,
    with the file, for images or labels that do not fit."""
    has_own_labels = labels_path is None and not unlabelled
    pixels, labels = read_images(path, real.class_names if has_own_labels else ())
    if labels_path is not None:
        labels = read_labels(labels_path)
    if len(pixels) < MIN_SAMPLES:
        raise ImagesError(
            f"{path}: found {len(pixels)} samples, expected {MIN_SAMPLES} or more; draw more"
        )
    found, wanted = ("×".join(map(str, shape)) for shape in (pixels.shape[1:], real.image_shape))
    if found != wanted:
        raise ImagesError(f"{path}: found images of {found}, expected {wanted} as in {real.name}")
    if labels is None or unlabelled:
        return Samples(pixels, None)
    if len(labels) != len(pixels) or np.any((labels < 0) | (labels >= real.num_classes)):
        raise ImagesError(
            f"{labels_path or path}: found {len(labels)} labels from {labels.min()} to "
            f"{labels.max()}, expected one from 0 to {real.num_classes - 1} for each of "
            f"{len(pixels)} images"
        )
    return Samples(pixels, labels)


def load_run_data(
    options: RunOptions, data: DataRecord, data_dir: str | Path | None = None
) -> Splits:
    """The data of a run, from `data_dir` or the run's own folder; a known data set needs neither.

    Raises UserError if they are not found, and RunError if the run was trained on other data.
    """
    recorded = options.data_dir
    is_gone = recorded is not None and not recorded.expanduser().is_dir()
    folder = data_dir or (None if is_gone and options.dataset in CATALOG else recorded)
    splits = catalog.load_splits(catalog.name_to_look_for(options.dataset, folder), folder)
    if validation.training(splits, hold_out=options.hold_out).train.digest != data.digest:
        raise RunError(
            f"{options.model} was trained on other data than this {splits.train.name}; name the "
            "folder of its own with --data-dir"
        )
    return catalog.with_name(splits, options.dataset)


def protocol(dataset: str, extent: EvaluationExtent) -> Protocol:
    """The protocol for runs on a data set, with the data set's feature net. Raises UserError."""
    return Protocol(features.of(dataset).name, dataset, extent.reference, extent.samples)


def match_evaluation(
    path: Path, step: int, protocol: Protocol, extent: EvaluationExtent
) -> Evaluation | None:
    """The evaluation in `path` if its step, protocol and extent are these, with or without the
    classification accuracy score, else None. Settings that an older version did not record are
    taken to match."""
    try:
        evaluation = record.read(path)
    except record.RecordError:
        return None
    subject = evaluation.subject
    wanted = _extent_fields(extent, likelihood=bool(evaluation.likelihood))
    recorded = {name: subject.get(name, value) for name, value in wanted.items()}
    is_same = (subject.get("step"), evaluation.protocol, recorded) == (step, protocol, wanted)
    return evaluation if is_same else None


def check_reference(options: RunOptions, reference: Reference, name: str) -> None:
    """Raise RunError if the reference is validation images that the run with these options was
    trained on, or training images that it was not trained on."""
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

    The best state is not chosen on the test split: samples are compared with the validation images
    if the run does not train on them, else with the training images.
    """
    extent = EvaluationExtent(reference="validation" if run.options.hold_out else "train")
    evaluator = Evaluator(features.of(splits.train.name), splits, extent.reference)

    def evaluate(state: State) -> dict[str, float]:
        state = drawing.finalise(run.model, run.data, state)
        samples = _draw_like_reference(run.model, state, evaluator, extent)
        described = evaluator.describe(*samples)
        evaluation = Evaluation(
            subject=_subject(run, state, evaluator, best=False) | _extent_of(run.model, extent),
            protocol=evaluator.protocol(extent.samples),
            measures=evaluator.quality(described),
            likelihood={},
            details={"per_class": evaluator.within_classes(described)},
        )
        record.write(run.folder / record.NAME, evaluation)
        return {name: score.value for name, score in evaluation.measures.items()}

    return evaluate


def describe_run(
    run: Run, evaluator: Evaluator, samples: int, ema_decay: float | None = None
) -> Described:
    """Features and predicted classes of samples of a run's newest state, with the class frequencies
    of the reference; by the average with decay `ema_decay`, if given. Raises RunError as
    `check_reference` does."""
    check_reference(run.options, evaluator.split, str(run.folder))
    extent = EvaluationExtent(reference=evaluator.split, samples=samples)
    state = drawing.load_state(run, lambda _: None, ema_decay=ema_decay)
    return evaluator.describe(*_draw_like_reference(run.model, state, evaluator, extent))


def evaluate_run(
    run: Run,
    evaluator: Evaluator,
    extent: EvaluationExtent,
    report: Callable[[str], None],
    *,
    best: bool = False,
    ema_decay: float | None = None,
) -> Evaluation:
    """Draw samples from a run, by the average with decay `ema_decay` if given, measure them, and
    write a picture of the closest pairs into its folder. `report` is called with a line about each
    damaged checkpoint and a picture that cannot be written. Raises RunError as `check_reference`
    does."""
    check_reference(run.options, evaluator.split, str(run.folder))
    state = drawing.load_state(run, report, best=best, ema_decay=ema_decay)
    subject = _subject(run, state, evaluator, best=best)
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
    extent: EvaluationExtent,
    subject: dict[str, Any],
    picture: Path | None = None,
    report: Callable[[str], None] = print,
) -> Evaluation:
    """Draw samples from a state and measure them. `subject` describes the state; how it is measured
    is added. `picture` is the path for a picture of the samples closest to training images, or
    None; `report` is called with a line if it cannot be written."""
    samples = _draw_like_reference(model, state, evaluator, extent)
    subject = subject | _extent_of(model, extent)
    evaluation = evaluate_samples(samples, evaluator, extent, subject, picture, report)
    return evaluation._replace(
        measures=evaluation.measures | _classification_score(model, state, evaluator, extent),
        likelihood=_likelihood(model, state, evaluator.unseen, extent),
    )


def evaluate_images(
    samples: Samples,
    evaluator: Evaluator,
    extent: EvaluationExtent,
    name: str,
    picture: Path,
    report: Callable[[str], None],
) -> Evaluation:
    """Measure the images of another program."""
    subject = {"dataset": evaluator.splits.train.name, "name": name}
    evaluation = evaluate_samples(samples, evaluator, extent, subject, picture, report)
    if samples.labels is None or not extent.cas:
        return evaluation
    score = {"classification_score": evaluator.classification_score(*samples)}
    return evaluation._replace(measures=evaluation.measures | score)


def evaluate_samples(
    samples: Samples,
    evaluator: Evaluator,
    extent: EvaluationExtent,
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


def _split_keys(seed: int) -> tuple[Key, Key]:
    """The keys of the samples that are measured and of those that a classifier is trained on."""
    key_samples, key_score = jax.random.split(drawing.key_for(Purpose.EVALUATION, seed))
    return key_samples, key_score


def _draw_like_reference(
    model: Model, state: State, evaluator: Evaluator, extent: EvaluationExtent
) -> Samples:
    """Samples to measure, with the class frequencies of the reference: others would worsen the
    measures of even a perfect model."""
    labels = labels_like(evaluator.reference.labels, extent.samples)
    return _draw(model, state, labels, _split_keys(extent.seed)[0])


def _draw(model: Model, state: State, labels: np.ndarray, key: Key) -> Samples:
    images = drawing.draw(model, state, key, labels)
    return Samples(images, labels if model.algorithm.conditional else None)


def _subject(run: Run, state: State, evaluator: Evaluator, *, best: bool) -> dict[str, Any]:
    """A description, for JSON, of the evaluated state of a run."""
    return {
        "dataset": evaluator.splits.train.name,
        "name": run.folder.name,
        "model": run.options.model,
        "seed": run.options.seed,
        "step": int(state.step),
        "checkpoint": "best" if best else "last",
    }


def _extent_of(model: Model, extent: EvaluationExtent) -> dict[str, int]:
    """How a model is measured, as far as the protocol does not say it, for JSON."""
    return _extent_fields(extent, likelihood=model.algorithm.density is not None)


def _extent_fields(extent: EvaluationExtent, *, likelihood: bool) -> dict[str, int]:
    """Fields of an extent that are not in the protocol, for JSON; the last two if `likelihood`."""
    bounds = {"draws": extent.draws, "likelihood_images": extent.likelihood_images}
    return {"sampling_seed": extent.seed} | (bounds if likelihood else {})


def _classification_score(
    model: Model, state: State, evaluator: Evaluator, extent: EvaluationExtent
) -> dict[str, Any]:
    """Classification accuracy score; {} for unconditional models or without `extent.cas`."""
    if not (extent.cas and model.algorithm.conditional):
        return {}
    samples = _draw(model, state, evaluator.seen.labels, _split_keys(extent.seed)[1])
    return {"classification_score": evaluator.classification_score(*samples)}


def _likelihood(
    model: Model, state: State, real: Dataset, extent: EvaluationExtent
) -> dict[str, Any]:
    """Bounds on the likelihood of real images, {} for models without a likelihood."""
    density, latent = model.algorithm.density, model.algorithm.latent
    if density is None:
        return {}
    inputs = (x[: extent.likelihood_images] for x in (real.images, real.labels))
    draws = 1 if latent.codes is not None else extent.draws  # draws of discrete codes are all equal
    bounds, key = partial(programs.bounds, model, state), key_for(Purpose.LIKELIHOOD, extent.seed)
    return {"observation": density.observation} | likelihood(bounds, *inputs, draws, key)
