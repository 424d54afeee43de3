"""The contrastive loss by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gen_models.losses.contrastive import nt_xent


def test_views_that_are_equal_and_orthogonal_to_all_others():
    views = jnp.eye(3)  # of the five others of each, one has cosine 1, four have 0
    expected = -np.log(np.exp(2.0) / (np.exp(2.0) + 4))
    assert nt_xent(views, views, 0.5) == pytest.approx(expected, rel=1e-6)


def test_projections_that_are_all_equal_leave_nothing_but_chance():
    same = jnp.ones((4, 5))
    assert nt_xent(same, same, 0.2) == pytest.approx(np.log(7), rel=1e-6)


def test_the_length_of_projections_does_not_matter():
    first, second = jax.random.normal(jax.random.key(0), (2, 6, 4))
    scaled = nt_xent(5 * first, second / 3, 0.2)
    expected = float(nt_xent(first, second, 0.2))
    assert scaled == pytest.approx(expected, rel=1e-5)


def test_its_gradient_is_finite_at_zero_projections():
    gradient = jax.grad(lambda x: nt_xent(x, x, 0.2))(jnp.zeros((3, 4)))
    assert jnp.all(jnp.isfinite(gradient))
