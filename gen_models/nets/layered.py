"""Generators written as lists of layers, such as "dense 128" or "leaky_relu 0.2": the nets that the
playground's editor makes, with the same names, numbers and weights."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gen_models.algorithm import Array, PyTree
from gen_models.fields import ConfigError, check_known
from gen_models.nets import conv

EPSILON = 1e-5  # added to variances
MOST_PIXELS = 2**14  # largest height × width of a map

Shape = tuple[int, ...]  # of one example: (features,) or (height, width, channels)
Shapes = dict[str, Shape]  # of weights by name


class Kind(NamedTuple):
    """One kind of layer.

    follow  shape of one example, number -> shape of its outputs, shapes of its weights. Raises
            ValueError where the input does not fit
    apply   x f32[N,…], weights, number -> f32[N,…]
    number  type of the number after the layer's name, None if it has none
    """

    follow: Callable[[Shape, float], tuple[Shape, Shapes]]
    apply: Callable[[Array, PyTree, float], Array]
    number: type | None = None


def _affine(kernel: Shape, outputs: int) -> Shapes:
    return {"kernel": kernel, "bias": (outputs,)}


def _dense(shape: Shape, units: int) -> tuple[Shape, Shapes]:
    (features,) = shape
    return (units,), _affine((features, units), units)


def _convolution(shape: Shape, channels: int) -> tuple[Shape, Shapes]:
    height, width, inputs = shape
    return (height, width, channels), _affine((3, 3, inputs, channels), channels)


def _halve(shape: Shape, channels: int) -> tuple[Shape, Shapes]:
    height, width, inputs = shape
    if height % 2 or width % 2:
        raise ValueError(f"{height}×{width} cannot be halved")
    return (height // 2, width // 2, channels), _affine((4, 4, inputs, channels), channels)


def _double(shape: Shape, channels: int) -> tuple[Shape, Shapes]:
    height, width, inputs = shape
    if 4 * height * width > MOST_PIXELS:
        raise ValueError(f"maps of {2 * height}×{2 * width} have more than {MOST_PIXELS} pixels")
    return (2 * height, 2 * width, channels), _affine((4, 4, channels, inputs), channels)


def _batch_norm(shape: Shape, _: float) -> tuple[Shape, Shapes]:
    return shape, dict.fromkeys(("scale", "bias", "mean", "variance"), shape[-1:])


def _map(shape: Shape, side: int) -> tuple[Shape, Shapes]:
    (count,) = shape
    if count % side**2:
        raise ValueError(f"{count} units do not fill maps of {side}×{side}")
    return (side, side, count // side**2), {}


def _flatten(shape: Shape, _: float) -> tuple[Shape, Shapes]:
    count = 1
    for size in shape:
        count *= size
    return (count,), {}


def _same(shape: Shape, _: float) -> tuple[Shape, Shapes]:
    return shape, {}


def _transposed(x: Array, weights: PyTree, _: float) -> Array:
    image = (2 * x.shape[1], 2 * x.shape[2])
    y = conv.convolve_transpose(x, weights["kernel"], image=image, stride=2, padding=1)
    return y + weights["bias"]


def _convolved(stride: int) -> Callable[[Array, PyTree, float], Array]:
    return lambda x, weights, _: (
        conv.convolve(x, weights["kernel"], stride=stride, padding=1) + weights["bias"]
    )


def _normalised(x: Array, weights: PyTree, _: float) -> Array:
    width = jnp.sqrt(weights["variance"] + EPSILON)
    return (x - weights["mean"]) / width * weights["scale"] + weights["bias"]


KINDS = {
    "dense": Kind(_dense, lambda x, weights, _: x @ weights["kernel"] + weights["bias"], int),
    "convolution": Kind(_convolution, _convolved(1), int),
    "halve": Kind(_halve, _convolved(2), int),
    "double": Kind(_double, _transposed, int),
    "batch_norm": Kind(_batch_norm, _normalised),
    "relu": Kind(_same, lambda x, *_: jax.nn.relu(x)),
    "leaky_relu": Kind(_same, lambda x, _, slope: jax.nn.leaky_relu(x, slope), float),
    "tanh": Kind(_same, lambda x, *_: jnp.tanh(x)),
    "sigmoid": Kind(_same, lambda x, *_: jax.nn.sigmoid(x)),
    "map": Kind(_map, lambda x, _, side: x.reshape(x.shape[0], side, side, -1), int),
    "flatten": Kind(_flatten, lambda x, *_: x.reshape(x.shape[0], -1)),
}


class Layer(NamedTuple):
    """A layer parsed from its text."""

    kind: Kind
    number: float


def parsed(text: str) -> Layer:
    """The layer described by a text such as "dense 128". Raises ConfigError for other texts."""
    name, *numbers = text.split()
    check_known("layer", name, KINDS)
    kind = KINDS[name]
    wanted = 0 if kind.number is None else 1
    try:
        (*found,) = (kind.number(number) for number in numbers)
    except (TypeError, ValueError):
        found = None
    if found is None or len(found) != wanted or not all(0 <= number <= 4096 for number in found):
        expected = {None: "no number", int: "a whole number", float: "a number"}[kind.number]
        raise ConfigError(f"the layer is {text!r:.40}, expected {name} with {expected}")
    return Layer(kind, found[0] if found else 0)


def follow(layers: Sequence[str], shape: Shape) -> tuple[Shape, dict[str, Shapes]]:
    """The shape of the outputs for one input of `shape`, and the shapes of the weights by the
    layer's place in the list. Raises ConfigError for layers that do not fit."""
    weights = {}
    for place, text in enumerate(layers):
        kind, number = parsed(text)
        try:
            shape, own = kind.follow(shape, number)
        except (ValueError, ZeroDivisionError) as error:
            given = "×".join(map(str, shape))
            raise ConfigError(
                f"layer {place + 1}, {text}, does not fit {given}: {error}"
            ) from error
        if own:
            weights[str(place)] = own
    return shape, weights


def apply(layers: Sequence[str], weights: PyTree, x: Array) -> Array:
    """The net's outputs for inputs f32[N,…]."""
    for place, text in enumerate(layers):
        kind, number = parsed(text)
        x = kind.apply(x, weights.get(str(place), {}), number)
    return x
