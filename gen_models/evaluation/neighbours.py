"""Distances between two sets of features, a block of rows at a time."""

from collections.abc import Iterator

import numpy as np

BLOCK_BYTES = 2**27


def rows_of_distances(points: np.ndarray, others: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Squared distances of points [N,D] to others [M,D]: (rows, [rows,M]) in blocks of 128 MiB.

    They have the arguments' dtype and are never negative, but not always zero for equal points.
    """
    length = max(1, BLOCK_BYTES // (points.itemsize * max(1, len(others))))
    norms = np.sum(others**2, axis=1)
    for start in range(0, len(points), length):
        rows = slice(start, min(start + length, len(points)))
        block = points[rows]
        squared = block @ (-2 * others.T)
        squared += norms
        squared += np.sum(block**2, axis=1)[:, None]
        yield rows, np.maximum(squared, 0, out=squared)


def nearest(
    points: np.ndarray,
    others: np.ndarray,
    groups: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of others [M,D] to each of points [N,D]: (index i64[N], distance f64[N]).

    groups i64[N], i64[M] number the points and the others: the nearest of a point never has the
    point's number; if all others have it, the distance is infinite. Neighbours are found in
    float32, distances computed in float64.
    """
    index, alone = np.empty(len(points), np.int64), np.zeros(len(points), bool)
    for rows, squared in rows_of_distances(points.astype(np.float32), others.astype(np.float32)):
        if groups is not None:
            squared[groups[0][rows, None] == groups[1]] = np.inf
            alone[rows] = np.isinf(squared).all(axis=1)
        index[rows] = squared.argmin(axis=1)
    gaps = points.astype(np.float64) - others[index].astype(np.float64)
    return index, np.where(alone, np.inf, np.sqrt(np.sum(gaps**2, axis=1)))
