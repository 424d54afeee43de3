"""`experiments.embed`: from models to a map's files, or one line on why not."""

import csv
import json
import re
import sys

import numpy as np
import pytest
from trainings import contents_of, train, write_folder

from experiments import embed
from gen_models import trained
from gen_models.data import catalog
from gen_models.errors import UserError
from gen_models.evaluation import features
from gen_models.fields import ConfigError
from gen_models.maps import sets

pytest.importorskip("sklearn")
FEW = ["--images", "60", "--samples", "30"]
PCA, PIXELS = ["--method", "pca"], ["--space", "pixels"]
SMALL = [*PCA, *PIXELS, *FEW]


@pytest.fixture
def data(tiny, tmp_path, monkeypatch):
    """The folder of the data set, by which it is named; nothing is looked for beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return ["--data-dir", str(write_folder(tmp_path / "tiny", tiny))]


@pytest.fixture
def splits(data):
    """The data set as commands read it, to train on."""
    return catalog.load_splits(None, data[1])


@pytest.fixture
def run(splits, tmp_path):
    folder = tmp_path / "dcgan-0"
    train(folder, splits, steps=2)
    return folder


def written(out, kind):
    return out.with_name(f"{out.name}.{kind}")


def test_a_map_has_a_page_a_picture_coordinates_and_numbers(run, data, tmp_path, capsys):
    out = tmp_path / "new" / "map"
    assert embed.main([str(run), *data, *SMALL, "--out", str(out)]) == 0
    rows = list(csv.DictReader(written(out, "csv").open()))
    assert [row["set"] for row in rows] == ["real images"] * 60 + ["dcgan-0"] * 30
    assert {row["class"] for row in rows[:60]} == {"0", "1", "2"}
    assert {row["class"] for row in rows[60:]} == {""}  # no net of features tells it
    contents = contents_of(written(out, "html"))
    assert [len(points["labels"]) for points in contents["sets"]] == [60, 30]
    assert contents["rows"][0] == ["", "dcgan-0", "real images"]
    numbers = json.loads(written(out, "json").read_text())
    assert numbers["models"]["dcgan-0"]["mixing"]["count"] == 30
    printed = capsys.readouterr().out
    assert "samples are placed into it" in printed
    assert all(str(written(out, kind)) in printed for kind in ("html", "png", "csv", "json"))


def test_the_same_command_writes_the_same_bytes_with_and_without_a_cache(
    run, data, tmp_path, monkeypatch
):
    (tmp_path / "file").touch()  # below which there can be no folder
    texts = []
    for cache in ("file", "cache", "cache"):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / cache))
        out = tmp_path / "map"
        assert embed.main([str(run), *data, *SMALL, "--out", str(out)]) == 0
        texts.append([written(out, kind).read_bytes() for kind in ("html", "png", "csv", "json")])
    assert texts[0] == texts[1] == texts[2]
    assert list((tmp_path / "cache" / "gen_models" / "maps").glob("pca-*.npz"))


def test_a_page_holds_no_more_points_than_asked_and_the_table_all(run, data, tmp_path):
    out = tmp_path / "map"
    assert embed.main([str(run), *data, *SMALL, "--points", "45", "--out", str(out)]) == 0
    contents = contents_of(written(out, "html"))
    assert [len(points["labels"]) for points in contents["sets"]] == [30, 15]
    assert len(written(out, "csv").read_text().splitlines()) == 91


def test_a_data_set_without_models_has_a_map_too_that_names_no_samples(data, tmp_path):
    out = tmp_path / "map"
    assert embed.main([*data, *SMALL, "--out", str(out)]) == 0
    assert contents_of(written(out, "html"))["rows"] == []
    about = json.loads(written(out, "json").read_text())["about"]
    assert re.fullmatch(r"PCA by scikit-learn [\d.]+, pixels", about)


@pytest.mark.parametrize("model", ["vae", "infogan"])
def test_latents_and_codes_are_spaces_of_their_own(model, splits, data, tmp_path):
    folder, out = tmp_path / model, tmp_path / "map"
    train(folder, splits, model=model, steps=2)
    args = [str(folder), *data, "--method", "pca", "--images", "30", "--samples", "10"]
    assert embed.main([*args, "--space", "latent", "--out", str(out)]) == 0
    assert model in json.loads(written(out, "json").read_text())["about"]


def test_a_model_that_draws_one_image_is_a_point(run, data, tmp_path, monkeypatch):
    image = np.full((1, 8, 8), 90, np.uint8)
    monkeypatch.setattr(trained.Trained, "sample", lambda _, count, *__: image.repeat(count, 0))
    out = tmp_path / "map"
    assert embed.main([str(run), *data, *SMALL, "--out", str(out)]) == 0
    rows = list(csv.DictReader(written(out, "csv").open()))[60:]
    assert len({(row["x"], row["y"]) for row in rows}) == 1
    covered = json.loads(written(out, "json").read_text())["models"]["dcgan-0"]["covered"]
    assert covered < 0.2


def test_runs_of_different_data_sets_are_refused(tiny, gapped, data, tmp_path):
    for name, splits in (("a", tiny), ("b", gapped)):
        train(tmp_path / name, splits, steps=2, dataset=f"set_{name}")
    with pytest.raises(ConfigError, match="name models of one data set"):
        embed.main([str(tmp_path / "a"), str(tmp_path / "b"), *data, *SMALL])


def test_spaces_that_are_not_there_are_refused_in_a_line(run, data, splits, tmp_path):
    with pytest.raises(ConfigError, match="needs a model with an encoder"):
        embed.main([str(run), *data, *PCA, *FEW, "--space", "latent"])
    with pytest.raises(features.FeatureError, match="train_features"):
        embed.main([str(run), *data, *PCA, *FEW, "--space", "features"])
    folder = tmp_path / "infogan"
    train(folder, splits, model="infogan", steps=2)
    trained.load(folder).save(tmp_path / "saved.safetensors")
    with pytest.raises(ConfigError, match="the folder of the run of an infogan"):
        embed.main([str(tmp_path / "saved.safetensors"), *data, *PCA, *FEW, "--space", "latent"])


@pytest.mark.parametrize(
    ("method", "module"), [("tsne", "openTSNE"), ("pca", "sklearn"), ("pymde", "pymde")]
)
def test_a_missing_library_is_one_line_on_what_to_install(data, monkeypatch, method, module):
    for name in [name for name in sys.modules if name.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=r"is not installed.*pip install"):
        embed.main([*data, *PIXELS, *FEW, "--method", method])


def test_classes_of_unconditional_samples_are_predicted_where_there_is_a_net(
    run, tiny, monkeypatch
):
    model = trained.load(run)
    monkeypatch.setattr(features, "find", lambda _: "net")
    monkeypatch.setattr(
        features, "predict_classes", lambda _, images: np.full(len(images), 2, np.int32)
    )
    drawn = sets.samples(model, "a", tiny, 5, seed=1)
    np.testing.assert_array_equal(drawn.labels, 2)
