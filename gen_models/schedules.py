"""Options that change with the step: values at several steps, and interpolation between them.

    0:1e-3,2000:3e-4          the first value up to step 2000, the second from there on
    linear:0:1e-3,5000:1e-5   on a straight line between the steps
    cosine:0:1e-3,5000:1e-5   on half a period of a cosine between the steps

The first value holds before the first step, the last value after the last step. Steps and values
are leaves of a pytree: one compilation serves all schedules of one shape and number of points.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp

Shape = Literal["piecewise", "linear", "cosine"]
MAX_STEPS = 10**9  # largest step of a schedule
SHAPE = "shape"  # key of the shape in a mapping of steps to values


@partial(jax.tree_util.register_dataclass, data_fields=["steps", "values"], meta_fields=["shape"])
@dataclass(frozen=True)
class Schedule:
    """A real-valued option that changes with the training step."""

    steps: tuple[int, ...]  # increasing, from 0
    values: tuple[float, ...]  # one per step
    shape: Shape = "piecewise"

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """The schedule written as text, as in the module's docstring. Raises ValueError."""
        shape, _, points = text.partition(":")
        if shape not in get_args(Shape):
            shape, points = "piecewise", text
        pairs = [point.split(":") for point in points.split(",")]
        if any(len(pair) != 2 for pair in pairs):
            raise ValueError(
                f"expected STEP:VALUE,STEP:VALUE,…, after linear: or cosine: or alone, got {text!r}"
            )
        return cls._of(pairs, shape)

    @classmethod
    def of(cls, values: Mapping[Any, Any]) -> "Schedule":
        """The schedule of a mapping from steps to values, such as {0: 1e-3, 2000: 3e-4}, with an
        entry "shape" unless it is piecewise. Raises ValueError."""
        points = [point for point in values.items() if point[0] != SHAPE]
        return cls._of(points, values.get(SHAPE, "piecewise"))

    @classmethod
    def _of(cls, points: Sequence[Sequence[Any]], shape: str) -> "Schedule":
        if shape not in get_args(Shape):
            raise ValueError(f"expected the shape {', '.join(get_args(Shape))}, got {shape!r}")
        numbers = [_point(*point) for point in points]
        steps = tuple(step for step, _ in numbers)
        if list(steps) != sorted({*steps, 0}) or not 0 == steps[0] <= steps[-1] <= MAX_STEPS:
            raise ValueError(f"expected increasing steps from 0 to {MAX_STEPS}, got {list(steps)}")
        return cls(steps, tuple(value for _, value in numbers), shape)

    def __str__(self) -> str:
        """The text that `parse` reads."""
        points = ",".join(f"{s}:{x!r}" for s, x in zip(self.steps, self.values, strict=True))
        return points if self.shape == "piecewise" else f"{self.shape}:{points}"

    def at(self, step: jax.Array) -> jax.Array:
        """The value f32[] at a step i32[]."""
        if self.shape == "piecewise":
            value = jnp.float32(self.values[0])
            for start, then in zip(self.steps[1:], self.values[1:], strict=True):
                value = jnp.where(step >= start, then, value)
            return value
        value, points = jnp.float32(self.values[0]), zip(self.steps, self.values, strict=True)
        start, before = next(points)
        for end, after in points:
            share = jnp.clip((step - start) / jnp.maximum(end - start, 1), 0.0, 1.0)
            if self.shape == "cosine":
                share = 0.5 * (1 - jnp.cos(jnp.pi * share))
            value = jnp.where(step >= start, before + (after - before) * share, value)
            start, before = end, after
        return value


def _point(step: object, value: Any) -> tuple[int, float]:
    """A step, which must be whole, and its value as numbers. Raises ValueError."""
    try:
        return int(str(step)), float(value)
    except (ValueError, TypeError):
        raise ValueError(
            f"expected a whole number as the step and a number as its value, got {step}:{value}"
        ) from None


def at(config: Any, step: jax.Array) -> Any:  # any pytree
    """The config with each schedule replaced by its value at a step i32[]."""

    def now(leaf: Any) -> Any:
        return leaf.at(step) if isinstance(leaf, Schedule) else leaf

    return jax.tree.map(now, config, is_leaf=lambda leaf: isinstance(leaf, Schedule))
