"""Standard errors of statistics of two sets, by the delete-d jackknife over both at once."""

from collections.abc import Callable

import numpy as np

SUBSETS, LARGEST = 100, 1000
SEED = 0


def standard_errors(
    statistic: Callable[[np.ndarray, np.ndarray], np.ndarray],
    samples: np.ndarray,
    reference: np.ndarray,
    least: int,
) -> np.ndarray | None:
    """The standard errors of the statistics f64[K] of samples [N,D] and reference [M,D].

    They are the standard deviation over 100 random subsets with the same share of both sets,
    divided by √(1/share - 1) (Shao & Wu 1989, §2). The share leaves 1000 of the larger set, but is
    at most a half. So both sets are treated as drawn at random. Returns None if the smaller subset
    would have fewer than `least` points.
    """
    share = min(1 / 2, LARGEST / max(len(samples), len(reference)))
    sizes = [round(share * len(x)) for x in (samples, reference)]
    if min(sizes) < least:
        return None
    rng = np.random.Generator(np.random.Philox(SEED))
    values = []
    for _ in range(SUBSETS):
        sets = zip((samples, reference), sizes, strict=True)
        values.append(statistic(*(x[rng.choice(len(x), n, replace=False)] for x, n in sets)))
    return np.std(values, axis=0, ddof=1) / np.sqrt(1 / share - 1)
