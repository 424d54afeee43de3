"""Points whose maps, gaps and clusters are known."""

import numpy as np

CENTRES = np.array([[0, 0, 0], [20, 0, 0], [0, 20, 0], [0, 0, 20]], np.float32)


def blobs(count: int, seed: int, kinds=(0, 1, 2, 3)) -> tuple[np.ndarray, np.ndarray]:
    """Points f32[count,3] in balls that lie far apart, and the number of each one's ball."""
    rng = np.random.default_rng(seed)
    labels = np.resize(np.array(kinds, np.int32), count)
    return (CENTRES[labels] + rng.normal(size=(count, 3))).astype(np.float32), labels
