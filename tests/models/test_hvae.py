"""The hierarchy of latents: what each level sees, and its likelihood."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gen_models import programs
from gen_models.algorithm import Batch, Spec
from gen_models.fields import ConfigError, validate
from gen_models.losses import normal_log_prob
from gen_models.model import Model
from gen_models.models import hvae
from gen_models.nets.hvae import Block, Ladder, Level
from gen_models.nets.net import net

SPEC = Spec(8, 8, 3)
KEY_INIT, KEY_DATA, KEY_NOISE = jax.random.split(jax.random.key(0), 3)
IMAGES = jax.random.uniform(KEY_DATA, (5, 8, 8, 1), minval=-1)
LABELS = jnp.zeros(5, jnp.int32)
TOP, CHANNELS, LEVELS = 3, 2, 3
SIZES = (TOP, 2 * TOP, 4 * CHANNELS)  # a map of 2×2
ENDS = np.cumsum(SIZES)
OPTIONS = {"width": 4, "levels": LEVELS, "latent_size": TOP, "map_channels": CHANNELS}
LADDER = Ladder(8, 8, LEVELS, TOP, CHANNELS, width=4)
NOISE = jax.random.normal(KEY_NOISE, (5, sum(SIZES)))


def model_of(**options):
    return Model(hvae.build, SPEC, hvae.Config(**OPTIONS | options))


def grown(params):
    """Weights of which no block is nearly the identity, as after a training."""
    leaves, structure = jax.tree.flatten(params)
    keys = jax.random.split(KEY_NOISE, len(leaves))
    moved = [x + 0.1 * jax.random.normal(key, x.shape) for key, x in zip(keys, leaves, strict=True)]
    return jax.tree.unflatten(structure, moved)


@pytest.fixture(scope="module")
def ladder():
    """The two nets, and weights that they share."""
    inference, generator = (net(LADDER, method) for method in ("infer", "generate"))
    return inference, generator, grown(inference.init(KEY_INIT, IMAGES, NOISE)[0])


@pytest.fixture(scope="module")
def state():
    state = jax.jit(model_of().algorithm.init)(KEY_INIT)
    return state._replace(ema=state.ema | {"params": grown(state.ema["params"])})


def warm(state):
    """The state after the warm-up."""
    return state._replace(step=jnp.int32(10**6))


def test_z_is_drawn_from_its_posterior_and_decoded_as_any_z(ladder):
    inference, generator, params = ladder
    (z, mean, log_variance, outputs), _ = inference.apply(params, {}, IMAGES, NOISE, train=True)
    np.testing.assert_allclose(z, mean + jnp.exp(log_variance / 2) * NOISE, rtol=1e-5, atol=1e-6)
    assert z.shape == (5, sum(SIZES))
    again, _ = generator.apply(params, {}, z, train=False)
    np.testing.assert_allclose(outputs, again, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("level", range(LEVELS))
def test_a_levels_posterior_depends_on_the_levels_above_and_on_no_other(ladder, level):
    inference, _, params = ladder
    begin, end = ENDS[level] - SIZES[level], ENDS[level]
    other = NOISE.at[:, begin:end].add(1.0)
    found = [inference.apply(params, {}, IMAGES, each, train=True)[0] for each in (NOISE, other)]
    for part in ("mean", "log_variance"):
        before, after = (np.asarray(getattr(each, part)) for each in found)
        np.testing.assert_allclose(before[:, :end], after[:, :end], rtol=1e-5, atol=1e-6)
        below = np.abs(before - after)[:, end:]
        assert (below > 1e-4).all()


@pytest.mark.parametrize("level", range(LEVELS))
def test_every_level_is_seen_in_the_image(ladder, level):
    _, generator, params = ladder
    other = NOISE.at[:, ENDS[level] - SIZES[level] : ENDS[level]].add(1.0)
    before, after = (generator.apply(params, {}, z, train=False)[0] for z in (NOISE, other))
    assert float(jnp.abs(before - after).max(axis=(1, 2, 3)).min()) > 1e-3


def test_noise_has_the_log_ratio_of_posterior_and_prior_that_its_latent_has():
    """Of z = μ + σ ε, whose prior is N(μ, σ²): the engine never needs the density of z."""
    level = Level((2, 2, CHANNELS), 8, partial(Block, width=4, spatial=True))
    x, local, noise = (
        jax.random.normal(key, (5, 2, 2, channels))
        for key, channels in zip(jax.random.split(KEY_DATA, 3), (8, 8, CHANNELS), strict=True)
    )

    def both(level, x, local, noise):
        level(x, noise)
        return level.prior(x), level.posterior(x, local)

    variables = level.init(KEY_INIT, x, local, noise, method=both)
    variables = {"params": grown(variables["params"])}
    prior, posterior = level.apply(variables, x, local, noise, method=both)
    mean, log_deviation = prior[..., :CHANNELS], prior[..., CHANNELS : 2 * CHANNELS]
    shift, log_variance = jnp.split(posterior, 2, axis=-1)
    z = mean + jnp.exp(log_deviation) * noise
    relative = mean + jnp.exp(log_deviation) * shift, 2 * log_deviation + log_variance
    of_z = normal_log_prob(z, *relative) - normal_log_prob(z, mean, 2 * log_deviation)
    of_noise = normal_log_prob(noise, shift, log_variance) - normal_log_prob(noise, 0.0, 0 * noise)
    np.testing.assert_allclose(of_z, of_noise, rtol=1e-4, atol=1e-4)


def without_posteriors(params):
    """Weights with which no level's posterior looks at the image."""

    def blind(level):
        block = level["approximate"]
        last = {"Dense_1": jax.tree.map(jnp.zeros_like, block["Dense_1"])}
        return level | {"approximate": block | last}

    names = [f"steps_{level}" for level in range(LEVELS)]
    return params | {name: blind(params[name]) for name in names}


def test_posteriors_that_are_their_priors_have_no_divergence(state):
    algorithm = model_of().algorithm
    params = without_posteriors(state.ema["params"])
    blind = state._replace(params={"vae": params}, ema=state.ema | {"params": params})
    _, metrics = jax.jit(algorithm.step)(blind, Batch(IMAGES, LABELS), KEY_NOISE)
    assert [float(metrics[name]) for name in ("kl", "kl_1", "kl_2", "kl_3")] == [0, 0, 0, 0]
    drawn = algorithm.density.importance(blind, IMAGES, LABELS, KEY_NOISE)
    np.testing.assert_array_equal(drawn.prior, drawn.posterior)


def test_divergences_of_the_levels_add_up_and_are_weighted(state):
    step = jax.jit(model_of(beta=2.0).algorithm.step)
    _, m = step(warm(state), Batch(IMAGES, LABELS), KEY_NOISE)
    assert m["kl"] == pytest.approx(sum(float(m[f"kl_{level}"]) for level in (1, 2, 3)), rel=1e-5)
    assert all(m[f"kl_{level}"] > 0 for level in (1, 2, 3))
    assert m["loss"] == pytest.approx(float(m["reconstruction"] + 2 * m["kl"]), rel=1e-5)


def test_free_bits_are_those_of_every_dimension_of_every_level(state):
    step = jax.jit(model_of(free_bits=100.0).algorithm.step)
    _, m = step(warm(state), Batch(IMAGES, LABELS), KEY_NOISE)
    assert m["loss"] == pytest.approx(float(m["reconstruction"]) + 100 * sum(SIZES), rel=1e-5)


def test_the_elbo_is_below_the_bound_of_more_draws(state):
    x = np.round((np.asarray(IMAGES)[..., 0] + 1) * 127.5).astype(np.uint8)
    few, many = (
        programs.bounds(model_of(), state, x, LABELS, KEY_NOISE, jnp.int32(k)) for k in (1, 200)
    )
    np.testing.assert_allclose(few.elbo, few.importance_weighted, rtol=1e-6)
    assert (many.elbo < many.importance_weighted).all()
    assert (many.importance_weighted < many.ceiling).all()
    assert (many.kl > 0).all()


def test_a_latent_that_no_image_has_still_has_a_finite_image(state):
    algorithm = model_of().algorithm
    for size in (1e2, 1e4, 1e6):
        images = algorithm.generate(state, size * NOISE, LABELS)
        assert np.isfinite(np.asarray(images)).all()


def test_images_are_encoded_as_means_each_given_the_means_above(state):
    algorithm, params = model_of().algorithm, state.ema["params"]
    found = algorithm.latent.encode(state, IMAGES, LABELS)
    inferred, _ = net(LADDER, "infer").apply(params, {}, IMAGES, 0 * NOISE, train=False)
    np.testing.assert_array_equal(found, inferred.mean)
    copies = algorithm.latent.decode(state, found, LABELS)
    np.testing.assert_allclose(copies, 2 * jax.nn.sigmoid(inferred.outputs) - 1, atol=1e-5)
    np.testing.assert_array_equal(copies, algorithm.generate(state, found, LABELS + 1))


@pytest.mark.parametrize("levels", [2, 5])
def test_a_latent_has_the_dimensions_of_all_levels(levels):
    algorithm = model_of(levels=levels).algorithm
    state = jax.eval_shape(algorithm.init, KEY_INIT)
    z = jax.eval_shape(algorithm.prior, state, KEY_NOISE, LABELS)
    assert z.shape == (5, TOP * (2 ** (levels - 1) - 1) + 4 * CHANNELS)
    _, metrics = jax.eval_shape(algorithm.step, state, Batch(IMAGES, LABELS), KEY_NOISE)
    assert {name for name in metrics if name.startswith("kl_")} == {
        f"kl_{level}" for level in range(1, levels + 1)
    }


@pytest.mark.parametrize("levels", [1, 6])
def test_too_few_or_too_many_levels_are_refused(levels):
    with pytest.raises(ConfigError, match=f"levels is {levels}, expected a number between 2 and 5"):
        validate(hvae.Config(levels=levels))


def test_the_weight_of_the_divergence_rises_from_a_tenth_of_beta_to_beta(state):
    step = jax.jit(model_of(beta=2.0, warm_up=10).algorithm.step)
    for at, weight in ((0, 0.2), (5, 1.1), (10, 2.0), (1000, 2.0)):
        _, m = step(state._replace(step=jnp.int32(at)), Batch(IMAGES, LABELS), KEY_NOISE)
        expected = m["reconstruction"] + weight * m["kl"]
        assert m["loss"] == pytest.approx(float(expected), rel=1e-5)


def test_training_lowers_the_loss_and_uses_levels_below_the_top():
    """Each of 16 blocks of an image is black or white by itself: too much for a vector of two."""
    rng = np.random.default_rng(0)
    options = {"width": 8, "levels": 2, "latent_size": 2, "map_channels": 4, "warm_up": 1000}
    algorithm = model_of(learning_rate=1e-2, **options).algorithm
    state, step = jax.jit(algorithm.init)(KEY_INIT), jax.jit(algorithm.step)
    history = []
    for _ in range(200):
        bits = rng.choice([-1.0, 1.0], (32, 4, 4, 1)).astype(np.float32)
        batch = Batch(jnp.asarray(bits.repeat(2, 1).repeat(2, 2)), jnp.zeros(32, jnp.int32))
        state, metrics = step(state, batch, KEY_NOISE)
        history.append(metrics)
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    assert history[-1]["kl_2"] > 8 > history[-1]["kl_1"]  # all 16 bits are 11 nats
