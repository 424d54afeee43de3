"""How far a map can be believed: whether it keeps classes and neighbours together."""

from typing import NamedTuple

import numpy as np

from gen_models import extras
from gen_models.evaluation.neighbours import rows_of_distances

NEIGHBOURS = 10  # of the classification
TRUSTED_NEIGHBOURS = 12  # of the trustworthiness, as van der Maaten 2009 has it
MOST = 5000  # images that are classified, and images among which neighbours are compared


class Quality(NamedTuple):
    """Numbers of a map of real images, each in [0, 1]."""

    accuracy: float  # of classes by the 10 nearest other images in the map
    accuracy_in_space: float  # the same before the map was made
    trustworthiness: float  # 1: neighbours in the map were neighbours before it was made


def quality(points: np.ndarray, places: np.ndarray, labels: np.ndarray, seed: int) -> Quality:
    """Quality of places f32[N,2] as a map of points f32[N,D] with classes i32[N].

    At most 5000 images, chosen by the seed, are classified, by all others; trustworthiness (Venna &
    Kaski 2001, eq. 2) is that of those 5000 among each other.
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
    """Share of the points at the indices `chosen`, of points [N,D], that have the class i32[N] most
    frequent among their nearest other points; of equally frequent ones, the smallest."""
    count, right = min(neighbours, len(points) - 1), 0
    for rows, squared in rows_of_distances(points[chosen], points):
        squared[np.arange(len(squared)), chosen[rows]] = np.inf
        nearest = np.argpartition(squared, count - 1, axis=1)[:, :count]
        votes = np.zeros((len(squared), labels.max() + 1), np.int32)
        np.add.at(votes, (np.arange(len(squared))[:, None], labels[nearest]), 1)
        right += int(np.sum(votes.argmax(axis=1) == labels[chosen[rows]]))
    return right / len(chosen)
