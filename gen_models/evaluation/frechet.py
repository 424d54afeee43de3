"""Fréchet distance between Gaussians fitted to features (Heusel et al. 2017, eq. 6).

A covariance is never formed: with R the triangular factor of the centred features over √(n-1), the
covariance is RᵀR, and tr √(Σ₁Σ₂) is the nuclear norm of R₁R₂ᵀ. Squaring nothing keeps float64's
precision where the matrix square root of a near-singular product loses half of it.
"""

from typing import NamedTuple

import numpy as np

from gen_models.errors import UserError

INFINITY_SIZES = 15
INFINITY_RATIO = 20  # of samples to features, at least


class MeasureError(UserError):
    """Samples of which a measure cannot be taken."""


class Gaussian(NamedTuple):
    """Mean f64[D] and a factor f64[<=D,D] of the covariance RᵀR, of `count` features."""

    mean: np.ndarray
    factor: np.ndarray
    count: int


def gaussian(features: np.ndarray) -> Gaussian:
    """The Gaussian with the mean and the unbiased covariance of features [N,D], N >= 2."""
    if len(features) < 2:
        raise MeasureError(f"a covariance needs 2 samples or more, found {len(features)}")
    features = np.asarray(features, np.float64)
    mean = features.mean(axis=0)
    factor = np.linalg.qr((features - mean) / np.sqrt(len(features) - 1), mode="r")
    return Gaussian(mean, factor, len(features))


def distance(a: Gaussian, b: Gaussian) -> float:
    """|μ₁-μ₂|² + tr(Σ₁ + Σ₂ - 2√(Σ₁Σ₂)) (Dowson & Landau 1982, eq. 4)."""
    shift = np.sum((a.mean - b.mean) ** 2)
    spread = np.sum(a.factor**2) + np.sum(b.factor**2)
    shared = np.linalg.norm(a.factor @ b.factor.T, ord="nuc")
    return max(0.0, float(shift + spread - 2 * shared))  # rounding goes below zero


def extrapolated(features: np.ndarray, reference: Gaussian, seed: int) -> float:
    """FD∞ (Chong & Forsyth 2020, §4): the distance at 1/N = 0 of a line through 15 sample sizes.

    The sizes go from N/5 to N. The bias falls as 1/N only where the samples are several times as
    many as the features [N,D] are wide: raises MeasureError if N < 20·D.
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
