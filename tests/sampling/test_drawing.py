"""Drawing any number of images: which ones come, and what a dispatch of them costs."""

import jax
import numpy as np
import pytest

from gen_models import programs
from gen_models.algorithm import Spec, State
from gen_models.model import Model
from gen_models.models import MODELS
from gen_models.sampling import drawing
from gen_models.sampling.drawing import Purpose

SPEC = Spec(8, 8, 3)
# A GAN's first images are uniform grey; with weights so much larger they have every shade.
WEIGHT_SCALE = {"dcgan": 15.0, "vae": 1.0, "infogan": 15.0, "cgan": 15.0}


def make_model(name: str) -> Model:
    return Model(MODELS[name].build, SPEC, MODELS[name].Config(width=4, latent_size=3))


def varied_state(name: str) -> State:
    """A state whose images differ from each other, those of different classes too."""
    state, rng = programs.start(make_model(name), jax.random.key(0)), np.random.default_rng(0)

    def vary(weights):
        noise = rng.normal(scale=0.2, size=weights.shape).astype(np.float32)
        return WEIGHT_SCALE[name] * weights + noise if weights.ndim > 1 else weights

    return state._replace(ema=jax.tree.map(vary, state.ema))


def cyclic_labels(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.int32) % SPEC.num_classes


@pytest.fixture
def dispatched(monkeypatch):
    """The number of labels in each dispatch of `programs.generate`."""
    sizes, generate = [], programs.generate

    def spy(model, state, z, labels):
        sizes.append(len(labels))
        return generate(model, state, z, labels)

    monkeypatch.setattr(programs, "generate", spy)
    return sizes


@pytest.mark.parametrize("name", WEIGHT_SCALE)
def test_first_images_of_a_draw_do_not_depend_on_its_count(name):
    model, state, key = make_model(name), varied_state(name), jax.random.key(1)
    whole = drawing.draw(model, state, key, cyclic_labels(1000))
    assert (whole.shape, whole.dtype) == ((1000, 8, 8), np.uint8)
    assert len(np.unique(whole, axis=0)) > 900  # other latents after the first 500
    for count in (1, 16, 100, 516):
        images = drawing.draw(model, state, key, cyclic_labels(count))
        np.testing.assert_array_equal(images, whole[:count])


@pytest.mark.parametrize("name", MODELS)
def test_the_first_latents_of_a_prior_do_not_depend_on_their_count(name):
    model, key = make_model(name), jax.random.key(1)
    prior, state = model.algorithm.prior, programs.start(model, key)
    few = prior(state, key, cyclic_labels(16))
    for count in (100, 500):
        np.testing.assert_array_equal(prior(state, key, cyclic_labels(count))[:16], few)


def test_images_of_a_conditional_model_are_of_their_labels():
    """Those of equal labels are as they were, whatever labels stand beside them."""
    model, state, key = make_model("cgan"), varied_state("cgan"), jax.random.key(1)
    cyclic = drawing.draw(model, state, key, cyclic_labels(16))
    zeros = drawing.draw(model, state, key, np.zeros(16, np.int32))
    is_zero = cyclic_labels(16) == 0
    np.testing.assert_array_equal(cyclic[is_zero], zeros[is_zero])
    differs = (cyclic != zeros).any(axis=(1, 2))
    assert differs[~is_zero].all()


@pytest.mark.parametrize(("count", "dispatches"), [(1, 1), (16, 1), (20, 1), (21, 2), (501, 26)])
def test_a_draw_costs_no_more_than_the_blocks_that_hold_its_images(dispatched, count, dispatches):
    model, state = make_model("dcgan"), varied_state("dcgan")
    assert len(drawing.draw(model, state, jax.random.key(1), cyclic_labels(count))) == count
    assert dispatched == [drawing.BLOCK] * dispatches


def test_keys_of_purposes_differ_from_each_other_and_between_seeds():
    keys = [drawing.key_for(purpose, seed) for purpose in Purpose for seed in (0, 1)]
    data = {tuple(np.asarray(jax.random.key_data(key)).tolist()) for key in keys}
    assert len(data) == 2 * len(Purpose)
