"""Labels to draw samples of, as frequent as those of images."""

import numpy as np


def labels_like(labels: np.ndarray, count: int) -> np.ndarray:
    """`count` labels as frequent as the N given ones, i32[N] -> i32[count], in whatever order these
    are: all of them while they fit, then of each class its share, shuffled."""
    whole, rest = divmod(count, len(labels))
    part = np.sort(labels)[np.arange(rest) * len(labels) // max(rest, 1)]
    return np.concatenate([np.tile(labels, whole), np.random.default_rng(0).permutation(part)])
