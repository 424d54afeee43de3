"""Precision, recall, density and coverage, from nearest neighbours of samples and real images."""

from typing import NamedTuple

import numpy as np

from gen_models.evaluation import jackknife
from gen_models.evaluation.frechet import MeasureError
from gen_models.evaluation.neighbours import rows_of_distances

PRECISION_NEIGHBOURS, DENSITY_NEIGHBOURS = 3, 5


class Manifold(NamedTuple):
    """One entry per sample (N) or real image (M); each measure is the mean of its entries."""

    precision: np.ndarray  # f64[N], 1 if the sample is within the k-ball of some real image
    recall: np.ndarray  # f64[M], 1 if the real image is within the k-ball of some sample
    density: np.ndarray  # f64[N], number of real images' k-balls that hold the sample, over k
    coverage: np.ndarray  # f64[M], 1 if the k-ball of the real image holds a sample


def manifold(
    samples: np.ndarray,
    real: np.ndarray,
    precision_neighbours: int = PRECISION_NEIGHBOURS,
    density_neighbours: int = DENSITY_NEIGHBOURS,
) -> Manifold:
    """Precision and recall (Kynkäänniemi et al. 2019, eq. 1, 2), density and coverage (Naeem et al.
    2020, eq. 3, 4) of samples [N,D] against real [M,D].

    A k-ball is open and reaches to the k-th nearest other point of its own set. k is 3 for
    precision and recall, 5 for density and coverage. Raises MeasureError if a set is too small.
    """
    most = max(precision_neighbours, density_neighbours)
    if min(len(samples), len(real)) <= most:
        raise MeasureError(
            f"{most} neighbours need more than {min(len(samples), len(real))} points"
        )
    both = samples.astype(np.float64), real.astype(np.float64)
    return _manifold(*both, precision_neighbours, density_neighbours)


def _manifold(
    samples: np.ndarray, real: np.ndarray, of_precision: int, of_density: int
) -> Manifold:
    """`manifold`, computed in the dtype of its arguments."""
    radius_real = nearest_radii(real, (of_precision, of_density))
    (radius_sample,) = nearest_radii(samples, (of_precision,))
    near_real, dense = np.zeros(len(samples), bool), np.zeros(len(samples))
    near_sample, covered = np.zeros(len(real), bool), np.zeros(len(real), bool)
    for rows, squared in rows_of_distances(real, samples):
        near_real |= (squared < radius_real[0][rows, None]).any(axis=0)
        within = squared < radius_real[1][rows, None]
        dense += within.sum(axis=0)
        covered[rows] = within.any(axis=1)
        near_sample[rows] = (squared < radius_sample).any(axis=1)
    density = dense / of_density
    return Manifold(*(x.astype(np.float64) for x in (near_real, near_sample, density, covered)))


def standard_errors(samples: np.ndarray, real: np.ndarray) -> dict[str, float] | None:
    """The standard error of the mean of each part of `manifold`, by its name, with samples, real
    images and the balls of both treated as drawn at random (`jackknife`). None for too few images.

    It is an approximation, as the measures themselves change with the number of points: if every
    sample is repeated, recall is 0, but not in subsets that hold few of them twice.
    """

    def means(samples: np.ndarray, real: np.ndarray) -> np.ndarray:
        parts = _manifold(samples, real, PRECISION_NEIGHBOURS, DENSITY_NEIGHBOURS)
        return np.array([entries.mean() for entries in parts])

    sets = samples.astype(np.float32), real.astype(np.float32)  # enough for an error
    errors = jackknife.standard_errors(means, *sets, least=DENSITY_NEIGHBOURS + 1)
    return None if errors is None else dict(zip(Manifold._fields, errors.tolist(), strict=True))


def nearest_radii(points: np.ndarray, neighbours: tuple[int, ...]) -> list[np.ndarray]:
    """Squared distances of points [N,D] to their k-th nearest other point: [N] for each k of
    `neighbours`."""
    radii = [np.empty(len(points)) for _ in neighbours]
    for rows, squared in rows_of_distances(points, points):
        squared[np.arange(len(squared)), np.arange(rows.start, rows.stop)] = 0.0  # to itself
        smallest = np.partition(squared, neighbours, axis=1)  # place 0 is the point itself
        for radius, k in zip(radii, neighbours, strict=True):
            radius[rows] = smallest[:, k]
    return radii
