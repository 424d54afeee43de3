"""Whether samples can be told from real images: a two-sample test by nearest neighbours."""

from typing import NamedTuple

import numpy as np

from gen_models.evaluation.neighbours import nearest

MOST = 5000  # largest number of images of each kind
SPLITS = 400  # random divisions of real images, for the level
TAILS = 2.5, 97.5  # percentiles of the level


class Mixing(NamedTuple):
    """Shares of images whose nearest neighbour, among real images and samples together, is of their
    own kind. Far above the level: the kinds lie apart. Far below: samples are copies."""

    share: float  # of both kinds
    real: float  # of the real images
    samples: float  # of the samples
    level: tuple[float, float]  # central 95 % of the shares of real images divided at random
    count: int  # images of each kind


def mixing(real: np.ndarray, samples: np.ndarray, seed: int) -> Mixing | None:
    """Leave-one-out accuracy of a nearest-neighbour classifier (Lopez-Paz & Oquab 2017, §2; Xu et
    al. 2018, §3) on real points [N,D] and samples [M,D], equally many of each: at most 5000, and at
    most half of the real points. None for fewer than 2.

    The level is that of as many real points against as many others, under random divisions of both:
    a test at 5 % rejects samples whose share is outside it.
    """
    count = min(len(samples), len(real) // 2, MOST)
    if count < 2:
        return None
    rng = np.random.default_rng(seed)
    pool = real[rng.permutation(len(real))[: 2 * count]]
    drawn = samples[rng.permutation(len(samples))[:count]]
    kinds = np.arange(2 * count) < count
    is_own = _is_of_own_kind(_neighbours(np.concatenate([pool[:count], drawn])), kinds)
    among_real = _neighbours(pool)
    shares = [_is_of_own_kind(among_real, rng.permutation(kinds)).mean() for _ in range(SPLITS)]
    low, high = np.percentile(shares, TAILS).tolist()
    parts = is_own.mean(), is_own[kinds].mean(), is_own[~kinds].mean()
    return Mixing(*map(float, parts), level=(low, high), count=count)


def _neighbours(points: np.ndarray) -> np.ndarray:
    """Index i64[N] of the nearest other point of each of points [N,D]."""
    indices = np.arange(len(points))
    return nearest(points, points, (indices, indices))[0]


def _is_of_own_kind(neighbours: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    return kinds[neighbours] == kinds
