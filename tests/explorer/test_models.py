"""Every model draws, encodes and decodes in JavaScript what it does in Python."""

import numpy as np
import pytest
from node_js import needs_node, node
from untrained import made

from gen_models import programs
from gen_models.explorer import exhibit
from gen_models.explorer.exhibit import Exhibit
from gen_models.models import MODELS

SEED = 5


SUBJECTS = {name: {} for name in MODELS} | {
    "cvae with a mixture": {"prior_components": 5},
    "vae with a mixture": {"prior_components": 5},
    "dcgan in bfloat16": {"compute_dtype": "bfloat16"},
}


@pytest.fixture(scope="module", params=SUBJECTS)
def subject(request, tiny):
    """A model, what the page shows of it, and what the page makes of a seed and of an image."""
    trained = made(request.param.split()[0], tiny, **SUBJECTS[request.param])
    shown = exhibit.to_json_object(Exhibit([trained], None))
    images = tiny.test.images[1:2]
    given = {"run": shown, "seed": SEED, "number": 4, "image": images.ravel().tolist()}
    return trained, node("draw.mjs", given), images


@needs_node
def test_a_sample_is_that_of_the_command_within_a_grey_level(subject):
    trained, found, _ = subject
    wanted = trained.sample(exhibit.COUNT, seed=SEED)[4]
    assert wanted.std() > 5
    assert np.abs(wanted.ravel().astype(int) - found["sample"]).max() <= exhibit.LEVEL


@needs_node
def test_a_reconstruction_is_that_of_python_within_a_grey_level(subject):
    trained, found, images = subject
    if trained.model.algorithm.latent is None:
        assert found["reconstruction"] is None
        return
    labels = np.array([1], np.int32)
    wanted = trained.reconstruct(images, labels if trained.conditional else None)[0]
    assert np.abs(wanted.ravel().astype(int) - found["reconstruction"]).max() <= exhibit.LEVEL
    if trained.model.algorithm.latent.codes is not None:
        codes = programs.codes(trained.model, trained.state, images)
        np.testing.assert_array_equal(np.ravel(codes), found["codes"])


@needs_node
def test_a_mixture_of_classes_is_that_of_their_one_hot_vectors(subject):
    trained, found, _ = subject
    if not trained.conditional:
        assert found["mixed"] == found["sample"]
        return
    assert found["mixed"] != found["sample"]
    assert found["all of the other"] == found["other"]
