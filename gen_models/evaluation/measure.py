"""All measures of a set of samples, each with its standard error and its floor."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gen_models.evaluation import frechet, kernel
from gen_models.evaluation.features import Described
from gen_models.evaluation.frechet import Gaussian, MeasureError, gaussian
from gen_models.evaluation.manifold import DENSITY_NEIGHBOURS, manifold

BOOTSTRAPS = 50
SEED = 0


class Estimate(NamedTuple):
    """A number and its standard error."""

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
        """The score of an estimate and the (value, error) of its floor."""
        return cls(*estimate, *(floor or (None, None)))


class Measure(NamedTuple):
    """Presentation of a measure."""

    title: str  # heading of its row or column
    better: str  # "lower" or "higher"
    digits: int  # decimals that are shown
    meaning: str  # explanation for a legend
    needs: str = ""  # what the data may lack for it


_MANY = f"more than {DENSITY_NEIGHBOURS} samples and real images, and so many of the other split"
_DIFFERENT = "training images that differ, and for real images test images that are none of them"
MEASURES = {
    "fid": Measure("FID", "lower", 2, "Fréchet distance of the features; 0 is perfect"),
    "kid": Measure("KID × 1000", "lower", 2, "kernel distance of the features, times 1000"),
    "precision": Measure("precision", "higher", 3, "samples that lie among real images", _MANY),
    "recall": Measure("recall", "higher", 3, "real images that lie among samples", _MANY),
    "density": Measure("density", "higher", 3, "how densely real images surround samples", _MANY),
    "coverage": Measure("coverage", "higher", 3, "real images with a sample close by", _MANY),
    "class_gap": Measure("class gap", "lower", 3, "total variation of the classes' frequencies"),
    "label_accuracy": Measure("label accuracy", "higher", 3, "samples of the class asked for"),
    "authenticity": Measure(
        "authenticity", "higher", 3, "samples that are nobody's near-copy", _DIFFERENT
    ),
    "classification_score": Measure("CAS", "higher", 3, "test accuracy when trained on samples"),
    "fd_infinity": Measure("FD∞", "lower", 2, "FID extrapolated to infinitely many samples"),
}
KID_SCALE = 1000


def measure(samples: Described, reference: Described, target: Gaussian) -> dict[str, Estimate]:
    """Measure samples against a reference, whose Gaussian is `target`.

    Returns fidelity and diversity by their names in MEASURES, and label accuracy if the samples
    have labels. What needs neighbours is left out if there are too few of either. Raises
    MeasureError if there are fewer than two.
    """
    found = {
        "fid": fid(samples.features, target),
        "kid": kid(samples.features, reference.features),
        **_among_neighbours(samples.features, reference.features),
        "class_gap": class_gap(samples.predicted, reference.predicted),
    }
    if samples.labels is not None:
        found["label_accuracy"] = mean(samples.predicted == samples.labels)
    return found


def _among_neighbours(samples: np.ndarray, reference: np.ndarray) -> dict[str, Estimate]:
    """Precision, recall, density and coverage; {} if there are too few images of either."""
    try:
        near = manifold(samples, reference)
    except MeasureError:
        return {}
    return {name: mean(entries) for name, entries in near._asdict().items()}


def fid(features: np.ndarray, target: Gaussian) -> Estimate:
    """Fréchet distance of features [N,D] to a Gaussian, with an error by bootstrap over samples.

    Resampling repeats samples, which raises the distance as fewer samples would; its deviation is
    that of the distance itself, or up to twice that close to the floor.
    """
    found = frechet.distance(gaussian(features), target)
    rng = np.random.Generator(np.random.Philox(SEED))
    count = len(features)
    values = [
        frechet.distance(_weighted(features, rng.multinomial(count, [1 / count] * count)), target)
        for _ in range(BOOTSTRAPS)
    ]
    return Estimate(found, float(np.std(values, ddof=1)))


def _weighted(features: np.ndarray, counts: np.ndarray) -> Gaussian:
    """The Gaussian of features [N,D] repeated counts[N] times, precise enough for errors."""
    features = features.astype(np.float64)
    mean = counts @ features / counts.sum()
    centred = (features - mean) * np.sqrt(counts / (counts.sum() - 1))[:, None]
    values, vectors = np.linalg.eigh(centred.T @ centred)
    return Gaussian(mean, np.sqrt(values.clip(0))[:, None] * vectors.T, int(counts.sum()))


def kid(features: np.ndarray, reference: np.ndarray) -> Estimate:
    """KID × 1000 of features [N,D] and [M,D], over subsets of 1000, or of all if there are fewer.

    The error is that of the delete-d jackknife (Shao & Wu 1989, §2): the deviation over subsets of
    m of N points, over √(N/m - 1).
    """
    smallest = min(len(features), len(reference))
    size = min(kernel.SUBSET_SIZE, smallest)
    found = kernel.distance(features, reference, subset_size=size)
    left_out = smallest / size - 1
    error = float(KID_SCALE * found.deviation / np.sqrt(left_out)) if left_out > 0 else None
    return Estimate(KID_SCALE * found.mean, error)


def class_gap(predicted: np.ndarray, reference: np.ndarray) -> Estimate:
    """Total variation distance, 0 to 1, of the class frequencies of predictions i32[N] and i32[M].

    If one class of ten is missing it is about 0.1 or more. The error is by bootstrap.
    """
    size = 1 + max(predicted.max(), reference.max())
    wanted = np.bincount(reference, minlength=size) / len(reference)
    found = np.bincount(predicted, minlength=size) / len(predicted)
    rng = np.random.Generator(np.random.Philox(SEED))
    resampled = rng.multinomial(len(predicted), found, size=BOOTSTRAPS) / len(predicted)
    gaps = 0.5 * np.abs(resampled - wanted).sum(axis=1)
    return Estimate(float(0.5 * np.abs(found - wanted).sum()), float(gaps.std(ddof=1)))


def mean(entries: np.ndarray) -> Estimate:
    """The mean of one or more entries and its standard error, which is not known of one.

    The entries of recall and coverage belong to real images, so that their errors do not include
    the variation between sets of samples: they are up to a third too small.
    """
    error = float(entries.std(ddof=1) / np.sqrt(len(entries))) if len(entries) > 1 else None
    return Estimate(float(entries.mean()), error)


def by_class(
    samples: Described, reference: Described, class_names: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    """FID, precision, recall and label accuracy within each class, by the class's name.

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


def _within_class(own: Described, real: Described) -> dict[str, Any]:
    row: dict[str, Any] = {"samples": len(own.features)}
    try:
        row["fid"] = frechet.distance(gaussian(own.features), gaussian(real.features))
        near = manifold(own.features, real.features)
        row |= {"precision": float(near.precision.mean()), "recall": float(near.recall.mean())}
    except MeasureError:
        row |= dict.fromkeys(("fid", "precision", "recall"))
    if own.labels is not None:
        right = own.predicted == own.labels
        row["label_accuracy"] = float(right.mean()) if len(right) else None
    return row
