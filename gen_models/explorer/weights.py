"""Weights as text: in large arrays 16 bits per number, with a scale for each output."""

import base64
from typing import Any

import numpy as np

LEVELS = 2**15 - 1  # largest signed 16-bit integer
FEW = 1000  # an array of fewer numbers is written as float32


def packed(array: np.ndarray, *, whole: bool = False) -> dict[str, str]:
    """An array as base64 text: little-endian i16 `numbers` and their f32 `scales`, one for each
    index of the last axis; or, if it is small, a vector or `whole`, only f32 `numbers`."""
    if whole or array.ndim < 2 or array.size < FEW:
        return {"numbers": _text(array, "<f4")}
    scales = np.abs(array).max(axis=tuple(range(array.ndim - 1))) / LEVELS
    scales = np.where(scales > 0, scales, 1).astype(np.float32)
    return {"numbers": _text(np.rint(array / scales), "<i2"), "scales": _text(scales, "<f4")}


def unpacked(text: dict[str, str], shape: tuple[int, ...]) -> np.ndarray:
    """The array f32[…] that the page reads from `packed`."""
    if "scales" not in text:
        return _numbers(text["numbers"], "<f4").reshape(shape)
    return _numbers(text["numbers"], "<i2").reshape(shape) * _numbers(text["scales"], "<f4")


def _text(array: Any, dtype: str) -> str:  # array-like
    return base64.b64encode(np.ascontiguousarray(array, dtype).tobytes()).decode()


def _numbers(text: str, dtype: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype).astype(np.float32)
