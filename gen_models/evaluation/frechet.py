"""Fréchet distance between Gaussians fitted to features (Heusel et al. 2017, eq. 6).

No covariance is formed: with R the triangular factor of the centred features over √(n-1), the
covariance is RᵀR, and tr √(Σ₁Σ₂) is the nuclear norm of R₁R₂ᵀ. Without squaring, this keeps the
precision of float64, half of which the matrix square root of a near-singular product loses.
"""

from typing import NamedTuple

import numpy as np

from gen_models.errors import UserError

INFINITY_SIZES = 15
INFINITY_RATIO = 15  # least ratio of samples to feature dimensions
SMALLEST = 1e-12  # singular values below this share of the largest one are rounding errors


class MeasureError(UserError):
    """Samples for which a measure cannot be computed."""


class Gaussian(NamedTuple):
    """A Gaussian fitted to features."""

    mean: np.ndarray  # f64[D]
    factor: np.ndarray  # f64[<=D,D], R of the covariance RᵀR
    count: int  # number of features that it was fitted to


def gaussian(features: np.ndarray, weights: np.ndarray | None = None) -> Gaussian:
    """The Gaussian with the mean and the unbiased covariance of features [N,D], N >= 2.

    weights f64[N] >= 0 are relative; the covariance is unbiased if they do not depend on the
    features. By default all features have the same weight.
    """
    if len(features) < 2:
        raise MeasureError(f"a covariance needs 2 samples or more, found {len(features)}")
    features = np.asarray(features, np.float64)
    if weights is None:
        mean, scale = features.mean(axis=0), 1 / np.sqrt(len(features) - 1)
    else:
        shares = weights / weights.sum()
        mean, scale = shares @ features, np.sqrt(shares / (1 - np.sum(shares**2)))[:, None]
    factor = np.linalg.qr((features - mean) * scale, mode="r")
    return Gaussian(mean, factor, len(features))


def distance(a: Gaussian, b: Gaussian) -> float:
    """The distance |μ₁-μ₂|² + tr(Σ₁ + Σ₂ - 2√(Σ₁Σ₂)) (Dowson & Landau 1982, eq. 4)."""
    shift = np.sum((a.mean - b.mean) ** 2)
    spread = np.sum(a.factor**2) + np.sum(b.factor**2)
    shared = np.linalg.norm(a.factor @ b.factor.T, ord="nuc")
    return max(0.0, float(shift + spread - 2 * shared))  # rounding can go below zero


class FittedFeatures(NamedTuple):
    """Features and the Gaussian fitted to them."""

    features: np.ndarray  # f64[N,D]
    shares: np.ndarray  # f64[N], weights of the features, with a sum of 1
    gaussian: Gaussian


def fit(features: np.ndarray, weights: np.ndarray | None = None) -> FittedFeatures:
    """Features [N,D] with their Gaussian under relative weights f64[N], by default equal ones."""
    shares = np.ones(len(features)) if weights is None else weights
    features = np.asarray(features, np.float64)
    return FittedFeatures(features, shares / shares.sum(), gaussian(features, weights))


def standard_error(samples: FittedFeatures, reference: FittedFeatures) -> float:
    """The standard error of the distance of the Gaussians of samples [N,D] and reference [M,D].

    By the delta method: a point x of the samples has the influence 2(μ₁-μ₂)·c + cᵀ(I - T)c on the
    distance, with c = x - μ₁, where T is the linear map that transports the centred Gaussian of the
    samples to that of the reference. A point of the reference has the same influence with the two
    sets exchanged. The squared error is the sum of the variances of these influences over N and M;
    weights are taken as given. If both sets have the same distribution, the distance is of second
    order, and its error is smaller than this one.
    """
    ours, theirs = samples.gaussian, reference.gaussian
    left, shared, right = np.linalg.svd(ours.factor @ theirs.factor.T, full_matrices=False)
    kept = shared > SMALLEST * max(shared[0], np.finfo(float).tiny)
    roots = np.sqrt(shared[kept])
    # T is the product of R₂ᵀ V S^(-½) with its transpose, with U S Vᵀ = R₁R₂ᵀ.
    maps = (
        theirs.factor.T @ right.T[:, kept] / roots,
        ours.factor.T @ left[:, kept] / roots,
    )
    shift, total = ours.mean - theirs.mean, 0.0
    sides = zip((samples, reference), maps, (shift, -shift), strict=True)
    for (points, shares, fitted), half_map, towards in sides:
        centred = points - fitted.mean
        moved = np.sum((centred @ half_map) ** 2, axis=1)
        influence = 2 * centred @ towards + np.sum(centred**2, axis=1) - moved
        total += np.sum(shares**2 * (influence - shares @ influence) ** 2)
    return float(np.sqrt(total))


def extrapolated_distance(features: np.ndarray, reference: Gaussian, seed: int) -> float:
    """FD∞ (Chong & Forsyth 2020, §4): the distance at 15 sample sizes N, extrapolated to 1/N = 0.

    The sizes go from N/5 to N. The bias falls as 1/N only if there are several times as many
    samples as features [N,D] have dimensions: raises MeasureError if N < 15·D.
    """
    check_enough(*features.shape, "features")
    rng = np.random.Generator(np.random.Philox(seed))
    sizes = np.linspace(len(features) // 5, len(features), INFINITY_SIZES).astype(int)
    distances = [
        distance(gaussian(features[rng.choice(len(features), size, replace=False)]), reference)
        for size in sizes
    ]
    return float(np.polyfit(1 / sizes, distances, 1)[1])


def check_enough(samples: int, dimensions: int, source: str) -> None:
    """Raise MeasureError, with their `source`, if `samples` samples are too few for FD∞ of features
    with `dimensions` dimensions."""
    fewest = INFINITY_RATIO * dimensions
    if samples < fewest:
        raise MeasureError(
            f"{source}: FD∞ needs {fewest} samples or more, found {samples}; draw more"
        )
