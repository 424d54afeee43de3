"""Detection of copies: the distances of samples, and of test images, to training images.

Exact duplicates within the data say nothing about a model, so an image is never the neighbour of
its own duplicate here. (Fashion-MNIST's first release held 43 within train and 10 of test in train;
the present files of both data sets hold none.)
"""

from typing import NamedTuple

import numpy as np

from gen_models.evaluation.neighbours import nearest


class Closeness(NamedTuple):
    """Nearest training images of a set of N images, in the space of features."""

    index: np.ndarray  # i64[N], index of the nearest training image
    distance: np.ndarray  # f64[N], distance to it
    spacing: np.ndarray  # f64[N], distance of that one to its own nearest, inf if all are equal

    @property
    def authentic(self) -> np.ndarray:
        """Whether each image is farther from its nearest training image than that image is from its
        own nearest neighbour, bool[N]."""
        return self.distance > self.spacing

    def most_suspicious(self, count: int) -> np.ndarray:
        """Indices i64[<=N] of the `count` images with the smallest ratio `distance` / `spacing`."""
        infinite = np.full(len(self.spacing), np.inf)
        ratio = np.divide(self.distance, self.spacing, out=infinite, where=self.spacing > 0)
        return np.argsort(ratio, kind="stable")[:count]


def closeness(features: np.ndarray, train: np.ndarray, groups: np.ndarray) -> Closeness:
    """Authenticity (Alaa et al. 2022, §4.3) of features [N,D] with respect to train [M,D].

    groups i64[M] numbers the training images, with equal numbers for duplicates: see `duplicates`.
    """
    index, distance = nearest(features, train)
    hit, back = np.unique(index, return_inverse=True)
    _, spacing = nearest(train[hit], train, (groups[hit], groups))
    return Closeness(index, distance, spacing[back])


def duplicates(images: np.ndarray) -> np.ndarray:
    """Group numbers i64[N] of images u8[N,H,W], equal for pixel-identical images."""
    flat = np.ascontiguousarray(images).reshape(len(images), -1)
    rows = flat.view(np.dtype((np.void, flat.shape[1]))).ravel()
    return np.unique(rows, return_inverse=True)[1]


def is_copy(images: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Mask bool[N] of the images u8[N,H,W] that occur pixel for pixel in train u8[M,H,W]."""
    groups = duplicates(np.concatenate([images, train]))
    return np.isin(groups[: len(images)], groups[len(images) :])
