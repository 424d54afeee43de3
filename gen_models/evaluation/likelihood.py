"""The likelihood of real images under a model that has one, in nats per image."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from gen_models.algorithm import Key
from gen_models.evaluation.measure import mean

BATCH = 100  # images per dispatch


def likelihood(
    bounds: Callable[[np.ndarray, np.ndarray, Key, int], Any],
    images: np.ndarray,
    labels: np.ndarray,
    draws: int,
    key: Key,
) -> dict[str, Any]:
    """Mean and error of each bound over images u8[N,H,W] with labels i32[N], for JSON.

    bounds  images u8[B,H,W], labels i32[B], key, k -> `programs.Bounds`
    draws   importance samples per image, k
    """
    parts = []
    for index, start in enumerate(range(0, len(images), BATCH)):
        part = [x[start : start + BATCH] for x in (images, labels)]
        padded = [np.resize(x, (BATCH, *x.shape[1:])) for x in part]
        values, count = bounds(*padded, jax.random.fold_in(key, index), draws), len(part[0])
        parts.append({name: np.asarray(x)[:count] for name, x in values._asdict().items()})
    entries = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    estimates = {name: mean(x.astype(np.float64))._asdict() for name, x in entries.items()}
    return {"images": len(images), "draws": draws, **estimates}
