"""Count of a program's floating-point operations from the shapes of its matrix products."""

import math
import re
from collections.abc import Iterator

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr
from jax.interpreters.partial_eval import dce_jaxpr

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

    A loop's body counts once, so the program of many steps gives the operations of one, unless a
    step has loops of its own. Only matrix products count: the hardware's matrix rate is their rate,
    and all other operations of a network grow more slowly with its size.
    """
    shapes = {name: _sizes(sizes) for name, sizes in _DEFINITION.findall(hlo)}
    total = 0
    for output, inline, operand, contracted in _DOT.findall(hlo):
        left = _sizes(inline) if inline else shapes[operand]
        total += 2 * math.prod(_sizes(output)) * math.prod(left[i] for i in _sizes(contracted))
    return total


def step_flops(model: Model, batch_size: int) -> int:
    """Operations of one training step by the definition of its layers: k·k·C products for each
    value of a convolution's features. Fewer may be executed (`nets.conv`). Of a conditional, the
    branch with the most operations is counted. Compiles nothing."""
    algorithm, spec = model.algorithm, model.spec
    size = batch_size * algorithm.batches
    images = jax.ShapeDtypeStruct((size, spec.height, spec.width, 1), jnp.float32)
    batch = Batch(images, jax.ShapeDtypeStruct((size,), jnp.int32))
    key = jax.random.key(0)
    with conv.using(conv.COLUMNS):
        state = jax.eval_shape(algorithm.init, key)
        traced = jax.make_jaxpr(algorithm.step)(state, batch, key).jaxpr
    without_unused, _ = dce_jaxpr(traced, [True] * len(traced.outvars))
    return _product_flops(without_unused)


def _product_flops(jaxpr: Jaxpr) -> int:
    """Operations of the matrix products of a traced program, over all iterations of its scans."""
    total = 0
    for equation in jaxpr.eqns:
        name, params = equation.primitive.name, equation.params
        if name == "dot_general":
            (contracted, _), _ = params["dimension_numbers"]
            left, output = equation.invars[0].aval.shape, equation.outvars[0].aval.shape
            total += 2 * math.prod(output) * math.prod(left[axis] for axis in contracted)
            continue
        nested = [_product_flops(program) for program in _programs(tuple(params.values()))]
        if name == "cond":
            total += max(nested)
        else:
            total += sum(nested) * (params["length"] if name == "scan" else 1)
    return total


def _programs(value: object) -> Iterator[Jaxpr]:
    """The jaxprs nested in the parameters of an operation."""
    if isinstance(value, Jaxpr | ClosedJaxpr):
        yield value.jaxpr if isinstance(value, ClosedJaxpr) else value
    elif isinstance(value, tuple | list):
        for element in value:
            yield from _programs(element)


def _sizes(text: str) -> list[int]:
    return [int(size) for size in text.split(",") if size]
