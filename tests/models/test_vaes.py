"""The variational engine on nets that can be followed by hand."""

import jax
import jax.numpy as jnp
import optax
import pytest

from gen_models.algorithm import Batch, Spec
from gen_models.elbo import Likelihood
from gen_models.nets.net import Net
from gen_models.variational import Autoencoder, variational


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
        # Nothing but the label's shift is between an image in [-1,1] and its reproduction.
        likelihood=Likelihood("distance", lambda x, y: -jnp.abs(2 * x - 1 - y)[:, 0, 0, 0], abs),
        objective=objective,
        optimiser=optax.sgd(0.0),
        ema_decay=None,
        draws=3,
    )
    algorithm = variational(model, Spec(1, 1, 2))
    images, labels = jnp.array([-0.5, 0.75]).reshape(2, 1, 1, 1), jnp.array([0, 1])
    state = algorithm.init(jax.random.key(0))
    _, alike = algorithm.step(state, Batch(images, 0 * labels), jax.random.key(1))
    _, shifted = algorithm.step(state, Batch(images, labels), jax.random.key(1))
    assert alike["worst"] == pytest.approx(0, abs=1e-6)
    assert shifted["worst"] == pytest.approx(-2)
