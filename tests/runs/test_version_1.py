"""Runs made before config.json had version 2, committed in version_1/: they open, and go on where
nothing that they recorded has another name today."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from trainings import make_recipe

import gen_models as gm
from gen_models import runs
from gen_models.runs import RunError
from gen_models.training import fit

FOLDER = Path(__file__).parent / "version_1"
MODELS = ("cgan", "dcgan", "vae")


def resumed(folder, tiny, steps):
    recipe = runs.load(folder).recipe.with_options(steps=steps)
    with runs.opened(folder, recipe, tiny.train) as run:
        return fit.fit(fit.Recorder(run, tiny))


@pytest.mark.parametrize("name", MODELS)
def test_run_of_version_1_is_loaded_and_drawn_from(name):
    model = gm.load(FOLDER / name)
    assert (model.recipe.options.model, int(model.state.step)) == (name, 8)
    assert model.recipe.options.keep_checkpoints == 1
    images = model.sample(6)
    assert (images.shape, images.dtype) == ((6, 8, 8), np.uint8)


@pytest.mark.parametrize("name", ["dcgan", "vae"])
def test_run_of_version_1_is_trained_further_as_if_by_one_program(name, tiny, tmp_path):
    folder = shutil.copytree(FOLDER / name, tmp_path / name)
    assert resumed(folder, tiny, 12) == 12
    assert runs.load(folder).metrics()["step"] == list(range(1, 13))
    options = {"model": name, "steps": 12, "sample_every_steps": 4, "checkpoint_every_steps": 4}
    with runs.opened(tmp_path / "whole", make_recipe(**options), tiny.train) as run:
        fit.fit(fit.Recorder(run, tiny))
    found, wanted = (gm.load(tmp_path / each) for each in (name, "whole"))
    np.testing.assert_allclose(found.sample(6), wanted.sample(6), atol=1)


def test_run_of_version_1_whose_metrics_are_renamed_is_not_trained_further(tiny, tmp_path):
    folder = shutil.copytree(FOLDER / "cgan", tmp_path / "cgan")
    before = (folder / "metrics.jsonl").read_bytes()
    with pytest.raises(RunError, match=r"begun by another version.*disc_auxiliary, mismatch"):
        resumed(folder, tiny, 12)
    assert (folder / "metrics.jsonl").read_bytes() == before
    assert int(gm.load(folder).state.step) == 8
