"""`experiments.sample`: from a run's folder alone to a picture and IDX files."""

import shutil

import numpy as np
import pytest
from PIL import Image
from trainings import write_folder

from experiments import sample, train
from gen_models.data import idx
from gen_models.errors import UserError
from gen_models.fields import ConfigError
from gen_models.trained import Trained


@pytest.fixture(scope="module")
def runs(tmp_path_factory, tiny):
    """A trained cgan and a trained vae, by name."""
    folder = tmp_path_factory.mktemp("runs")
    data = write_folder(folder / "tiny", tiny)
    options = ["--data-dir", str(data), "--width", "4", "--latent-size", "3", "--batch-size", "4"]
    for model in ("cgan", "vae"):
        out = str(folder / model)
        assert train.main(["--model", model, "--steps", "2", "--out", out, *options]) == 0
    for path in data.iterdir():
        path.unlink()  # a run's folder is enough
    return {model: folder / model for model in ("cgan", "vae")}


def test_labels_are_drawn_in_turn_into_an_idx_pair_and_a_picture(runs, tmp_path):
    args = [str(runs["cgan"]), "--labels", "2", "0", "--count", "9"]
    assert sample.main([*args, "--out", str(tmp_path / "a.png"), "--idx", str(tmp_path / "b")]) == 0
    assert idx.read(tmp_path / "b-images-idx3-ubyte").shape == (9, 8, 8)
    labels = idx.read(tmp_path / "b-labels-idx1-ubyte")
    np.testing.assert_array_equal(labels, [2, 0] * 4 + [2])
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size[0] == picture.size[1]  # nine images: three rows of three


def test_labels_may_be_names_of_classes(tmp_path, run_command):
    files = ["--count", "3", "--out", tmp_path / "a.png", "--idx", tmp_path / "b"]
    named = ["fashion_mnist-cgan", "--labels", "dress", "ankle boot", "0"]
    assert run_command(sample.main, *named, *files)[0] == 0
    np.testing.assert_array_equal(idx.read(tmp_path / "b-labels-idx1-ubyte"), [3, 9, 0])
    code, out, err = run_command(sample.main, *named[:2], "dres", *files)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "perhaps you meant 'Dress'; known are 'T-shirt/top', 'Trouser'" in err


def test_the_same_seed_draws_the_same_images_and_another_seed_others(runs, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        args = [str(runs["vae"]), "--count", "4", "--seed", str(seed)]
        sample.main([*args, "--out", str(tmp_path / f"{name}.png"), "--idx", str(tmp_path / name)])
    a, b, c = (idx.read(tmp_path / f"{name}-images-idx3-ubyte") for name in "abc")
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


def test_a_model_without_labels_writes_none(runs, tmp_path):
    sample.main([str(runs["vae"]), "--count", "4", "--idx", str(tmp_path / "x")])
    assert [path.name for path in tmp_path.iterdir()] == ["x-images-idx3-ubyte"]
    with pytest.raises(ConfigError, match="vae is not conditional"):
        sample.main([str(runs["vae"]), "--labels", "1"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--out", "absent/a.png"], "cannot write absent/a.png: there is no folder absent"),
        (["--out", "a.jpg"], r"--out is a\.jpg, expected a name that ends in \.png"),
        (["--idx", "absent/a"], "cannot write absent/a: there is no folder absent"),
        (["--idx", "."], r"--idx is \., a folder; expected a prefix of files"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_drawn(
    runs, tmp_path, monkeypatch, options, words
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Trained, "sample", None)
    with pytest.raises(UserError, match=words):
        sample.main([str(runs["vae"]), *options])
    assert list(tmp_path.iterdir()) == []


def test_the_best_checkpoint_is_drawn_from_where_one_was_kept(runs, tmp_path):
    args = [str(runs["vae"]), "--count", "4"]
    with pytest.raises(
        UserError, match="holds no checkpoint; train it with --evaluate-every-steps"
    ):
        sample.main([*args, "--best"])
    shutil.copytree(runs["vae"] / "checkpoints", runs["vae"] / "best")
    for name, options in (("last", []), ("best", ["--best"])):
        assert sample.main([*args, *options, "--idx", str(tmp_path / name)]) == 0
    last, best = (idx.read(tmp_path / f"{n}-images-idx3-ubyte") for n in ("last", "best"))
    np.testing.assert_array_equal(best, last)


def test_unknown_classes_and_folders_that_are_no_runs_are_refused(runs, tmp_path):
    with pytest.raises(ConfigError, match=r"labels are \[3\], expected whole numbers from 0 to 2"):
        sample.main([str(runs["cgan"]), "--labels", "3"])
    with pytest.raises(UserError, match="is no run and no shipped model"):
        sample.main([str(tmp_path)])
