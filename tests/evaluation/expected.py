"""What other implementations give for a few sets of features. `recompute.py` computes it again.

The features come from NumPy's frozen legacy generator and no matrix product, so they are the same
bits everywhere.
"""

from typing import NamedTuple

import numpy as np


class Expected(NamedTuple):
    """Of samples against real features.

    fid        torch-fidelity 0.4.0, in float64
    fid_exact  its definition in 50 digits, with mpmath 1.3.0
    kid        torch-fidelity 0.4.0: mean and deviation over `subsets` of `subset_size`, seed 2020
    rest       prdc 0.2: precision and recall with 3 neighbours, density and coverage with 5
    """

    subsets: int
    subset_size: int
    fid: float
    fid_exact: float
    kid_mean: float
    kid_deviation: float
    precision: float
    recall: float
    density: float
    coverage: float


def walk(seed: int, count: int, dims: int, start: float) -> np.ndarray:
    """f64[count,dims]: one random walk a row, so that neighbours correlate; below 0 cut off."""
    steps = np.random.RandomState(seed).standard_normal((count, dims))
    return np.maximum(0, start + np.cumsum(steps, axis=1) / 4)


def degenerate(seed: int, count: int, dims: int, start: float) -> np.ndarray:
    """f64[count,dims]: the second half repeats the first but for 1e-5, back to front."""
    half = walk(seed, count, dims // 2, start)
    noise = np.random.RandomState(seed + 100).random_sample(half.shape)
    return np.concatenate([half, half[:, ::-1] + 1e-5 * noise], axis=1)


def grid(seed: int, count: int, dims: int, values: int) -> np.ndarray:
    """f64[count,dims] of few whole numbers: many duplicates, many equal distances, all exact."""
    return np.random.RandomState(seed).randint(0, values, (count, dims)).astype(np.float64)


def features(case: str) -> tuple[np.ndarray, np.ndarray]:
    """Samples and real features of a case of EXPECTED."""
    return {
        "ordinary": lambda: (walk(1, 300, 16, 1.0), walk(2, 400, 16, 1.25)),
        "degenerate": lambda: (degenerate(3, 150, 64, 1.0), degenerate(4, 150, 64, 1.25)),
        "ties": lambda: (grid(5, 200, 3, 5), grid(6, 250, 3, 6)),
        "large": lambda: (walk(7, 1200, 8, 1.0), walk(8, 1500, 8, 1.1)),
    }[case]()


EXPECTED = {
    "ordinary": Expected(
        subsets=10,
        subset_size=100,
        fid=0.346202201519791,
        fid_exact=0.3462022015197998,
        kid_mean=0.4054911879679686,
        kid_deviation=0.5107734756436526,
        precision=0.86,
        recall=0.8575,
        density=0.91,
        coverage=0.9075,
    ),
    "degenerate": Expected(
        subsets=10,
        subset_size=100,
        fid=10.23576471710905,
        fid_exact=10.23576945606372,
        kid_mean=10.51891746092015,
        kid_deviation=4.668892590950612,
        precision=0.8933333333333333,
        recall=0.8733333333333333,
        density=0.9786666666666668,
        coverage=0.9266666666666666,
    ),
    "ties": Expected(
        subsets=10,
        subset_size=100,
        fid=1.4855486544073297,
        fid_exact=1.4855486544073353,
        kid_mean=189.9943032921811,
        kid_deviation=35.020551443061734,
        precision=0.715,
        recall=0.436,
        density=0.44400000000000006,
        coverage=0.552,
    ),
    "large": Expected(
        subsets=100,
        subset_size=1000,
        fid=0.08293334381387485,
        fid_exact=0.08293334381387042,
        kid_mean=0.3282893128454154,
        kid_deviation=0.07959803266984423,
        precision=0.9025,
        recall=0.8853333333333333,
        density=1.0323333333333335,
        coverage=0.9453333333333334,
    ),
}
