"""The prior of a VAE: a mixture that is fitted to codes, and what it leaves alone."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from trainings import make_recipe

from gen_models import programs
from gen_models.data.stream import gather
from gen_models.engines.priors import LEAST_VARIANCE, Mixture, StandardNormal
from gen_models.losses import normal_log_prob
from gen_models.runs import DataRecord
from gen_models.sampling import export, portable

CENTRES = np.array([[-2.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
SPREAD = 0.2


@pytest.fixture(scope="module")
def fitted():
    """A mixture and its state after batches of three clusters, the third of label 1 alone."""
    mixture, rng = Mixture(latent_size=2, components=12, classes=2), np.random.default_rng(0)
    state, update = mixture.init(jax.random.key(0)), jax.jit(mixture.update)
    for step in range(2000):
        labels = rng.integers(0, 2, 64, np.int32)
        cluster = np.where(labels == 0, rng.integers(0, 2, 64), 2)
        z = CENTRES[cluster] + SPREAD * rng.standard_normal((64, 2))
        state = update(state, z.astype(np.float32), labels, np.int32(step))
    return mixture, jax.device_get(state)


def parameters(state):
    """Weights by label, means and variances, as the state's statistics define them."""
    total = state["counts"].sum(0)[:, None]
    mean = state["sums"] / total
    variance = np.maximum(state["squares"] / total - mean**2, LEAST_VARIANCE)
    return state["counts"] / state["counts"].sum(1, keepdims=True), mean, variance


def test_draws_of_a_label_are_like_its_codes(fitted):
    mixture, state = fitted
    labels = np.repeat(np.int32([0, 1]), 4000)
    two, one = np.split(np.asarray(mixture.draw(state, jax.random.key(1), labels)), 2)
    np.testing.assert_allclose(one.mean(0), CENTRES[2], atol=0.03)
    np.testing.assert_allclose(one.std(0), SPREAD, atol=0.03)
    right = two[two[:, 0] > 0]
    assert len(right) / len(two) == pytest.approx(0.5, abs=0.05)
    np.testing.assert_allclose(right.mean(0), CENTRES[1], atol=0.03)


def test_log_prob_is_that_of_the_mixture_and_integrates_to_one(fitted):
    mixture, state = fitted
    weights, mean, variance = parameters(state)
    side = np.linspace(-5, 5, 401)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    parts = np.exp(-0.5 * ((grid[:, None] - mean) ** 2 / variance).sum(-1)) / (
        2 * np.pi * np.sqrt(variance.prod(-1))
    )
    for label in (0, 1):
        labels = np.full(len(grid), label, np.int32)
        found = np.asarray(mixture.log_prob(state, grid.astype(np.float32), labels))
        np.testing.assert_allclose(np.exp(found), parts @ weights[label], atol=1e-4)
        assert np.exp(found).sum() * (side[1] - side[0]) ** 2 == pytest.approx(1, abs=0.01)


def test_a_step_is_one_of_online_expectation_maximisation(fitted):
    """From the state's parameters, towards the batch's expected statistics."""
    mixture, state = fitted
    rng = np.random.default_rng(1)
    z, labels = rng.standard_normal((5, 2)).astype(np.float32), np.int32([0, 1, 1, 0, 1])
    weights, mean, variance = parameters(state)
    logs = np.log(weights[labels]) + np.stack(
        [np.asarray(normal_log_prob(z, m, np.log(v))) for m, v in zip(mean, variance, strict=True)],
        axis=1,
    )
    shares = np.exp(logs - logs.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    new = mixture.update(state, z, labels, np.int32(90))
    rate = 100**-0.75
    for name, seen in {
        "counts": np.stack([shares[labels == y].sum(0) / 5 for y in (0, 1)]),
        "sums": shares.T @ z / 5,
        "squares": shares.T @ z**2 / 5,
    }.items():
        expected = (1 - rate) * state[name] + rate * seen
        np.testing.assert_allclose(new[name], expected, rtol=1e-4, atol=1e-6)


def test_a_mixture_has_the_weights_of_all_codes_where_labels_have_none():
    alike, state = Mixture(3, 4, classes=1), Mixture(3, 4, classes=1).init(jax.random.key(0))
    z = jax.random.normal(jax.random.key(1), (6, 3))
    found = [alike.log_prob(state, z, jnp.full(6, label, jnp.int32)) for label in (0, 7)]
    np.testing.assert_array_equal(*found)


def test_a_component_that_hardly_any_code_belongs_to_begins_anew_at_one(fitted):
    mixture, state = fitted
    far = {name: np.array(x) for name, x in state.items()}
    far["counts"][:, 3] *= 1e-6
    far["sums"][3], far["squares"][3] = 0, 0
    z = np.full((4, 2), 1.5, np.float32)
    new = mixture.update(far, z, np.int32([0, 1, 0, 1]), np.int32(10**6))
    weights, mean, _ = parameters(new)
    np.testing.assert_allclose(mean[3], 1.5, rtol=1e-5)
    assert (weights[:, 3] > 0.01).all()
    others = np.arange(mixture.components) != 3
    expected = far["counts"][:, others]
    np.testing.assert_allclose(new["counts"][:, others], expected, rtol=1e-2, atol=1e-6)


def test_a_component_without_codes_is_no_error():
    mixture = Mixture(latent_size=2, components=3, classes=1)
    state = jax.tree.map(jnp.zeros_like, mixture.init(jax.random.key(0)))
    labels = jnp.zeros(4, jnp.int32)
    assert np.isfinite(mixture.draw(state, jax.random.key(1), labels)).all()
    assert np.isfinite(mixture.log_prob(state, jnp.zeros((4, 2)), labels)).all()


def test_the_standard_normal_is_the_same_for_every_label():
    prior, z = StandardNormal(3), jax.random.normal(jax.random.key(0), (5, 3))
    found = prior.log_prob({}, z, jnp.arange(5))
    np.testing.assert_allclose(found, -0.5 * (np.sum(z**2, 1) + 3 * np.log(2 * np.pi)), rtol=1e-5)


SLOW = (pytest.param(name, marks=pytest.mark.slow) for name in ("vae", "iwae"))


@pytest.fixture(scope="module", params=["cvae", *SLOW])
def trained(request, tiny):
    """Recipes, models and states of a short training, with the standard normal and a mixture."""
    found = []
    for components in (0, 4):
        recipe = make_recipe(model=request.param, prior_components=components)
        model = recipe.model(DataRecord.of(tiny.train).spec)
        state = programs.start(model, jax.random.key(0))
        chunk = jax.device_put(gather(tiny.train, 0, 0, 4, 8))
        state, _ = programs.advance(model, state, chunk, 4, jax.random.key(1))
        found.append((recipe, model, jax.device_get(state)))
    return found


def test_training_is_the_same_with_a_mixture(trained):
    (_, _, usual), (_, _, mixed) = trained
    for part in ("params", "stats", "opt"):
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6),
            getattr(usual, part),
            getattr(mixed, part),
        )
    assert usual.ema["prior"] == {}
    assert mixed.ema["prior"].keys() == {"counts", "sums", "squares"}


def test_every_average_has_the_mixture_that_it_has_alone(tiny):
    """So that one chosen after training is what a training with it alone has."""
    states = []
    for options in ({"ema_decay": 0.5, "ema_decays": (0.05,)}, {"ema_decay": 0.05}):
        recipe = make_recipe(model="vae", prior_components=4, **options)
        model = recipe.model(DataRecord.of(tiny.train).spec)
        state = programs.start(model, jax.random.key(0))
        chunk = jax.device_put(gather(tiny.train, 0, 0, 4, 8))
        states.append(programs.advance(model, state, chunk, 4, jax.random.key(1))[0])
    (chosen,), alone = states[0].averages, states[1].ema
    close = partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5)
    jax.tree.map(close, chosen, alone)


def test_a_training_that_was_stopped_ends_with_the_same_mixture(trained, tiny):
    _, model, whole = trained[1]
    chunk = jax.device_put(gather(tiny.train, 0, 0, 4, 8))
    state = programs.start(model, jax.random.key(0))
    for _ in range(2):
        state, _ = programs.advance(model, state, chunk, 2, jax.random.key(1))
        state = jax.device_put(jax.device_get(state))
    jax.tree.map(np.testing.assert_array_equal, state.ema, whole.ema)


def test_samples_and_likelihoods_are_by_the_mixture(trained):
    (_, usual, _), (_, mixture, state) = trained
    labels, key = jnp.arange(3, dtype=jnp.int32), jax.random.key(2)
    images = jnp.zeros((3, 8, 8), jnp.uint8)
    by_mixture, by_normal = (programs.sample(m, state, key, labels) for m in (mixture, usual))
    assert np.any(by_mixture != by_normal)
    bounds = [
        programs.bounds(m, state, images, labels, key, jnp.int32(5)) for m in (mixture, usual)
    ]
    np.testing.assert_allclose(bounds[0].likelihood, bounds[1].likelihood, rtol=1e-5)
    assert np.any(bounds[0].kl != bounds[1].kl)


def test_a_mixture_is_saved_and_exported_with_its_model(trained, tiny, tmp_path):
    recipe, model, state = trained[1]
    portable.save(tmp_path / "mixture.safetensors", recipe, DataRecord.of(tiny.train), state)
    loaded = portable.load(tmp_path / "mixture.safetensors").state
    labels = np.arange(3, dtype=np.int32)
    wanted = np.asarray(programs.sample(model, state, jax.random.key(7), labels))
    again = programs.sample(model, loaded, jax.random.key(7), labels)
    np.testing.assert_array_equal(again, wanted)
    program = jax.export.deserialize(bytearray(export.stablehlo(model, state).sample))
    drawn = jax.jit(program.call)(np.uint32(7), labels)
    np.testing.assert_allclose(drawn, wanted, rtol=1e-4, atol=1e-5)
