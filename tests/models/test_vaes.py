"""The variational engine on nets that can be followed by hand."""

import jax
import jax.numpy as jnp
import optax
import pytest

from gen_models.algorithm import Batch, Spec
from gen_models.engines.priors import StandardNormal
from gen_models.engines.updates import Averaging
from gen_models.engines.variational import Autoencoder, variational
from gen_models.losses import Draws, Likelihood, importance_weighted, weighted_elbo
from gen_models.models import MODELS
from gen_models.nets.net import Net


def certain_encoder(params, stats, images, _labels, train):  # noqa: ARG001
    mean = images.reshape(-1, 1)
    return (mean, jnp.full_like(mean, -jnp.inf)), stats


def shifting_decoder(params, stats, z, labels, train):  # noqa: ARG001
    return z.reshape(-1, 1, 1, 1) + params["shift"] * labels.reshape(-1, 1, 1, 1), stats


def test_every_draw_meets_the_image_and_the_label_that_it_was_drawn_of():
    def objective(draws):
        return -jnp.mean(draws.likelihood), {"worst": jnp.min(draws.likelihood)}

    model = Autoencoder(
        encoder=Net(lambda *_: ({}, {}), certain_encoder),
        decoder=Net(lambda *_: ({"shift": jnp.float32(2)}, {}), shifting_decoder),
        latent_size=1,
        prior=StandardNormal(1),
        # Nothing but the label's shift is between an image in [-1,1] and its reproduction.
        likelihood=Likelihood(
            "distance", lambda x, y: -jnp.abs(2 * x - 1 - y)[:, 0, 0, 0], abs, jnp.zeros_like
        ),
        objective=objective,
        optimiser=optax.sgd(0.0),
        averaging=Averaging(None),
        draws=3,
    )
    algorithm = variational(model, Spec(1, 1, 2))
    images, labels = jnp.array([-0.5, 0.75]).reshape(2, 1, 1, 1), jnp.array([0, 1])
    state = algorithm.init(jax.random.key(0))
    _, alike = algorithm.step(state, Batch(images, 0 * labels), jax.random.key(1))
    _, shifted = algorithm.step(state, Batch(images, labels), jax.random.key(1))
    assert alike["worst"] == pytest.approx(0, abs=1e-6)
    assert shifted["worst"] == pytest.approx(-2)


@pytest.fixture
def handed_over(monkeypatch):
    """The Autoencoder that a model's file hands to the engine."""

    def handed_over(model, **options):
        module = MODELS[model]
        monkeypatch.setattr(module, "variational", lambda autoencoder, _: autoencoder)
        return module.build(module.Config(width=4, **options), Spec(8, 8, 3))

    return handed_over


@pytest.mark.parametrize("model", ["vae", "cvae"])
def test_vaes_minimise_the_weighted_bound_and_cvaes_nets_are_told_the_label(model, handed_over):
    key_z, key_mean = jax.random.split(jax.random.key(2))
    z, mean = jax.random.normal(key_z, (1, 5, 3)), jax.random.normal(key_mean, (5, 3))
    draws = Draws(jnp.arange(5.0)[None], z, mean, jnp.zeros((5, 3)))
    autoencoder = handed_over(model, beta=2.0, free_bits=0.1)
    assert autoencoder.objective(draws)[0] == weighted_elbo(2.0, 0.1)(draws)[0]
    assert (autoencoder.draws, autoencoder.conditional) == (1, model == "cvae")


def test_iwae_minimises_the_importance_weighted_bound_of_its_draws(handed_over):
    autoencoder = handed_over("iwae", draws=7)
    assert autoencoder.objective is importance_weighted
    assert (autoencoder.draws, autoencoder.conditional) == (7, False)


def codes_of(model, images, labels):
    """Encodings of images after a training on them."""
    module = MODELS[model]
    config = module.Config(width=4, latent_size=2, learning_rate=3e-3)
    algorithm = module.build(config, Spec(8, 8, 2))
    state, step = jax.jit(algorithm.init)(jax.random.key(0)), jax.jit(algorithm.step)
    for _ in range(300):
        state, _ = step(state, Batch(images, labels), jax.random.key(1))
    return algorithm.latent.encode(state, images, labels)


def separation(codes, labels):
    """Share of the codes' variance that is between two classes."""
    means = jnp.stack([codes[labels == label].mean(axis=0) for label in (0, 1)])
    between = jnp.sum((means[0] - means[1]) ** 2) / 4
    return float(between / jnp.sum(codes.var(axis=0)))


def test_a_cvaes_latent_is_free_of_the_class_where_it_can_be():
    """Images are the class's half of the image times a brightness, of which the class says nothing:
    a latent that is told the class need not hold it."""
    count = 64
    labels = jnp.arange(count, dtype=jnp.int32) % 2
    brightness = jnp.repeat(jnp.linspace(0.2, 1, count // 2), 2)
    halves = jnp.zeros((2, 8, 8, 1)).at[0, :4].set(2).at[1, 4:].set(2)
    images = brightness[:, None, None, None] * halves[labels] - 1
    told, untold = (codes_of(model, images, labels) for model in ("cvae", "vae"))
    assert separation(untold, labels) > 0.5
    assert separation(told, labels) < 0.05
    assert float(jnp.sum(told.var(axis=0))) > 0.2  # it holds what varies within a class


def test_a_label_does_more_to_a_cvaes_posterior_than_to_shift_it():
    module = MODELS["cvae"]
    algorithm = module.build(module.Config(width=4, latent_size=2), Spec(8, 8, 2))
    state = jax.jit(algorithm.init)(jax.random.key(0))
    images = jax.random.uniform(jax.random.key(1), (5, 8, 8, 1), minval=-1)
    means = [algorithm.latent.encode(state, images, jnp.full(5, label)) for label in (0, 1)]
    shifts = means[1] - means[0]
    assert float(jnp.min(shifts.std(axis=0) / jnp.abs(shifts).mean(axis=0))) > 0.01
