"""Labels to sample with, as frequent as those of given images."""

import numpy as np


def labels_like(labels: np.ndarray, count: int) -> np.ndarray:
    """`count` labels as frequent as the N given ones, i32[N] -> i32[count], whatever their order:
    all of them as often as they fit, then each class's share of the rest, shuffled."""
    whole, rest = divmod(count, len(labels))
    part = np.sort(labels)[np.arange(rest) * len(labels) // max(rest, 1)]
    return np.concatenate([np.tile(labels, whole), np.random.default_rng(0).permutation(part)])
