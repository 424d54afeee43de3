"""Batch statistics of averaged weights, against activations of the net that has them."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from trainings import make_recipe

from gen_models import programs
from gen_models.algorithm import Batch, Spec
from gen_models.engines.statistics import standing_statistics
from gen_models.models import MODELS
from gen_models.runs import DataRecord
from gen_models.sampling import drawing

SPEC = Spec(8, 8, 3)
KEY_INIT, KEY_TRAIN, KEY_DATA, KEY_STATS = jax.random.split(jax.random.key(0), 4)
STEPS = 60


SLOW = (pytest.param(name, marks=pytest.mark.slow) for name in ("gan", "acgan", "cvae"))


@pytest.fixture(scope="module", params=["cgan", "vae", *SLOW])
def trained(request):
    """An algorithm and its state after a few fast steps, in which weights move far."""
    module = MODELS[request.param]
    algorithm = module.build(module.Config(width=4, latent_size=3, learning_rate=0.02), SPEC)
    images = jax.random.uniform(KEY_DATA, (16, 8, 8, 1), minval=-1)
    batch = Batch(images, jnp.arange(16, dtype=jnp.int32) % 3)
    step = jax.jit(algorithm.step)
    state = jax.jit(algorithm.init)(KEY_INIT)
    for _ in range(STEPS):
        state, _ = step(state, batch, KEY_TRAIN)
    return algorithm, state


def moments(algorithm, state, key):
    """Mean and variance of each normalised feature of new samples, before its scale and shift."""
    found = []

    def record(call, args, kwargs, context):
        output = call(*args, **kwargs)
        if isinstance(context.module, nn.BatchNorm):
            params = context.module.variables["params"]
            normalised = (output - params["bias"]) / params["scale"]
            axes = tuple(range(output.ndim - 1))
            found.append((normalised.mean(axes), normalised.var(axes)))
        return output

    labels = jnp.arange(3000, dtype=jnp.int32) % 3
    with nn.intercept_methods(record):
        algorithm.sample(state, key, labels)
    return [np.concatenate([np.ravel(x) for x in part]) for part in zip(*found, strict=True)]


def test_activations_of_the_averaged_net_have_mean_0_and_variance_1(trained):
    algorithm, state = trained
    labels = jnp.arange(500, dtype=jnp.int32) % 3
    final = algorithm.finalise(state, labels, KEY_STATS)
    mean, variance = moments(algorithm, final, KEY_DATA)
    alive = variance > 1e-3  # features that are constant stay 0
    assert alive.mean() > 0.5
    np.testing.assert_allclose(mean, 0, atol=0.12)
    np.testing.assert_allclose(variance[alive], 1, atol=0.15)
    before = moments(algorithm, state, KEY_DATA)[1][alive]
    assert np.abs(before - 1).mean() > 2 * np.abs(variance[alive] - 1).mean()


def test_only_the_statistics_change_and_the_key_decides_them(trained):
    algorithm, state = trained
    labels = jnp.arange(500, dtype=jnp.int32) % 3
    final, again, other = (
        algorithm.finalise(state, labels, key) for key in (KEY_STATS, KEY_STATS, KEY_DATA)
    )
    jax.tree.map(np.testing.assert_array_equal, final, again)
    rest = final._replace(ema=final.ema | {"stats": state.ema["stats"]})
    jax.tree.map(np.testing.assert_array_equal, rest, state)
    pairs = zip(jax.tree.leaves(final.ema), jax.tree.leaves(other.ema), strict=True)
    assert any(np.any(a != b) for a, b in pairs)


def test_statistics_do_not_depend_on_the_running_ones():
    def forward(stats, key):
        batch = 3 + 2 * jax.random.normal(key, (5000,))
        return {"mean": 0.9 * stats["mean"] + 0.1 * batch.mean()}

    for start in (0.0, 1e6):
        found = standing_statistics(forward, {"mean": jnp.float32(start)}, KEY_STATS)
        assert float(found["mean"]) == pytest.approx(3, abs=0.05)


@pytest.mark.parametrize("model", ["r3gan", "vq_vae", "hvae"])
def test_a_net_without_normalisation_is_final_as_it_is(model, tiny, tiny_options):
    subject = make_recipe(model=model, **tiny_options).model(tiny.train.spec)
    state = jax.jit(subject.algorithm.init)(KEY_INIT)
    final = programs.finalise(subject, state, jnp.zeros(500, jnp.int32), KEY_STATS)
    jax.tree.map(np.testing.assert_array_equal, final, state)


def test_statistics_are_those_of_the_classes_that_were_trained_on(gapped, tiny_options):
    subject = make_recipe(model="cgan", **tiny_options).model(gapped.train.spec)
    state = jax.jit(subject.algorithm.init)(KEY_INIT)
    table = state.ema["params"]["ClassAffine_0"]["shift"]
    strange = state.ema["params"] | {
        "ClassAffine_0": state.ema["params"]["ClassAffine_0"] | {"shift": table.at[2].set(100.0)}
    }
    with_strange = state._replace(ema=state.ema | {"params": strange})
    record = DataRecord.of(gapped.train)
    final = [drawing.finalise(subject, record, each).ema["stats"] for each in (state, with_strange)]
    jax.tree.map(np.testing.assert_array_equal, *final)
