"""Types for a convolution's layout and its sizes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax

Array = jax.Array


@dataclass(frozen=True)
class Geometry:
    """Sizes of a convolution, static under jit."""

    image: tuple[int, int]  # H, W
    kernel: int  # height and width k
    stride: int  # s along both axes
    padding: int  # p pixels on every side

    @property
    def features(self) -> tuple[int, int]:
        """Height and width h, w of the features."""
        h, w = ((size + 2 * self.padding - self.kernel) // self.stride + 1 for size in self.image)
        return h, w


class Layout(NamedTuple):
    """The functions that compute the three maps.

    convolve   F: Geometry, x, w -> y
    transpose  T: Geometry, y, w -> x
    correlate  G: Geometry, x, y -> w
    """

    convolve: Callable[[Geometry, Array, Array], Array]
    transpose: Callable[[Geometry, Array, Array], Array]
    correlate: Callable[[Geometry, Array, Array], Array]
