"""Pixels as bytes, as files hold them, and as numbers in [-1,1], as models take them."""

from types import ModuleType
from typing import Any

import numpy as np


def to_float(images: Any, xp: ModuleType = np) -> Any:  # noqa: ANN401 (arrays of either library)
    """u8[N,H,W] -> f32[N,H,W,1] in [-1,1], by NumPy or, with `xp=jax.numpy`, on the device."""
    return xp.asarray(images, xp.float32)[..., None] / 127.5 - 1


def to_bytes(images: Any) -> np.ndarray:  # noqa: ANN401
    """f32[N,H,W,1] in [-1,1] -> u8[N,H,W]; beyond the range is clipped, NaN and ±inf are black."""
    images = np.asarray(images, np.float32)[..., 0]
    finite = np.where(np.isfinite(images), images, -1.0)
    return np.round((finite.clip(-1, 1) + 1) * 127.5).astype(np.uint8)
