"""Pytrees as named tensors: taken apart and filled again, or refused by name."""

import jax
import numpy as np
import pytest

from gen_models.algorithm import State
from gen_models.storage.tensors import filled, named

TREE = State(
    step=np.int32(7),
    params={"gen": {"Conv_0": {"bias": np.arange(2.0), "kernel": np.ones((3, 2))}}},
    stats={"gen": {}},
    opt={"gen": (np.zeros(2), ())},
    ema=None,
    extra=np.float32(0.5),
)
NAMES = {
    "step",
    "params/gen/Conv_0/bias",
    "params/gen/Conv_0/kernel",
    "opt/gen/0",
    "extra",
}


def test_named_calls_leaves_by_their_key_paths():
    tensors = named(TREE)
    assert tensors.keys() == NAMES
    assert tensors["params/gen/Conv_0/kernel"] is TREE.params["gen"]["Conv_0"]["kernel"]


def test_named_refuses_two_leaves_of_one_name():
    with pytest.raises(ValueError, match="same key path"):
        named({"a/b": np.zeros(1), "a": {"b": np.zeros(1)}})


def test_filled_has_the_templates_structure_and_the_tensors_given():
    template = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), TREE)
    tensors = named(TREE)
    found = filled(template, tensors)
    assert jax.tree.structure(found) == jax.tree.structure(TREE)
    assert all(a is b for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(TREE), strict=True))
    assert named(found) == tensors


def test_filled_passes_over_tensors_that_the_template_lacks():
    assert named(filled(TREE, named(TREE) | {"other": np.zeros(3)})).keys() == NAMES


def test_filled_refuses_a_missing_name():
    tensors = named(TREE)
    del tensors["params/gen/Conv_0/bias"]
    with pytest.raises(KeyError, match="params/gen/Conv_0/bias"):
        filled(TREE, tensors)


@pytest.mark.parametrize("shape", [(2, 3), (6,), (), (3, 2, 1)])
def test_filled_refuses_another_shape(shape):
    tensors = named(TREE) | {"params/gen/Conv_0/kernel": np.ones(shape)}
    with pytest.raises(ValueError) as refusal:
        filled(TREE, tensors)
    assert str(refusal.value) == (f"params/gen/Conv_0/kernel has shape {shape}, expected (3, 2)")
