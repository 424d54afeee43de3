"""The discrete latent, its gradients and its prior."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gen_models.algorithm import Batch, Spec
from gen_models.engines.quantised import nearest_code
from gen_models.models import vq_vae
from gen_models.models.vq_vae import squared
from gen_models.nets.net import net
from gen_models.nets.vq_vae import Prior

SPEC = Spec(8, 8, 3)
KEY_INIT, KEY_DATA, KEY_SAMPLE = jax.random.split(jax.random.key(0), 3)
IMAGES = jax.random.uniform(KEY_DATA, (5, 8, 8, 1), minval=-1)
LABELS = jnp.zeros(5, jnp.int32)
CODES = 4


@pytest.fixture(scope="module")
def algorithm():
    return vq_vae.build(vq_vae.Config(width=4, latent_size=3, codes=CODES), SPEC)


@pytest.fixture(scope="module")
def state(algorithm):
    return algorithm.init(KEY_INIT)


def test_the_nearest_code_is_the_one_of_least_distance():
    z, book = jax.random.normal(KEY_INIT, (2, 3, 3, 5)), jax.random.normal(KEY_DATA, (7, 5))
    distances = np.linalg.norm(np.asarray(z)[..., None, :] - np.asarray(book), axis=-1)
    np.testing.assert_array_equal(nearest_code(z, book), distances.argmin(axis=-1))


def test_squared_is_summed_over_a_map_and_averaged_over_images():
    assert squared(jnp.stack([jnp.ones((2, 2, 3)), jnp.zeros((2, 2, 3))])) == 6


def test_codes_are_a_map_a_quarter_of_the_images_sides(algorithm, state):
    codes = np.asarray(algorithm.latent.codes(state, IMAGES))
    assert codes.shape == (5, 2, 2)
    assert codes.dtype == np.int32
    assert ((codes >= 0) & (codes < CODES)).all()


def test_the_decoders_gradient_reaches_the_encoder_past_the_codes(state):
    """With nothing that draws the encoder to the codes."""
    config = vq_vae.Config(width=4, latent_size=3, codes=CODES, commitment=0.0)
    step = jax.jit(vq_vae.build(config, SPEC).step)
    new, _ = step(state, Batch(IMAGES, LABELS), KEY_SAMPLE)
    old, new = state.params["vae"], new.params["vae"]
    for part in ("encoder", "decoder", "prior"):
        moved = jax.tree.map(lambda a, b: bool(jnp.any(a != b)), old[part], new[part])
        assert all(jax.tree.leaves(moved)), part


def test_codes_in_use_move_towards_what_they_stand_for_and_others_stay(algorithm, state):
    new, _ = jax.jit(algorithm.step)(state, Batch(IMAGES, LABELS), KEY_SAMPLE)
    used = np.unique(algorithm.latent.codes(state, IMAGES))
    moved = np.any(new.params["vae"]["book"] != state.params["vae"]["book"], axis=1)
    np.testing.assert_array_equal(np.flatnonzero(moved), used)


def test_the_metrics_add_up_to_the_loss(algorithm, state):
    _, m = jax.jit(algorithm.step)(state, Batch(IMAGES, LABELS), KEY_SAMPLE)
    assert m["commitment"] == pytest.approx(0.25 * m["book"])  # their gradients differ
    parts = [float(m[name]) for name in ("reconstruction", "book", "commitment", "prior")]
    assert m["loss"] == pytest.approx(sum(parts))
    assert 1 <= m["perplexity"] <= CODES


def test_the_priors_probabilities_of_all_maps_add_up_to_one():
    prior = net(Prior(codes=2, width=3))
    maps = np.array([[(i >> bit) & 1 for bit in range(4)] for i in range(16)]).reshape(16, 2, 2)
    params, _ = prior.init(KEY_INIT, jnp.array(maps))
    log_prob, _ = prior.apply(params, {}, jnp.array(maps), train=True)
    assert np.exp(log_prob).sum() == pytest.approx(1, rel=1e-5)


def test_the_priors_samples_have_its_probabilities():
    module = Prior(codes=2, width=3)
    scorer, sampler = net(module), net(module, "sample")
    maps = np.array([[[0, 0]], [[0, 1]], [[1, 0]], [[1, 1]]])
    params, _ = scorer.init(KEY_INIT, jnp.array(maps))
    params = jax.tree.map(lambda x: 3 * x, params)  # far from uniform
    expected = np.exp(scorer.apply(params, {}, jnp.array(maps), train=True)[0])
    count = 20_000
    uniform = jax.random.uniform(KEY_SAMPLE, (count, 2))
    drawn = np.asarray(sampler.apply(params, {}, uniform, train=False)[0])
    shares = np.bincount(2 * drawn[:, 0] + drawn[:, 1], minlength=4) / count
    np.testing.assert_allclose(shares, expected, atol=4 * 0.5 / np.sqrt(count))


def test_its_bound_is_the_likelihood_of_the_reconstruction_and_of_the_codes(algorithm, state):
    drawn = algorithm.density.importance(state, IMAGES, LABELS, KEY_SAMPLE)
    places = algorithm.latent.encode(state, IMAGES, LABELS)
    p = (np.asarray(algorithm.latent.decode(state, places, LABELS)) + 1) / 2
    x = (np.asarray(IMAGES) + 1) / 2
    expected = (x * np.log(p) + (1 - x) * np.log(1 - p)).sum((1, 2, 3))
    np.testing.assert_allclose(drawn.likelihood, expected, rtol=1e-4)
    assert (np.asarray(drawn.prior) < 0).all()
    assert (np.asarray(drawn.prior) > -4 * np.log(CODES) - 2).all()
    np.testing.assert_array_equal(drawn.posterior, 0)
