"""The averaged parameters and the optimiser's step, by arithmetic."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gen_models.engines.updates import apply_gradients, clipped, exponential_moving_average

OLD = {"w": jnp.array([0.0, 2.0]), "b": jnp.array(10.0)}
NEW = {"w": jnp.array([1.0, -2.0]), "b": jnp.array(20.0)}


@pytest.mark.parametrize(
    ("step", "decay"),
    [
        (0, 0.1),  # (1 + t) / (10 + t) as long as that is less than the decay asked for
        (1, 2 / 11),
        (10, 0.55),
        (80, 0.9),
        (81, 0.9),
        (10_000, 0.9),
    ],
)
def test_exponential_moving_average_keeps_its_decay_of_the_old_and_the_rest_of_the_new(step, decay):
    ema = exponential_moving_average(OLD, NEW, 0.9, jnp.int32(step))
    for name in OLD:
        expected = decay * np.asarray(OLD[name]) + (1 - decay) * np.asarray(NEW[name])
        np.testing.assert_allclose(ema[name], expected, rtol=1e-6, atol=1e-6)


def test_exponential_moving_average_without_decay_is_the_newest():
    assert exponential_moving_average(OLD, NEW, None, jnp.int32(5)) is NEW


def test_exponential_moving_average_at_decay_0_is_the_newest_and_at_1_late_the_oldest():
    np.testing.assert_array_equal(
        exponential_moving_average(OLD, NEW, 0.0, jnp.int32(5))["w"], NEW["w"]
    )
    late = exponential_moving_average(OLD, NEW, 1.0, jnp.int32(10**9))
    np.testing.assert_allclose(late["w"], OLD["w"], atol=1e-6)


def test_exponential_moving_average_of_a_constant_is_exactly_that():
    value = {"w": jnp.array([0.1, 1 / 3, 1e-30])}
    for step in (0, 7, 1000):
        assert (
            exponential_moving_average(value, value, 0.999, jnp.int32(step))["w"].tolist()
            == value["w"].tolist()
        )


def test_exponential_moving_average_soon_forgets_the_initialisation():
    ema = jnp.array(1.0)
    for step in range(20):
        ema = exponential_moving_average(ema, jnp.array(0.0), 0.999, jnp.int32(step))
    weights = [(1 + step) / (10 + step) for step in range(20)]
    assert ema == pytest.approx(np.prod(weights), rel=1e-5)
    assert ema < 1e-6  # a constant decay of 0.999 would have left 0.98 of it


def test_apply_gradients_takes_one_step_against_the_gradient():
    optimiser = optax.sgd(0.1, momentum=0.5)
    params, grads = {"w": jnp.array([1.0, 2.0])}, {"w": jnp.array([10.0, -10.0])}
    opt = optimiser.init(params)
    params, opt = apply_gradients(optimiser, grads, opt, params)
    np.testing.assert_allclose(params["w"], [0.0, 3.0], atol=1e-6)
    params, opt = apply_gradients(
        optimiser, grads, opt, params
    )  # the second has half of the first in it
    np.testing.assert_allclose(params["w"], [-1.5, 4.5], atol=1e-6)


def test_clipped_parameters_end_within_the_limit_and_move_as_usual_inside():
    params = {"w": jnp.array([0.5, -0.5, 0.0, 3.0])}
    grads = {"w": jnp.array([-1.0, 1.0, 0.5, 0.0])}
    optimiser = clipped(optax.sgd(0.4), 0.6)
    new, _ = apply_gradients(optimiser, grads, optimiser.init(params), params)
    np.testing.assert_allclose(new["w"], [0.6, -0.6, -0.2, 0.6], rtol=1e-6)
