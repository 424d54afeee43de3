"""Fréchet distance between Gaussians fitted to features (Heusel et al. 2017, eq. 6).

No covariance is formed: with R the triangular factor of the centred features over √(n-1), the
covariance is RᵀR, and tr √(Σ₁Σ₂) is the nuclear norm of R₁R₂ᵀ. Without squares this keeps float64's
precision, of which the matrix square root of a near-singular product loses half.
"""

from typing import NamedTuple

import numpy as np

from gen_models.errors import UserError

INFINITY_SIZES = 15
INFINITY_RATIO = 20  # least ratio of samples to features


class MeasureError(UserError):
    """Samples for which a measure cannot be computed."""


class Gaussian(NamedTuple):
    """A Gaussian fitted to features."""

    mean: np.ndarray  # f64[D]
    factor: np.ndarray  # f64[<=D,D], R of the covariance RᵀR
    count: int  # features that it was fitted to


def gaussian(features: np.ndarray) -> Gaussian:
    """The Gaussian with the mean and the unbiased covariance of features [N,D], N >= 2."""
    if len(features) < 2:
        raise MeasureError(f"a covariance needs 2 samples or more, found {len(features)}")
    features = np.asarray(features, np.float64)
    mean = features.mean(axis=0)
    factor = np.linalg.qr((features - mean) / np.sqrt(len(features) - 1), mode="r")
    return Gaussian(mean, factor, len(features))


def distance(a: Gaussian, b: Gaussian) -> float:
    """The distance |μ₁-μ₂|² + tr(Σ₁ + Σ₂ - 2√(Σ₁Σ₂)) (Dowson & Landau 1982, eq. 4)."""
    shift = np.sum((a.mean - b.mean) ** 2)
    spread = np.sum(a.factor**2) + np.sum(b.factor**2)
    shared = np.linalg.norm(a.factor @ b.factor.T, ord="nuc")
    return max(0.0, float(shift + spread - 2 * shared))  # rounding can go below zero


def extrapolated(features: np.ndarray, reference: Gaussian, seed: int) -> float:
    """FD∞ (Chong & Forsyth 2020, §4): the distance at 15 sample sizes N, extrapolated to 1/N = 0.

    The sizes go from N/5 to N. The bias falls as 1/N only if there are several times as many
    samples as features [N,D] have dimensions: raises MeasureError if N < 20·D.
    """
    fewest = INFINITY_RATIO * features.shape[1]
    if len(features) < fewest:
        raise MeasureError(f"FD∞ needs {fewest} samples or more, found {len(features)}")
    rng = np.random.Generator(np.random.Philox(seed))
    sizes = np.linspace(len(features) // 5, len(features), INFINITY_SIZES).astype(int)
    distances = [
        distance(gaussian(features[rng.choice(len(features), size, replace=False)]), reference)
        for size in sizes
    ]
    return float(np.polyfit(1 / sizes, distances, 1)[1])
