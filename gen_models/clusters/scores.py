"""Agreement of clusters with classes that were not used to make them."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from gen_models import extras

NONE = -1  # cluster of an image that a method leaves out


class ClusterScores(NamedTuple):
    """Agreement of clusters with classes. Images that are left out count as wrong in the accuracy,
    and as one more cluster in the other scores."""

    accuracy: float  # share of images whose cluster stands for their class
    nmi: float  # normalised mutual information, by the mean of both entropies
    ari: float  # adjusted Rand index
    clusters: int  # number of clusters
    left_out: float  # share of images in no cluster


def scores(clusters: np.ndarray, labels: np.ndarray) -> ClusterScores:
    """Scores of clusters i64[N], from 0 on or NONE, for classes i32[N]."""
    with extras.needed(extras.ANALYSIS):
        from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    table = counts(clusters, labels)
    return ClusterScores(
        float(table[linear_sum_assignment(-table)].sum() / len(labels)),
        float(normalized_mutual_info_score(labels, clusters)),
        float(adjusted_rand_score(labels, clusters)),
        int(np.sum(table.any(axis=1))),
        float(np.mean(clusters == NONE)),
    )


def counts(clusters: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Number of images of each cluster and class, i64[K,classes], without those left out."""
    inside = clusters != NONE
    table = np.zeros((max(0, int(clusters.max())) + 1, int(labels.max()) + 1), np.int64)
    np.add.at(table, (clusters[inside], labels[inside]), 1)
    return table


def meanings(clusters: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Class that each cluster stands for, i64[K]: by the matching of clusters with classes that has
    most images in common (Kuhn 1955); for an unmatched cluster, its most frequent class."""
    table = counts(clusters, labels)
    classes = table.argmax(axis=1)
    matched, matched_classes = linear_sum_assignment(-table)
    classes[matched] = matched_classes
    return classes
