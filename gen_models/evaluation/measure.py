"""All measures of a set of samples, each with its standard error and its floor."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gen_models.evaluation import frechet, kernel, manifold
from gen_models.evaluation.features import Described
from gen_models.evaluation.frechet import FittedFeatures, MeasureError, gaussian
from gen_models.evaluation.manifold import DENSITY_NEIGHBOURS
from gen_models.evaluation.protocol import SPACES

BOOTSTRAPS = 1000
SEED = 0


class Estimate(NamedTuple):
    """A number and its standard error. For a mean of few values (CAS, of three classifiers) the
    error is half of the 95 % interval of Student's t, divided by 1.96."""

    value: float  # the number
    error: float | None  # standard error of the value, if known


class Score(NamedTuple):
    """A measure of samples and, as its floor, the same measure of real images."""

    value: float  # the measure of the samples
    error: float | None  # standard error of the value, if known
    floor: float | None  # the measure of as many real images, if known
    floor_error: float | None  # standard error of the floor, if known

    @classmethod
    def of(cls, estimate: Estimate, floor: Sequence[float | None] | None) -> "Score":
        """The score made of an estimate and the (value, error) of its floor."""
        return cls(*estimate, *(floor or (None, None)))


class Measure(NamedTuple):
    """Presentation of a measure."""

    title: str  # heading of its row or column
    better: str  # "lower", "higher" or "real": as near to the value of real images as possible
    digits: int  # decimals that are shown
    meaning: str  # explanation for a legend
    space: str | None = None  # name in SPACES, None for a measure of labels or copies
    needs: str = ""  # what it needs that data may lack


_MANY = f"more than {DENSITY_NEIGHBOURS} samples and real images, and so many of the other split"
_DIFFERENT = "training images that differ, and for real images test images that are none of them"
_OF_FEATURES = {
    "fid": ("FID", "lower", 2, "Fréchet distance of the features; 0 is perfect"),
    "fid_reweighted": (
        "FID, reweighted",
        "lower",
        2,
        "FID of samples weighted so that the predicted classes that occur are as frequent as real "
        "ones, for models that are not told the class; what it is lower by is due to frequencies",
    ),
    "kid": ("KID × 1000", "lower", 2, "kernel distance of the features, times 1000"),
    "precision": ("precision", "real", 3, "samples that lie among real images", _MANY),
    "recall": ("recall", "higher", 3, "real images that lie among samples", _MANY),
    "density": ("density", "real", 3, "how densely real images surround samples", _MANY),
    "coverage": ("coverage", "higher", 3, "real images with a sample close by", _MANY),
    "fd_infinity": ("FD∞", "lower", 2, "FID extrapolated to infinitely many samples"),
}


def _in_space(space: str, title: str, *rest: Any) -> Measure:
    suffix = f" ({space})" if SPACES[space] else ""
    return Measure(title + suffix, *rest[:3], space, *rest[3:])


MEASURES = {
    name + suffix: _in_space(space, *row)
    for space, suffix in SPACES.items()
    for name, row in _OF_FEATURES.items()
} | {
    "class_gap": Measure("class gap", "lower", 3, "total variation of the classes' frequencies"),
    "label_accuracy": Measure(
        "label accuracy", "real", 3, "samples that the classifier takes for the class asked for"
    ),
    "authenticity": Measure(
        "authenticity",
        "real",
        3,
        "samples that are nobody's near-copy: below real images' value are copies, above it blur",
        needs=_DIFFERENT,
    ),
    "classification_score": Measure(
        "CAS", "higher", 3, "test accuracy of a classifier trained on samples alone"
    ),
}
KID_SCALE = 1000


def measure(samples: Described, reference: Described) -> dict[str, Estimate]:
    """Measure samples against a reference, in every space of features.

    Returns fidelity and diversity by their names in MEASURES, and label accuracy if the samples
    have labels. Measures by neighbours are left out if either set is too small. Raises MeasureError
    if either has fewer than two images.
    """
    estimates = fids(samples, reference)
    for space, suffix in SPACES.items():
        ours, theirs = samples.features[space], reference.features[space]
        of_space = kernel_distance(ours, theirs) | among_neighbours(ours, theirs)
        estimates |= {name + suffix: estimate for name, estimate in of_space.items()}
    estimates["class_gap"] = class_gap(samples.predicted, reference.predicted)
    if samples.labels is not None:
        estimates["label_accuracy"] = mean(samples.predicted == samples.labels)
    return {name: estimates[name] for name in MEASURES if name in estimates}


def fids(samples: Described, reference: Described) -> dict[str, Estimate]:
    """FID of samples in every space of features, and reweighted FID for samples without labels, by
    their names in MEASURES."""
    weights = None
    if samples.labels is None:
        weights = class_weights(samples.predicted, reference.predicted)
    return {
        name + suffix: estimate
        for space, suffix in SPACES.items()
        for name, estimate in distances(
            samples.features[space], reference.features[space], weights
        ).items()
    }


def distances(
    samples: np.ndarray, reference: np.ndarray, weights: np.ndarray | None = None
) -> dict[str, Estimate]:
    """Fréchet distance of the Gaussians fitted to features [N,D] and [M,D], and its error; also
    that of the weighted samples, if weights f64[N] >= 0 are given and two or more are positive."""
    theirs = frechet.fit(reference)
    estimates = {"fid": _distance(frechet.fit(samples), theirs)}
    if weights is not None and np.count_nonzero(weights) > 1:
        estimates["fid_reweighted"] = _distance(frechet.fit(samples, weights), theirs)
    return estimates


def _distance(samples: FittedFeatures, reference: FittedFeatures) -> Estimate:
    value = frechet.distance(samples.gaussian, reference.gaussian)
    return Estimate(value, frechet.standard_error(samples, reference))


def among_neighbours(samples: np.ndarray, reference: np.ndarray) -> dict[str, Estimate]:
    """Precision, recall, density and coverage of features [N,D] against [M,D]; {} if either set is
    too small."""
    try:
        near = manifold.manifold(samples, reference)
    except MeasureError:
        return {}
    errors = manifold.standard_errors(samples, reference) or {}
    return {
        name: Estimate(float(entries.mean()), errors.get(name))
        for name, entries in near._asdict().items()
    }


def class_weights(predicted: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Weights f64[N] under which classes i32[N] are as frequent as in the reference i32[M]: the
    class's frequency in the reference divided by that in the samples, 0 for a class that the
    reference lacks. No weight can make up for a class that the samples lack."""
    size = 1 + max(predicted.max(), reference.max())
    wanted = np.bincount(reference, minlength=size) / len(reference)
    frequencies = np.bincount(predicted, minlength=size) / len(predicted)
    return (wanted / np.maximum(frequencies, 1 / len(predicted)))[predicted]


def kernel_distance(features: np.ndarray, reference: np.ndarray) -> dict[str, Estimate]:
    """KID × 1000 of features [N,D] and [M,D], over subsets as large as the smaller set, at most
    1000, and its error. For sets of one size, 2000 or more, the same subsets give the error."""
    size = min(kernel.SUBSET_SIZE, len(features), len(reference))
    distance = kernel.distance(features, reference, subset_size=size)
    if len(features) == len(reference) >= 2 * size:
        error = distance.deviation / np.sqrt(len(features) / size - 1)
    else:
        error = kernel.standard_error(features, reference)
    scaled = None if error is None else float(KID_SCALE * error)
    return {"kid": Estimate(KID_SCALE * distance.mean, scaled)}


def class_gap(predicted: np.ndarray, reference: np.ndarray) -> Estimate:
    """Total variation distance, 0 to 1, of the class frequencies of predictions i32[N] and i32[M].

    If one class of ten is missing, it is about 0.1 or more. The error is by bootstrap.
    """
    size = 1 + max(predicted.max(), reference.max())
    wanted = np.bincount(reference, minlength=size) / len(reference)
    frequencies = np.bincount(predicted, minlength=size) / len(predicted)
    rng = np.random.Generator(np.random.Philox(SEED))
    resampled = rng.multinomial(len(predicted), frequencies, size=BOOTSTRAPS) / len(predicted)
    gaps = 0.5 * np.abs(resampled - wanted).sum(axis=1)
    return Estimate(float(0.5 * np.abs(frequencies - wanted).sum()), float(gaps.std(ddof=1)))


def mean(entries: np.ndarray) -> Estimate:
    """The mean of one or more entries and its standard error, which is None for one entry."""
    error = float(entries.std(ddof=1) / np.sqrt(len(entries))) if len(entries) > 1 else None
    return Estimate(float(entries.mean()), error)


def by_class(
    samples: Described, reference: Described, class_names: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    """Measures within each class, by the class's name: precision, recall and coverage of the
    self-supervised features, FID of the classifier features, which have few enough dimensions for
    it, and label accuracy.

    The class of a sample is the requested one or, from an unconditional model, the predicted one;
    that of a real image is its label. A class without real images has no row, and a measure is None
    for a class with too few samples.
    """
    classes = samples.predicted if samples.labels is None else samples.labels
    return {
        name: _within_class(
            samples.take(classes == label), reference.take(reference.labels == label)
        )
        for label, name in enumerate(class_names)
        if np.any(reference.labels == label)
    }


def _within_class(samples: Described, real: Described) -> dict[str, Any]:
    row: dict[str, Any] = {"samples": len(samples.predicted)}
    both = samples, real
    try:
        fitted = (gaussian(images.features["classifier"]) for images in both)
        row["fid_classifier"] = frechet.distance(*fitted)
        near = manifold.manifold(*(images.features["self-supervised"] for images in both))
        parts = near._asdict().items()
        row |= {name: float(entries.mean()) for name, entries in parts if name != "density"}
    except MeasureError:
        row |= dict.fromkeys(("fid_classifier", "precision", "recall", "coverage"))
    if samples.labels is not None:
        right = samples.predicted == samples.labels
        row["label_accuracy"] = float(right.mean()) if len(right) else None
    return row
