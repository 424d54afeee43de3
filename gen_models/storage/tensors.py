"""Conversion of pytrees to named tensors, as files store them, and back."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np


def named(tree: Any) -> dict[str, Any]:  # any pytree
    """The leaves of a pytree by key path, such as "params/gen/Conv_0/bias".

    Raises ValueError if two leaves would have the same name.
    """
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    found = {jax.tree_util.keystr(path, simple=True, separator="/"): x for path, x in leaves}
    if len(found) < len(leaves):
        raise ValueError("two leaves of the pytree have the same key path when joined with '/'")
    return found


def filled(template: Any, tensors: Mapping[str, np.ndarray]) -> Any:
    """A pytree of the structure of `template` with the named tensors: the inverse of `named`.

    Raises KeyError for a missing tensor and ValueError for one of another shape.
    """
    leaves = []
    for name, wanted in named(template).items():
        if tensors[name].shape != wanted.shape:
            raise ValueError(f"{name} has shape {tensors[name].shape}, expected {wanted.shape}")
        leaves.append(tensors[name])
    return jax.tree.unflatten(jax.tree.structure(template), leaves)
