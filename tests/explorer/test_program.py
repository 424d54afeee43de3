"""A function of JAX as operations: what is kept, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from gen_models.explorer.program import UnsupportedError, program

ONE = jax.ShapeDtypeStruct((1,), jnp.int32)
ROW = jax.ShapeDtypeStruct((1, 3), jnp.float32)


def test_labels_that_choose_one_hot_vectors_become_shares_of_the_classes():
    def function(weights, z, labels):
        return z @ weights["w"] + jax.nn.one_hot(labels, 4)

    written = program(function, {"w": np.ones((3, 4), np.float32)}, {"z": ROW, "labels": ONE})
    assert written.inputs.keys() == {"z", "mix"}
    assert written.values[written.inputs["mix"]] == ("f32", (1, 4))


def test_labels_that_choose_rows_stay_labels():
    def function(weights, labels):
        return weights["table"][labels]

    written = program(function, {"table": np.ones((4, 3), np.float32)}, {"labels": ONE})
    assert written.inputs.keys() == {"labels"}


def test_what_the_result_does_not_depend_on_is_left_out():
    def function(weights, z, labels):
        del labels
        unused = jnp.tanh(z @ weights["unused"])
        return jnp.exp(z) * weights["scale"] + 0 * unused.shape[0]

    weights = {"scale": np.ones(3, np.float32), "unused": np.ones((3, 3), np.float32)}
    written = program(function, weights, {"z": ROW, "labels": ONE})
    assert (written.inputs.keys(), written.weights.keys()) == ({"z"}, {"scale"})
    assert [name for name, *_ in written.operations if name in ("tanh", "dot_general")] == []


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda _, z: jnp.sort(z), "no operation sort"),
        (lambda _, z: z.astype(jnp.bfloat16), "type bfloat16"),
        (lambda _, z: z[:, jnp.array([0, 2])], "rows of tables alone"),
        (lambda _, z: jnp.einsum("bi,bj->bij", z, z), "batches of matrices"),
        (lambda _, z: lax.round(z, lax.RoundingMethod.AWAY_FROM_ZERO), "even numbers alone"),
        (lambda _, z: z + jax.random.normal(jax.random.key(0, impl="rbg"), (3,)), "Threefry-2x32"),
        (
            lambda _, z: z + jax.vmap(jax.random.bits)(jax.random.split(jax.random.key(0), 3)),
            "several random keys",
        ),
        (
            lambda _, z: lax.gather(
                z.T,
                jnp.array([[2], [0]]),
                lax.GatherDimensionNumbers((0,), (0,), (0,)),
                (1, 1),
                mode="clip",
            ),
            "rows of tables alone",
        ),
    ],
)
def test_a_function_that_the_page_cannot_compute_is_refused_with_the_reason(function, reason):
    with pytest.raises(UnsupportedError, match=reason):
        program(function, {}, {"z": ROW})
