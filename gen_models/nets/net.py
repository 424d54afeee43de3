"""Modules as pure functions: what the engines see of a network."""

from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax

from gen_models.algorithm import Array, Key, PyTree


class Net(NamedTuple):
    """A network as two pure functions.

    init   key, *inputs -> params, stats
    apply  params, stats, *inputs, train -> outputs, new stats. With train=True normalisation uses
           the batch's own statistics and moves the running ones; otherwise it uses the running ones
           and returns them as they were.
    """

    init: Callable[..., tuple[PyTree, PyTree]]
    apply: Callable[..., tuple[Array, PyTree]]


class Verdict(NamedTuple):
    """What a discriminator says of images: scores f32[N], and whatever else it is asked."""

    score: Array
    head: PyTree = ()


def net(module: nn.Module, method: str = "__call__") -> Net:
    """A linen module as a Net: one of its methods, which takes `train` by keyword."""

    def init(key: Key, *inputs: Array) -> tuple[PyTree, PyTree]:
        # Jitted, because linen runs the whole forward pass to find the shapes.
        variables = jax.jit(lambda key: module.init(key, *inputs, train=True, method=method))(key)
        return variables["params"], variables.get("batch_stats", {})

    def apply(params: PyTree, stats: PyTree, *inputs: Array, train: bool) -> tuple[Array, PyTree]:
        variables = {"params": params, "batch_stats": stats}
        if not train:
            return module.apply(variables, *inputs, train=False, method=method), stats
        outputs, changed = module.apply(
            variables, *inputs, train=True, method=method, mutable=["batch_stats"]
        )
        return outputs, changed.get("batch_stats", stats)

    return Net(init, apply)
