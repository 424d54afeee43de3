"""Kernel distance: the squared maximum mean discrepancy between two sets of features."""

from typing import NamedTuple

import numpy as np

from gen_models.evaluation import jackknife
from gen_models.evaluation.frechet import MeasureError

SUBSETS, SUBSET_SIZE = 100, 1000
SEED = 2020


class KernelDistance(NamedTuple):
    """Kernel distances of random subsets."""

    mean: float  # over the subsets
    deviation: float  # standard deviation over the subsets


def distance(
    samples: np.ndarray,
    reference: np.ndarray,
    subsets: int = SUBSETS,
    subset_size: int = SUBSET_SIZE,
    seed: int = SEED,
) -> KernelDistance:
    """KID (Bińkowski et al. 2018, §4): unbiased MMD², kernel (x·y/D + 1)³, over random subsets.

    samples [N,D], reference [M,D]. Raises MeasureError if either is smaller than a subset. NumPy's
    frozen legacy generator draws the subsets, so that a result can be reproduced anywhere.
    """
    smallest = min(len(samples), len(reference))
    if smallest < subset_size:
        raise MeasureError(f"KID takes subsets of {subset_size}, but a set has only {smallest}")
    rng = np.random.RandomState(seed)
    samples, reference = samples.astype(np.float64), reference.astype(np.float64)
    values = [
        _unbiased(
            samples[rng.choice(len(samples), subset_size, replace=False)],
            reference[rng.choice(len(reference), subset_size, replace=False)],
        )
        for _ in range(subsets)
    ]
    return KernelDistance(float(np.mean(values)), float(np.std(values)))


def standard_error(samples: np.ndarray, reference: np.ndarray) -> float | None:
    """The standard error of the distance of samples [N,D] and reference [M,D], with both treated as
    drawn at random (`jackknife`). None if a subset would have fewer than 2 points."""
    sets = samples.astype(np.float64), reference.astype(np.float64)
    errors = jackknife.standard_errors(lambda x, y: np.array([_unbiased(x, y)]), *sets, least=2)
    return None if errors is None else float(errors[0])


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    base = x @ y.T / x.shape[1] + 1
    return base * base * base  # three times faster than a power


def _unbiased(x: np.ndarray, y: np.ndarray) -> float:
    """Unbiased MMD² of x f64[m,D], y f64[n,D] (Gretton et al. 2012, eq. 3), without diagonals."""
    within = [(_kernel(z, z), len(z) * (len(z) - 1)) for z in (x, y)]
    both = sum((np.sum(k) - np.trace(k)) / pairs for k, pairs in within)
    return float(both - 2 * np.mean(_kernel(x, y)))
