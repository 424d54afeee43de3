"""Whether samples are copies: how near to training images they lie, and how near test images do.

Exact duplicates within the data say nothing about a model, so no image counts as its duplicate's
neighbour here. (Fashion-MNIST's first release held 43 within train and 10 of test in train; the
present files of both data sets hold none.)
"""

from typing import NamedTuple

import numpy as np

from gen_models.evaluation.neighbours import nearest, rows_of_distances


class Closeness(NamedTuple):
    """How a set of images lies to the training images, in features.

    index      i64[N]   the nearest training image of each
    distance   f64[N]   its distance
    own        f64[N]   the distance of that training image to its own nearest
    """

    index: np.ndarray
    distance: np.ndarray
    own: np.ndarray

    @property
    def authentic(self) -> np.ndarray:
        """Whether each is farther from its nearest training image than another one is, bool[N]."""
        return self.distance > self.own

    def most_suspicious(self, count: int) -> np.ndarray:
        """The `count` closest by the measure of their training image's own distance, i64[<=N]."""
        share = np.divide(
            self.distance, self.own, out=np.full(len(self.own), np.inf), where=self.own > 0
        )
        return np.argsort(share, kind="stable")[:count]


def closeness(features: np.ndarray, train: np.ndarray, groups: np.ndarray) -> Closeness:
    """Authenticity (Alaa et al. 2022, §4.3) of features [N,D] beside train [M,D].

    groups i64[M] numbers the training images so that duplicates share a number: see `duplicates`.
    """
    index, distance = nearest(features, train)
    hit, back = np.unique(index, return_inverse=True)
    own = _nearest_other(hit, train.astype(np.float32), groups)
    return Closeness(index, distance, own[back])


def _nearest_other(hit: np.ndarray, train: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Distance f64[K] of each of train[hit] to the nearest that is no duplicate of it."""
    found = np.empty(len(hit))
    for rows, squared in rows_of_distances(train[hit], train):
        squared[groups[hit[rows], None] == groups] = np.inf
        gaps = train[hit[rows]].astype(np.float64) - train[squared.argmin(axis=1)]
        found[rows] = np.sqrt(np.sum(gaps**2, axis=1))
    return found


def duplicates(images: np.ndarray) -> np.ndarray:
    """A number for each of images u8[N,H,W], the same for pixel-identical ones, i64[N]."""
    flat = np.ascontiguousarray(images).reshape(len(images), -1)
    rows = flat.view(np.dtype((np.void, flat.shape[1]))).ravel()
    return np.unique(rows, return_inverse=True)[1]


def copied(images: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Which of images u8[N,H,W] are pixel for pixel in train u8[M,H,W], bool[N]."""
    groups = duplicates(np.concatenate([images, train]))
    return np.isin(groups[: len(images)], groups[len(images) :])
