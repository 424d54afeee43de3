"""Real images made worse in known ways, to test whether the measures detect it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from gen_models.data.catalog import Dataset
from gen_models.evaluation.protocol import SPACES

SEED = 0

# Real images, an amount -> worse images u8[N,H,W], labels i32[N].
Worsen = Callable[["RealImages", float], tuple[np.ndarray, np.ndarray]]


class RealImages(NamedTuple):
    """Real images to make worse."""

    images: np.ndarray  # u8[N,H,W], as many as there are samples in a measurement
    labels: np.ndarray  # i32[N]
    train: Dataset  # all images that a model could have learnt by heart

    @property
    def rng(self) -> np.random.Generator:
        """A new generator with a fixed seed, so that results differ in the amount alone."""
        return np.random.Generator(np.random.Philox(SEED))


class Degradation(NamedTuple):
    """A way to make images worse, with growing amounts."""

    title: str  # what is done, with {} for the amount
    worsen: Worsen
    amounts: Sequence[float]  # from little to much
    seen_by: Sequence[str]  # names in MEASURES of the measures that claim to see it
    in_real: str = "train"  # split of the images that are made worse


def repeated(source: RealImages, count: float) -> tuple[np.ndarray, np.ndarray]:
    """The first `count` images, equally many of each class, repeated to N images."""
    each = int(count) // source.train.num_classes
    classes = range(source.train.num_classes)
    first = [np.resize(np.flatnonzero(source.labels == c)[:each], each) for c in classes]
    rows = np.resize(np.stack(first, axis=1).ravel(), len(source.labels))
    return source.images[rows], source.labels[rows]


def without_classes(source: RealImages, count: float) -> tuple[np.ndarray, np.ndarray]:
    """The images without those of the last `count` classes, repeated to N images."""
    kept = np.flatnonzero(source.labels < source.train.num_classes - count)
    rows = np.resize(kept, len(source.labels))
    return source.images[rows], source.labels[rows]


def unbalanced(source: RealImages, share: float) -> tuple[np.ndarray, np.ndarray]:
    """The images, with a `share` of those of the first half of the classes replaced by images of
    the other half."""
    first = np.flatnonzero(source.labels < source.train.num_classes / 2)
    second = np.flatnonzero(source.labels >= source.train.num_classes / 2)
    rows = np.arange(len(source.labels))
    gone = first[: round(share * len(first))]
    rows[gone] = np.resize(second, len(gone))
    return source.images[rows], source.labels[rows]


def typical(source: RealImages, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Training images without the `share` of each class farthest from the class mean, with the
    class frequencies of the source."""
    rows = np.empty(len(source.labels), int)
    for label in range(source.train.num_classes):
        members = np.flatnonzero(source.train.labels == label)
        flat = source.train.images[members].reshape(len(members), -1).astype(np.float32)
        order = np.argsort(np.sum((flat - flat.mean(axis=0)) ** 2, axis=1), kind="stable")
        left = members[order[: round((1 - share) * len(members))]]
        places = np.flatnonzero(source.labels == label)
        rows[places] = np.resize(source.rng.permutation(left), len(places))
    return source.train.images[rows], source.labels


def blurred(source: RealImages, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Images under a Gaussian filter of `sigma` pixels."""
    smooth = ndimage.gaussian_filter(source.images.astype(np.float32), (0, sigma, sigma))
    return _bytes(smooth), source.labels


def noisy(source: RealImages, deviation: float) -> tuple[np.ndarray, np.ndarray]:
    """Images with Gaussian noise of `deviation` grey values."""
    noise = source.rng.standard_normal(source.images.shape, np.float32)
    return _bytes(source.images + deviation * noise), source.labels


def faded(source: RealImages, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Images that are darker by `share`."""
    return _bytes(source.images * np.float32(1 - share)), source.labels


def shifted(source: RealImages, pixels: float) -> tuple[np.ndarray, np.ndarray]:
    """Images moved to the right by `pixels`, with black behind them."""
    moved = np.zeros_like(source.images)
    moved[:, :, int(pixels) :] = source.images[:, :, : -int(pixels)]
    return moved, source.labels


def mirrored(source: RealImages, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Images of which a `share` is mirrored left to right."""
    return _replace_share(source, share, source.images[:, :, ::-1])


def mixed(source: RealImages, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Images of which a `share` is averaged with an image of another class."""
    # In order of class, a shift by the size of the largest class gives each place another class.
    by_class = np.argsort(source.labels, kind="stable")
    order = np.empty_like(by_class)
    order[by_class] = np.roll(by_class, np.bincount(source.labels).max())
    half = (source.images.astype(np.float32) + source.images[order]) / 2
    return _replace_share(source, share, _bytes(half))


def memorised(source: RealImages, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Images of which a `share` is replaced by training images of the same class."""
    copies = np.empty_like(source.images)
    for label in range(source.train.num_classes):
        places = np.flatnonzero(source.labels == label)
        members = source.train.images[source.train.labels == label]
        copies[places] = np.resize(members, (len(places), *members.shape[1:]))
    return _replace_share(source, share, copies)


def mislabelled(source: RealImages, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Images of which a `share` has another label, drawn at random."""
    classes = source.train.num_classes
    wrong = (source.labels + source.rng.integers(1, classes, len(source.labels))) % classes
    labels = np.where(_random_mask(source, share), wrong, source.labels)
    return source.images, labels.astype(np.int32)


def _replace_share(
    source: RealImages, share: float, others: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The images, with a `share` of them replaced by those of `others` at the same index."""
    replaced = _random_mask(source, share)
    return np.where(replaced[:, None, None], others, source.images), source.labels


def _random_mask(source: RealImages, share: float) -> np.ndarray:
    """Mask bool[N] of a random `share`; a larger share includes a smaller one."""
    order = np.random.Generator(np.random.Philox(SEED + 1)).permutation(len(source.labels))
    return order < round(share * len(source.labels))


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


_FIDELITY = ("fid", "kid", "precision", "coverage")
_VARIETY = ("fid", "recall", "coverage")


def _in_both(names: Sequence[str]) -> tuple[str, ...]:
    """The names of measures in both spaces of features."""
    return tuple(name + suffix for suffix in SPACES.values() for name in names)


DEGRADATIONS = {
    "repeated": Degradation(
        "{:g} images, repeated",
        repeated,
        (3000, 1000, 300, 100, 30, 10),
        (*_in_both(_VARIETY), "classification_score"),
    ),
    "without classes": Degradation(
        "classes missing: {:g}", without_classes, (1, 2, 5), (*_in_both(_VARIETY), "class_gap")
    ),
    "typical": Degradation(
        "the {:.0%} least typical of each class missing",
        typical,
        (0.25, 0.5, 0.75),
        _in_both(_VARIETY),
    ),
    "unbalanced": Degradation(
        "{:.0%} of half of the classes replaced by the others",
        unbalanced,
        (0.25, 0.5, 0.75),
        (*_in_both(("fid",)), "class_gap"),
    ),
    "blurred": Degradation("blurred by {:g} pixels", blurred, (0.5, 0.75, 1), _in_both(_FIDELITY)),
    "noisy": Degradation("noise of {:g} grey values", noisy, (8, 16, 32), _in_both(_FIDELITY)),
    "faded": Degradation("darker by {:.0%}", faded, (0.1, 0.25, 0.5), _in_both(("fid", "kid"))),
    "shifted": Degradation("shifted by {:g} pixels", shifted, (1, 2, 3), _in_both(_FIDELITY)),
    "mirrored": Degradation("{:.0%} mirrored", mirrored, (0.25, 0.5, 1), ("fid",)),
    "mixed": Degradation(
        "{:.0%} mixed with another class", mixed, (0.1, 0.25, 0.5), _in_both(("fid", "precision"))
    ),
    "memorised": Degradation(
        "{:.0%} copied from training images",
        memorised,
        (0.1, 0.25, 0.5, 1),
        ("authenticity",),
        "test",
    ),
    "mislabelled": Degradation(
        "{:.0%} of the labels wrong",
        mislabelled,
        (0.1, 0.25, 0.5),
        ("label_accuracy", "classification_score"),
    ),
}
