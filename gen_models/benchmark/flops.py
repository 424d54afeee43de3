"""Count of a program's floating-point operations from the shapes of its matrix products."""

import math
import re

import jax
import jax.numpy as jnp

from gen_models.algorithm import Batch
from gen_models.model import Model
from gen_models.nets import conv

_SHAPE = r"[a-z]+[0-9]+\[([0-9,]*)\]"
_DOT = re.compile(
    rf"= {_SHAPE}\S* dot\(\s*(?:{_SHAPE}\S*\s+)?%?([\w.\-]+)"
    r"[^\n]*?lhs_contracting_dims=\{([0-9,]*)\}"
)
_DEFINITION = re.compile(rf"%?([\w.\-]+) = {_SHAPE}")


def dot_flops(hlo: str) -> int:
    """The sum of 2·(output elements)·(contracted length) over all dots of an HLO text.

    A loop's body counts once, so the program of many steps gives the operations of one. Only
    matrix products count: the hardware's matrix rate is of these, and all other operations of a
    network grow more slowly with its size.
    """
    shapes = {name: _sizes(sizes) for name, sizes in _DEFINITION.findall(hlo)}
    total = 0
    for output, inline, operand, contracted in _DOT.findall(hlo):
        left = _sizes(inline) if inline else shapes[operand]
        total += 2 * math.prod(_sizes(output)) * math.prod(left[i] for i in _sizes(contracted))
    return total


def step_flops(model: Model, batch_size: int) -> int:
    """Operations of one training step by the definition of its layers: k·k·C products for each
    value of a convolution's features. Fewer may be executed (`nets.conv`). Compiles nothing."""
    algorithm, spec = model.algorithm, model.spec
    size = batch_size * algorithm.batches
    images = jax.ShapeDtypeStruct((size, spec.height, spec.width, 1), jnp.float32)
    batch = Batch(images, jax.ShapeDtypeStruct((size,), jnp.int32))
    key = jax.random.key(0)
    with conv.using(conv.COLUMNS):
        lowered = jax.jit(algorithm.step).lower(jax.eval_shape(algorithm.init, key), batch, key)
    return dot_flops(lowered.as_text(dialect="hlo"))


def _sizes(text: str) -> list[int]:
    return [int(size) for size in text.split(",") if size]
