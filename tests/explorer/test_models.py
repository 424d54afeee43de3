"""Every model draws, encodes and decodes in JavaScript what it does in Python: in Node.js, and its
samples in Chromium too (tests/explorer/test_browser.py has a model there that is not slow)."""

import shutil
from typing import Any, NamedTuple

import numpy as np
import pytest
from browsing import assert_alike, image
from node_js import needs_node, node
from untrained import random_model

from gen_models import programs
from gen_models.explorer import exhibit
from gen_models.explorer.exhibit import Exhibit
from gen_models.explorer.making import PAGE
from gen_models.models import MODELS
from gen_models.trained import Trained
from gen_models.webpage.making import page

SEED, NUMBER = 5, 4
SUBJECTS = {name: {} for name in MODELS} | {
    "cvae with a mixture": {"prior_components": 5},
    "vae with a mixture": {"prior_components": 5},
    "dcgan in bfloat16": {"compute_dtype": "bfloat16"},
}
# The nets that these draw with are those of the others.
SLOW = {"acgan", "dragan", "hinge", "lsgan", "wgan", "wgan_gp", "iwae", "vae with a mixture"}


class Subject(NamedTuple):
    """A model, and what the page makes of it."""

    trained: Trained
    samples: np.ndarray  # u8[100,8,8], those of SEED, in Python
    image: np.ndarray  # u8[1,8,8], an image to encode
    shown: dict[str, Any]  # what the page shows of the model
    drawn: dict[str, Any]  # what it draws in Node.js; {} without that


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in SUBJECTS],
)
def subject(request, tiny) -> Subject:
    trained = random_model(request.param.split()[0], tiny, **SUBJECTS[request.param])
    shown = exhibit.to_json_object(Exhibit([trained], None))
    image = tiny.test.images[1:2]
    given = {"run": shown, "seed": SEED, "number": NUMBER, "image": image.ravel().tolist()}
    drawn = node("draw.mjs", given) if shutil.which("node") else {}
    return Subject(trained, trained.sample(exhibit.COUNT, seed=SEED), image, shown, drawn)


@needs_node
def test_a_sample_is_that_of_the_command_within_a_grey_level(subject):
    wanted = subject.samples[NUMBER]
    assert wanted.std() > 5
    assert_alike(np.array(subject.drawn["sample"]), wanted)


@pytest.mark.slow
def test_samples_in_a_browser_are_those_of_python_within_a_grey_level(opened, subject):
    text = page("a model", "about", {"runs": [subject.shown], "tests": None}, PAGE)
    tab = opened(text, f"seed={SEED}&a={NUMBER}")
    assert_alike(image(tab), subject.samples[NUMBER])
    assert_alike(image(tab, "#sample-0-99"), subject.samples[99])


@needs_node
def test_a_reconstruction_is_that_of_python_within_a_grey_level(subject):
    trained, drawn = subject.trained, subject.drawn
    if trained.model.algorithm.latent is None:
        assert drawn["reconstruction"] is None
        return
    labels = np.array([1], np.int32)
    wanted = trained.reconstruct(subject.image, labels if trained.conditional else None)[0]
    assert_alike(np.array(drawn["reconstruction"]), wanted)
    if trained.model.algorithm.latent.codes is not None:
        codes = programs.codes(trained.model, trained.state, subject.image)
        np.testing.assert_array_equal(np.ravel(codes), drawn["codes"])


@needs_node
def test_a_mixture_of_classes_is_that_of_their_one_hot_vectors(subject):
    drawn = subject.drawn
    if not subject.trained.conditional:
        assert drawn["mixed"] == drawn["sample"]
        return
    assert drawn["mixed"] != drawn["sample"]
    assert drawn["all of the other"] == drawn["other"]
