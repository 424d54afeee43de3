"""The likelihood of real images under a model that has one, in nats an image."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from gen_models.algorithm import Batch, Key
from gen_models.evaluation.measure import mean

BATCH = 100  # images weighed in one dispatch


def likelihood(
    bounds: Callable[[Batch, Key, int], Any],
    images: np.ndarray,
    labels: np.ndarray,
    draws: int,
    seed: int,
) -> dict[str, Any]:
    """The mean over images u8[N,H,W] of labels i32[N] of each of the bounds' parts, for JSON.

    bounds  images u8[B,H,W] with labels, key, k -> named tuple of f32[B], as
            `programs.Bounds`
    draws   k, importance samples an image
    """
    key = jax.random.key(seed)
    parts = []
    for index, start in enumerate(range(0, len(images), BATCH)):
        part = Batch(images[start : start + BATCH], labels[start : start + BATCH])
        padded = Batch(*(np.resize(x, (BATCH, *x.shape[1:])) for x in part))
        found = bounds(padded, jax.random.fold_in(key, index), draws)
        count = len(part.labels)
        parts.append({name: np.asarray(x)[:count] for name, x in found._asdict().items()})
    entries = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    estimates = {name: mean(x.astype(np.float64))._asdict() for name, x in entries.items()}
    return {"images": len(images), "draws": draws, **estimates}
