"""Networks as pure functions, in the form that the engines use."""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax

from gen_models.algorithm import Array, Key, PyTree


class Net(NamedTuple):
    """A network as two pure functions.

    init   key, *inputs -> params, stats
    apply  params, stats, *inputs, train -> outputs, new stats. With train=True normalisation uses
           the batch's own statistics and moves the running ones; otherwise it uses the running ones
           and returns them unchanged. Outputs are an Array, a Verdict, an Inference or a tuple.
    """

    init: Callable[..., tuple[PyTree, PyTree]]
    apply: Callable[..., tuple[Any, PyTree]]


class Verdict(NamedTuple):
    """Outputs of a discriminator for images."""

    score: Array  # f32[N]
    head: PyTree = ()  # further outputs, for the terms of a loss


class Inference(NamedTuple):
    """Outputs of a hierarchical VAE for images: a latent drawn from the posterior, level by level,
    the posterior, and the decoder's outputs for the latent."""

    z: Array  # f32[N,Z]
    mean: Array  # posterior mean of each dimension given the levels above, f32[N,Z]
    log_variance: Array  # posterior log-variance likewise, f32[N,Z]
    outputs: Array  # parameters of the likelihood, f32[N,H,W,1]


def net(module: nn.Module, method: str = "__call__") -> Net:
    """The Net of a linen module's method, which must take `train` by keyword."""

    def init(key: Key, *inputs: Array) -> tuple[PyTree, PyTree]:
        # Jitted because linen runs the whole forward pass to find the shapes.
        variables = jax.jit(lambda key: module.init(key, *inputs, train=True, method=method))(key)
        return variables["params"], variables.get("batch_stats", {})

    def apply(params: PyTree, stats: PyTree, *inputs: Array, train: bool) -> tuple[Any, PyTree]:
        variables = {"params": params, "batch_stats": stats}
        if not train:
            return module.apply(variables, *inputs, train=False, method=method), stats
        outputs, changed = module.apply(
            variables, *inputs, train=True, method=method, mutable=["batch_stats"]
        )
        return outputs, changed.get("batch_stats", stats)

    return Net(init, apply)
