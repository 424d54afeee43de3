"""Conversion of pixels between bytes, as in files, and floats in [-1,1], as in models."""

from types import ModuleType
from typing import Any

import numpy as np


def to_float(images: Any, xp: ModuleType = np) -> Any:  # arrays of either library
    """Floats f32[N,H,W,1] in [-1,1] of bytes u8[N,H,W], by NumPy or, if `xp` is jax.numpy, JAX."""
    return xp.asarray(images, xp.float32)[..., None] / 127.5 - 1


def to_bytes(images: Any) -> np.ndarray:
    """Bytes u8[N,H,W] of floats f32[N,H,W,1], clipped to [-1,1]; NaN and ±inf become black."""
    images = np.asarray(images, np.float32)[..., 0]
    finite = np.where(np.isfinite(images), images, -1.0)
    return np.round((finite.clip(-1, 1) + 1) * 127.5).astype(np.uint8)
