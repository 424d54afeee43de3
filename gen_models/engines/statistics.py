"""Batch statistics of averaged weights.

Features of weights that still move vary more than features of averaged weights. With averaged batch
statistics the averaged net's features would be scaled down too far, and its samples would lie too
close to their mean. The statistics of the averaged weights are therefore recomputed, as in
Izmailov et al. 2018 (§3.2) for weight averages and in Brock et al. 2019 (appendix C, "standing
statistics") for samples.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gen_models.algorithm import Key, PyTree
from gen_models.nets.blocks import MOMENTUM

BATCHES = 8  # batches whose statistics are averaged


def standing_statistics(
    forward: Callable[[PyTree, Key], PyTree], stats: PyTree, key: Key
) -> PyTree:
    """The mean statistics of BATCHES batches, in the structure of `stats`.

    `forward` maps running statistics and a key to the running statistics after one forward pass in
    training mode, on a batch drawn with the key.
    """
    none = jax.tree.map(jnp.zeros_like, stats)
    parts = jax.lax.map(lambda key: forward(none, key), jax.random.split(key, BATCHES))
    return jax.tree.map(lambda part: part.mean(axis=0) / (1 - MOMENTUM), parts)
