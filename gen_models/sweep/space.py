"""The settings that options may have, and draws from them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

LOGARITHMIC = 10.0  # ranges with this ratio of their ends or more are sampled by logarithm
STEP = 0.2  # a perturbation multiplies by 1 ± this, or moves by this fraction of the range


class Space(NamedTuple):
    """Options that vary: numbers within ranges, and values to choose from."""

    ranges: Mapping[str, tuple[float, float]]  # lowest and highest value by option
    choices: Mapping[str, tuple[Any, ...]]  # values by option

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        """A random setting: a number from each range, and one of each choice's values, equally
        likely."""
        numbers = {name: _number(rng, *bounds) for name, bounds in self.ranges.items()}
        chosen = {name: x[int(rng.integers(len(x)))] for name, x in self.choices.items()}
        return numbers | chosen

    def perturb(self, rng: np.random.Generator, values: Mapping[str, float]) -> dict[str, float]:
        """Numbers a little above or below `values`, one for each range, and within it."""
        numbers = {}
        for name, (low, high) in self.ranges.items():
            sign = 1 if rng.random() < 0.5 else -1
            if is_logarithmic(low, high):
                moved = values[name] * (1 + sign * STEP)
            else:
                moved = values[name] + sign * STEP * (high - low)
            numbers[name] = _rounded(moved, low, high)
        return numbers


def are_numbers(values: Sequence[Any]) -> bool:
    """Whether all values are numbers, as the ends of a range are."""
    return all(isinstance(x, int | float) and not isinstance(x, bool) for x in values)


def are_ends(values: Sequence[Any]) -> bool:
    """Whether the values are the ends of a range: two numbers, the lower one first."""
    return len(values) == 2 and are_numbers(values) and values[0] < values[1]


def is_logarithmic(low: float, high: float) -> bool:
    """Whether a range is sampled by its logarithm: positive numbers, a factor of ten or more."""
    return low > 0 and high / low >= LOGARITHMIC


def _number(rng: np.random.Generator, low: float, high: float) -> float:
    if is_logarithmic(low, high):
        return _rounded(math.exp(rng.uniform(math.log(low), math.log(high))), low, high)
    return _rounded(rng.uniform(low, high), low, high)


def _rounded(value: float, low: float, high: float) -> float:
    """The nearest value within the range, rounded so that it can be typed again."""
    rounded = float(f"{value:.6g}")
    return rounded if low <= rounded <= high else min(max(value, low), high)
