"""A trained model as one file: what comes back, and what is refused."""

import hashlib

import jax
import numpy as np
import pytest
from trainings import make_recipe

from gen_models import programs
from gen_models.errors import UserError
from gen_models.models import MODELS
from gen_models.runs import DataRecord
from gen_models.sampling import portable
from gen_models.sampling.portable import PortableError

LABELS = np.array([0, 1, 2, 0], np.int32)


@pytest.fixture
def make(tiny):
    def make(name="dcgan", **options):
        recipe = make_recipe(model=name, **options)
        data = DataRecord.of(tiny.train)
        state = programs.start(recipe.model(data.spec), jax.random.key(0))
        return recipe, data, state

    return make


def sample(recipe, data, state):
    model = recipe.model(data.spec)
    return np.asarray(programs.sample(model, state, jax.random.key(1), LABELS))


@pytest.mark.parametrize("name", MODELS)
def test_save_and_load_of_every_model_draw_the_same(make, tmp_path, name):
    recipe, data, state = make(name)
    portable.save(tmp_path / "model.safetensors", recipe, data, state)
    loaded = portable.load(tmp_path / "model.safetensors")
    assert loaded.recipe.identity == recipe.identity
    assert loaded.data == data
    np.testing.assert_array_equal(sample(*loaded), sample(recipe, data, state))


def test_half_precision_halves_the_file_and_moves_images_by_little(make, tmp_path):
    before = make("vae", width=16)
    for half in (False, True):
        portable.save(tmp_path / f"{half}.safetensors", *before, half=half)
    sizes = [(tmp_path / f"{half}.safetensors").stat().st_size for half in (True, False)]
    assert sizes[0] < 0.6 * sizes[1]
    loaded = portable.load(tmp_path / "True.safetensors")
    assert np.abs(sample(*loaded) - sample(*before)).max() < 0.01
    assert all(x.dtype == np.float32 for x in jax.tree.leaves(loaded.state.ema["params"]))


def test_equal_models_make_equal_files(make, tmp_path):
    files = [tmp_path / f"{name}.safetensors" for name in "ab"]
    for path in files:
        portable.save(path, *make())
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("keep", [0, 5, 100, 0.5, 0.99])
def test_load_refuses_a_file_that_was_cut_short(make, tmp_path, keep):
    path = tmp_path / "model.safetensors"
    portable.save(path, *make())
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep if keep > 1 else keep * len(whole))])
    with pytest.raises(PortableError, match=r"model\.safetensors is no model of gen_models"):
        portable.load(path)


def test_load_refuses_a_checkpoint_and_a_missing_file(tmp_path, make):
    from gen_models.runs import checkpoint

    path = checkpoint.save(tmp_path, make()[2], 0, keep=1)
    with pytest.raises(PortableError, match="is no model of gen_models"):
        portable.load(path)
    with pytest.raises(PortableError, match="cannot be read: No such file"):
        portable.load(tmp_path / "nothing.safetensors")


def test_load_refuses_a_shipped_name_with_other_bytes(make, tmp_path, monkeypatch):
    monkeypatch.setattr(portable, "FOLDER", tmp_path)
    monkeypatch.setattr(portable, "SHIPPED", {"tiny": "0" * 64})
    portable.save(tmp_path / "tiny.safetensors", *make())
    with pytest.raises(UserError, match="is not what was shipped: its sha256 is"):
        portable.load(tmp_path / "tiny.safetensors")


@pytest.mark.parametrize("name", portable.SHIPPED)
def test_shipped_models_are_what_their_digests_say_and_draw(name):
    path = portable.FOLDER / f"{name}{portable.SUFFIX}"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == portable.SHIPPED[name]
    recipe, data, state = portable.load(path)
    assert name == f"{recipe.options.dataset}-{recipe.options.model}"
    assert int(state.step) == 5000
    images = sample(recipe, data, state)
    assert np.isfinite(images).all()
    assert images.std() > 0.3


def test_every_file_of_the_shipped_folder_has_a_digest():
    assert {path.stem for path in portable.FOLDER.glob("*")} == set(portable.SHIPPED)
