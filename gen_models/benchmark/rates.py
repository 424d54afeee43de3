"""Contestants that measure the device's own rates: matrix products and copies."""

from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
from jax import lax

from gen_models.algorithm import Array
from gen_models.benchmark.rounds import Timed, timed

# Precisions of products. "highest" is float32 everywhere, and a CPU has no TF32.
Precision = Literal["highest", "tensorfloat32", "bfloat16"]

Rate = Callable[[float], float]  # from seconds per unit of work to FLOP/s or bytes/s


def matmul(
    size: int = 1024, repeats: int = 4, precision: Precision = "highest"
) -> tuple[Timed, Rate]:
    """Returns a contestant that multiplies float32 or bfloat16 matrices, and a function from its
    seconds to FLOP/s."""
    key_a, key_b = jax.random.split(jax.random.key(0))
    a, b = jax.random.normal(key_a, (size, size)), jax.random.normal(key_b, (size, size)) / size
    if precision == "bfloat16":
        a, b = a.astype(jnp.bfloat16), b.astype(jnp.bfloat16)

    @jax.jit
    def chain(a: Array, b: Array) -> Array:
        with jax.default_matmul_precision(precision):
            return lax.fori_loop(0, repeats, lambda _, x: jnp.dot(x, b), a)

    return timed(lambda: chain(a, b).block_until_ready(), repeats), lambda s: 2 * size**3 / s


def copy(mib: int = 64, repeats: int = 4) -> tuple[Timed, Rate]:
    """Returns a contestant that reads `mib` MiB and writes as many, and a function from its seconds
    to bytes/s."""
    values = jnp.zeros(mib * 2**18, jnp.float32)

    @jax.jit
    def chain(values: Array) -> Array:
        return lax.fori_loop(0, repeats, lambda i, x: x + i, values)

    work = lambda: chain(values).block_until_ready()
    return timed(work, repeats), lambda s: 2 * mib * 2**20 / s
