"""Compute the values in `expected.py` again with the packages that they come from.

    pip install torch-fidelity==0.4.0 prdc==0.2   # not part of this project's requirements
    python tests/evaluation/recompute.py

Prints each frozen value beside the new one and fails if any is off by more than 1e-9 of itself. The
frozen ones were made with torch-fidelity 0.4.0, prdc 0.2, mpmath 1.3.0 (it comes with torch),
torch 2.13.0, scikit-learn 1.9.1, numpy 2.4.6, Python 3.11 on x86-64. It is run as a file, not with
`-m`: torch-fidelity installs a package that is called `tests` as well.
"""

import contextlib
import io
import sys

import mpmath
import numpy as np
import torch
from expected import EXPECTED, Expected, features
from prdc import compute_prdc
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric

TOLERANCE = 1e-9
# The eigenvalues of a product of near-singular matrices keep half of float64's digits, and which
# half depends on the machine's LAPACK.
LOOSE = {("degenerate", "fid"): 1e-5}


def fid(samples: np.ndarray, real: np.ndarray) -> float:
    """torch-fidelity's."""
    statistics = [fid_features_to_statistics(torch.from_numpy(x)) for x in (samples, real)]
    return fid_statistics_to_metric(*statistics, False)["frechet_inception_distance"]


def fid_exact(samples: np.ndarray, real: np.ndarray) -> float:
    """|μ₁-μ₂|² + tr(Σ₁ + Σ₂ - 2√(√Σ₁ Σ₂ √Σ₁)), as the paper has it, in 50 digits."""
    with mpmath.workdps(50):
        (mean_1, cov_1), (mean_2, cov_2) = moments(samples), moments(real)
        values, vectors = mpmath.eigsy(cov_1)
        root = vectors * mpmath.diag([mpmath.sqrt(max(x, 0)) for x in values]) * vectors.T
        shared = mpmath.eigsy(root * cov_2 * root, eigvals_only=True)
        shift = mpmath.fsum(x**2 for x in mean_1 - mean_2)
        spread = mpmath.fsum((cov_1 + cov_2)[i, i] for i in range(len(mean_1)))
        return float(shift + spread - 2 * mpmath.fsum(mpmath.sqrt(max(x, 0)) for x in shared))


def moments(points: np.ndarray) -> tuple[mpmath.matrix, mpmath.matrix]:
    """Mean [D,1] and unbiased covariance [D,D]."""
    count = len(points)
    rows = mpmath.matrix(points.tolist())
    ones = mpmath.ones(count, 1)
    mean = rows.T * ones / count
    centred = rows - ones * mean.T
    return mean, centred.T * centred / (count - 1)


def kid(samples: np.ndarray, real: np.ndarray, subsets: int, size: int) -> tuple[float, float]:
    """torch-fidelity's mean and standard deviation."""
    found = kid_features_to_metric(
        torch.from_numpy(samples),
        torch.from_numpy(real),
        kid_subsets=subsets,
        kid_subset_size=size,
        rng_seed=2020,
        verbose=False,
    )
    return found["kernel_inception_distance_mean"], found["kernel_inception_distance_std"]


def prdc(samples: np.ndarray, real: np.ndarray) -> dict[str, float]:
    """prdc's four measures."""
    with contextlib.redirect_stdout(io.StringIO()):  # it prints
        three, five = (compute_prdc(real, samples, nearest_k=k) for k in (3, 5))
    found = {name: three[name] for name in ("precision", "recall")}
    return found | {name: five[name] for name in ("density", "coverage")}


def recompute(case: str) -> Expected:
    """All values of a case."""
    samples, real = features(case)
    subsets, size = EXPECTED[case].subsets, EXPECTED[case].subset_size
    distances = fid(samples, real), fid_exact(samples, real)
    rest = {name: float(value) for name, value in prdc(samples, real).items()}
    return Expected(subsets, size, *distances, *kid(samples, real, subsets, size), **rest)


def main() -> None:
    wrong = 0
    for case, frozen in EXPECTED.items():
        for name, value in recompute(case)._asdict().items():
            old = getattr(frozen, name)
            off = abs(value - old) > LOOSE.get((case, name), TOLERANCE) * abs(old)
            wrong += off
            print(f"{case:11s} {name:14s} {old!r:23} {value!r:23}{'  DIFFERS' if off else ''}")
    sys.exit(f"{wrong} values differ" if wrong else 0)


if __name__ == "__main__":
    main()
