"""A short training on Fashion-MNIST itself."""

from contextlib import closing

import jax
import numpy as np
import pytest

from gen_models import programs
from gen_models.data.stream import stream
from gen_models.model import Model
from gen_models.models import MODELS


@pytest.fixture(scope="module")
def fashion_mnist(real_splits):
    return real_splits("fashion_mnist").train


def train(name, dataset, steps):
    """The metrics of a narrow model's first steps, and ten of its samples."""
    module, key = MODELS[name], jax.random.key(0)
    model = Model(module.build, dataset.spec, module.Config(width=8))
    with closing(stream(dataset, seed=0, batch_size=64)) as chunks:
        state = programs.start(model, key)
        state, metrics = programs.advance(model, state, next(chunks), steps, key)
    images = programs.sample(model, state, key, np.arange(10, dtype=np.int32))
    return {name: values[:steps] for name, values in metrics.items()}, np.asarray(images)


def test_vae_loss_falls_on_real_images(fashion_mnist):
    metrics, images = train("vae", fashion_mnist, 120)
    first, last = metrics["loss"][:10].mean(), metrics["loss"][-10:].mean()
    assert last < 0.75 * first  # from about 550 nats, that of grey noise, to under 400
    assert np.abs(images).max() <= 1


def test_gan_stays_finite_and_its_scores_within_10_those_of_real_images_higher(fashion_mnist):
    metrics, images = train("cgan", fashion_mnist, 120)
    assert all(np.isfinite(values).all() for values in metrics.values())
    assert metrics["finite"].all()
    # The discriminator is ahead at first; how far after so few steps, rounding decides.
    assert -10 < metrics["fake_score"][-20:].mean() < metrics["real_score"][-20:].mean() < 10
    assert images.std() > 0.1  # no constant picture
