"""How far a map can be believed: whether it keeps classes and neighbours together."""

from typing import NamedTuple

import numpy as np

from gen_models import extras
from gen_models.evaluation.neighbours import rows_of_distances

NEIGHBOURS = 10  # for the classification
TRUSTED_NEIGHBOURS = 12  # for the trustworthiness, as in van der Maaten 2009
MOST = 5000  # largest number of images that are classified, or compared as neighbours


class Quality(NamedTuple):
    """Numbers of a map of real images, each in [0, 1]."""

    accuracy: float  # of classes predicted by the 10 nearest other images in the map
    accuracy_in_space: float  # the same in the space of the points
    trustworthiness: float  # 1: neighbours in the map were neighbours before it was made


def quality(points: np.ndarray, places: np.ndarray, labels: np.ndarray, seed: int) -> Quality:
    """Quality of places f32[N,2] as a map of points f32[N,D] with classes i32[N].

    At most 5000 images, chosen by the seed, are classified, each by all other images;
    trustworthiness (Venna & Kaski 2001, eq. 2) is computed among those 5000.
    """
    with extras.needed(extras.ANALYSIS):
        from sklearn.manifold import trustworthiness

    chosen = np.random.default_rng(seed).permutation(len(points))[:MOST]
    count = min(TRUSTED_NEIGHBOURS, max(1, len(chosen) // 2 - 1))
    trust = trustworthiness(points[chosen], places[chosen], n_neighbors=count)
    accuracies = (accuracy(x, labels, chosen) for x in (places, points))
    return Quality(*accuracies, float(trust))


def accuracy(
    points: np.ndarray, labels: np.ndarray, chosen: np.ndarray, neighbours: int = NEIGHBOURS
) -> float:
    """Share of the points at the indices `chosen`, of points [N,D], whose class, i32[N], is the
    most frequent among their nearest other points (of ties, the smallest)."""
    count, right = min(neighbours, len(points) - 1), 0
    for rows, squared in rows_of_distances(points[chosen], points):
        squared[np.arange(len(squared)), chosen[rows]] = np.inf
        nearest = np.argpartition(squared, count - 1, axis=1)[:, :count]
        votes = np.zeros((len(squared), labels.max() + 1), np.int32)
        np.add.at(votes, (np.arange(len(squared))[:, None], labels[nearest]), 1)
        right += int(np.sum(votes.argmax(axis=1) == labels[chosen[rows]]))
    return right / len(chosen)
