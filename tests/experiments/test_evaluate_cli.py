"""`train_features` and `evaluate`: own data, then numbers of runs."""

import hashlib
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluations import evaluated
from PIL import Image
from rich.console import Console
from trainings import write_folder

from experiments import evaluate, sample, train_features
from gen_models import assessment, runs, trained
from gen_models.data import catalog, idx
from gen_models.data.catalog import Splits
from gen_models.data.images import ImagesError
from gen_models.errors import UserError
from gen_models.evaluation import record
from gen_models.evaluation.features import FeatureError
from gen_models.evaluation.measure import MEASURES
from gen_models.fields import ConfigError
from gen_models.runs import RunError
from gen_models.sampling import portable

pytestmark = pytest.mark.usefixtures("place")


def test_test_split_that_copies_the_training_split_is_measured_and_said(place, tiny, capsys):
    write_folder(place / "copy", Splits(tiny.train, tiny.train))
    few = ["--steps", "2", "--encoder-steps", "2"]
    assert train_features.main(["--data-dir", "copy", *few]) == 0
    idx.write("some-images", tiny.test.images)
    assert evaluate.main(["--images", "some-images", "--data-dir", "copy"]) == 0
    evaluation = record.read(Path(f"some-images.{record.NAME}"))
    assert evaluation.measures["authenticity"].floor is None
    assert evaluation.details["memorisation"]["nearest_distance_of_test"] is None
    assert capsys.readouterr().out.splitlines()[-1] == (
        "left out: authenticity of real images; needs training images that differ, and for real "
        "images test images that are none of them"
    )


def test_train_features_refuses_a_split_of_one_image_before_it_trains(place, tiny):
    single = tiny.test._replace(images=tiny.test.images[:1], labels=tiny.test.labels[:1])
    write_folder(place / "lone", Splits(tiny.train, single))
    with pytest.raises(UserError, match=r"^lone has one test image, expected 2 "):
        train_features.main(["--data-dir", "lone"])


def test_train_features_writes_one_file_and_never_replaces_it(place):
    nets = [path.name for path in (place / "results/features").glob("tiny*")]
    assert nets == ["tiny.safetensors"]
    with pytest.raises(UserError, match="is there already"):
        train_features.main(["--data-dir", "tiny"])


def test_an_evaluation_names_its_protocol_its_errors_and_its_floors():
    evaluation = evaluated("cgan-0", "--cas")
    assert str(evaluation.protocol).startswith("tiny-own-")
    assert evaluation.protocol.samples == 40
    both = ("fid", "kid", "precision", "recall", "density", "coverage")
    names = {name + suffix for name in both for suffix in ("", "_classifier")}
    names |= {"class_gap", "label_accuracy", "authenticity", "classification_score"}
    assert evaluation.measures.keys() == names
    for name in names - {"kid", "kid_classifier"}:
        score = evaluation.measures[name]
        assert score.error >= 0
        assert score.floor is not None
    assert evaluation.subject["step"] == 4
    assert set(evaluation.details["per_class"]) == {"0", "1", "2"}
    assert evaluation.likelihood == {}
    with Image.open("cgan-0/memorisation.png") as picture:
        assert picture.size[0] > 100


def test_unconditional_models_have_no_label_accuracy_and_a_vae_has_bounds():
    measures = evaluated("dcgan-0").measures
    assert "label_accuracy" not in measures and "fid_reweighted" in measures
    bounds = evaluated("vae-0", "--likelihood-images", "7").likelihood
    assert (bounds["images"], bounds["draws"]) == (7, 3)
    assert bounds["observation"].startswith("Bernoulli")
    parts = {name: bounds[name]["value"] for name in record.PARTS}
    assert parts["elbo"] == pytest.approx(parts["likelihood"] - parts["kl"], rel=1e-5)
    assert parts["importance_weighted"] >= parts["elbo"]
    assert parts["likelihood"] < parts["ceiling"] < 0


def test_without_a_cache_measures_are_the_same(request):
    evaluation = evaluated("cgan-0")
    request.getfixturevalue("no_cache")
    assert evaluated("cgan-0") == evaluation


@pytest.mark.parametrize("name", ["cgan-0", "vae-0"])
def test_a_saved_model_has_the_measures_of_its_run(place, capsys, name):
    run = evaluated(name, "--likelihood-images", "7")
    trained.load(name).save(place / "saved.safetensors")
    args = ["--samples", "40", "--draws", "3", "--likelihood-images", "7"]
    assert evaluate.main(["saved.safetensors", "--data-dir", "tiny", *args]) == 0
    saved = record.read(Path("saved.evaluation.json"))
    own = {name: run.subject[name] for name in run.subject.keys() - {"checkpoint"}}
    assert saved.subject == own | {"name": "saved"}
    assert saved._replace(subject=run.subject) == run
    assert "saved.evaluation.json: " in capsys.readouterr().out
    with Image.open("saved.memorisation.png") as picture:
        assert picture.size[0] > 100


def test_models_whose_files_would_have_one_name_are_refused(place):
    model = trained.load("cgan-0")
    paths = [place / folder / "saved.safetensors" for folder in ("old", "new")]
    for path in paths:
        path.parent.mkdir()
        model.save(path)
    with pytest.raises(ConfigError, match="several models are called saved"):
        evaluate.main([*map(str, paths), "--data-dir", "tiny", "--samples", "40"])


def test_a_shipped_model_is_measured_by_its_name(place, monkeypatch):
    monkeypatch.setattr(portable, "FOLDER", place)
    trained.load("cgan-0").save(place / "tiny-cgan.safetensors")
    digest = hashlib.sha256((place / "tiny-cgan.safetensors").read_bytes()).hexdigest()
    monkeypatch.setitem(portable.SHIPPED, "tiny-cgan", digest)
    args = ["--data-dir", "tiny", "--samples", "40"]
    assert evaluate.main(["tiny-cgan", *args]) == 0
    assert record.read(Path("tiny-cgan.evaluation.json")).subject["name"] == "tiny-cgan"


def test_what_was_measured_is_printed_where_it_cannot_be_written(place, read_only, capsys):
    before = evaluated("cgan-0")
    shutil.copytree("cgan-0", "others")
    read_only(place / "others")
    capsys.readouterr()
    assert evaluate.main(["others", "cgan-1", "--samples", "40", "--draws", "3"]) == 2
    out, err = capsys.readouterr()
    assert re.search("cannot write others/memorisation.png: ", err)
    assert re.search("error: cannot write others/evaluation.json: ", err)
    assert "others/evaluation.json" not in out
    assert "cgan-1" in out and "FID" in out
    assert f"{before.measures['fid'].value:.2f}" in out


@pytest.mark.parametrize("error", [KeyboardInterrupt, RunError("every checkpoint is damaged")])
def test_what_was_measured_is_printed_where_the_next_fails(monkeypatch, capsys, error):
    evaluate_run = assessment.evaluate_run

    def failing(run, *args, **options):
        if run.folder.name == "dcgan-0":
            raise error
        return evaluate_run(run, *args, **options)

    monkeypatch.setattr(assessment, "evaluate_run", failing)
    with pytest.raises((KeyboardInterrupt, RunError)):
        evaluate.main(["cgan-0", "dcgan-0", "--samples", "40"])
    row = next(line for line in capsys.readouterr().out.splitlines() if "FID" in line)
    fid = record.read(Path("cgan-0") / record.NAME).measures["fid"]
    assert f"{fid.value:.2f}" in row


def test_what_is_measured_is_said_before_it_is_done(monkeypatch, capsys):
    said = []

    def measure(*_, **__):
        said.append(capsys.readouterr().err)
        raise KeyboardInterrupt

    monkeypatch.setattr(assessment, "evaluate_run", measure)
    with pytest.raises(KeyboardInterrupt):
        evaluate.main(["cgan-0", "dcgan-0"])
    assert said == ["    0 s  measuring cgan-0, 1 of 2\n"]


def test_many_runs_through_a_pipe_are_one_table_of_markdown(capsys):
    evaluations = [evaluated(name) for name in ("cgan-0", "dcgan-0", "vae-0")]
    capsys.readouterr()
    runs = [
        e._replace(subject={"name": f"{e.subject['name']}-{i}"})
        for i in range(6)
        for e in evaluations
    ]
    evaluate.show(Console(highlight=False), runs)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{evaluations[0].protocol}; (±) 95 % of this evaluation"
    cells = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in lines
        if line[:1] == "|"
    ]
    assert cells[0] == ["", *(e.subject["name"] for e in runs), "real images"]
    found = {row[0]: row[1:-1] for row in cells}
    for index, evaluation in enumerate(evaluations):
        for name, summary in record.summarise([evaluation]).items():
            text = record.summary_text(name, summary)
            assert found[MEASURES[name].title][index::3] == [text] * 6


def test_runs_of_one_name_are_told_apart_by_their_parents(place, capsys):
    for parent in ("a", "b"):
        shutil.copytree(place / "dcgan-0", place / parent / "seed=0")
    assert evaluate.main(["a/seed=0", "b/seed=0", "--samples", "40"]) == 0
    out = capsys.readouterr().out
    assert " a/seed=0 " in out
    assert " b/seed=0 " in out
    assert record.read(Path("b/seed=0") / record.NAME).subject["name"] == "seed=0"


def test_the_same_evaluation_gives_the_same_numbers():
    first = evaluated("vae-0")
    assert evaluated("vae-0") == first
    assert evaluated("vae-0", "--seed", "1").likelihood != first.likelihood


def test_sampled_idx_files_have_the_protocol_and_measures_of_their_run():
    run = evaluated("cgan-0")
    assert sample.main(["cgan-0", "--count", "40", "--idx", "made", "--out", "made.png"]) == 0
    images = ["--images", "made-images-idx3-ubyte", "--data-dir", "tiny"]
    labelled = [*images, "--labels", "made-labels-idx1-ubyte"]
    assert evaluate.main(labelled) == 0
    evaluation = record.read(Path("made-images-idx3-ubyte.evaluation.json"))
    assert evaluation.protocol == run.protocol
    assert evaluation.measures.keys() == run.measures.keys()
    assert evaluate.main(images) == 0
    evaluation = record.read(Path("made-images-idx3-ubyte.evaluation.json"))
    assert "label_accuracy" not in evaluation.measures


@pytest.mark.parametrize(
    ("args", "error", "words"),
    [
        ([], ConfigError, "name one run or more"),
        (["cgan-0", "--images", "x"], ConfigError, "not both"),
        (["cgan-0", "--labels", "x"], ConfigError, "go with --images"),
        (["--images", "x", "--best"], ConfigError, "--best goes with runs"),
        (["--images", "x", "--ema-decay", "0.9"], ConfigError, "--ema-decay goes with runs"),
        (["--images", "x", "--samples", "50"], ConfigError, "--samples goes with runs"),
        (["--images", "x", "--draws", "2"], ConfigError, "--draws goes with runs"),
        (["--images", "x", "--labels", "y", "--unlabelled"], ConfigError, "contradict each other"),
        (["nowhere"], UserError, "nowhere is no run and no shipped model; .*fashion_mnist-cgan"),
        (["saved.safetensors", "--best"], ConfigError, "not a run with a best checkpoint"),
        (["saved.safetensors", "--reference", "validation"], RunError, "on the validation images"),
        (["cgan-0", "--unlabelled"], ConfigError, "go with --images"),
        (["--images", "few"], ConfigError, "--images needs --dataset or --data-dir"),
        (["--images", "gone", "--data-dir", "tiny"], ImagesError, "gone: No such file"),
        (
            ["--images", "tiny/t10k-labels-idx1-ubyte", "--data-dir", "tiny"],
            ImagesError,
            "expected images",
        ),
        (
            ["--images", "flat", "--data-dir", "tiny"],
            ImagesError,
            "/flat: found images of 4×4, expected 8×8 as in tiny",
        ),
        (
            ["--images", "few", "--data-dir", "tiny"],
            ImagesError,
            "/few: found 3 samples, expected 10 or more",
        ),
        (
            ["--images", "blank", "--data-dir", "tiny", "--fd-infinity"],
            UserError,
            "/blank: FD∞ needs 7680 samples or more, found 20",
        ),
        (["--images", "few", "--dataset", "fashion_mnis"], UserError, "fashion_mnist"),
        (["cgan-0", "--features", "made.png"], FeatureError, "is no feature net"),
        (["cgan-0", "--features", "gone.safetensors"], FeatureError, "is not there"),
        (
            ["cgan-0", "--fd-infinity", "--samples", "40"],
            UserError,
            "--samples: FD∞ needs 7680 samples or more, found 40",
        ),
        (["cgan-0", "--ema-decay", "0.5"], ConfigError, "expected that of an average that was"),
        (
            ["cgan-0", "--best"],
            UserError,
            "holds no checkpoint; train it with --evaluate-every-steps",
        ),
    ],
)
def test_bad_requests_raise_user_errors_that_say_what_is_wrong(place, args, error, words):
    idx.write(place / "flat", np.zeros((20, 4, 4), np.uint8))
    idx.write(place / "few", np.zeros((3, 8, 8), np.uint8))
    idx.write(place / "blank", np.zeros((20, 8, 8), np.uint8))
    Path("made.png").touch()
    with pytest.raises(error, match=words):
        evaluate.main(args)


def test_what_the_last_run_lacks_is_said_before_the_first_is_measured(monkeypatch):
    """Rather than after minutes of work."""
    monkeypatch.setattr(assessment, "evaluate_run", lambda *_, **__: pytest.fail("measured"))
    shutil.copytree("cgan-0", "kept")
    (Path("kept") / "best").mkdir(exist_ok=True)
    for file in (Path("kept") / "checkpoints").iterdir():
        shutil.copy(file, Path("kept") / "best")
    with pytest.raises(UserError, match="cgan-1/best holds no checkpoint"):
        evaluate.main(["kept", "cgan-1", "--best"])


def test_the_data_of_a_run_are_where_they_were_or_in_the_folder_asked_for(
    place, tmp_path, tiny, monkeypatch
):
    looked = []

    def load_splits(name, folder):
        looked.append((name, folder))
        return tiny

    run = runs.load(Path("cgan-0"))
    monkeypatch.setattr(catalog, "load_splits", load_splits)
    data = replace(run.data, digest=tiny.train.digest)
    assert assessment.load_run_data(run.options, data) == tiny
    assessment.load_run_data(run.options, data, tmp_path)
    known = replace(run.options, dataset="mnist", data_dir=tmp_path / "gone")
    assessment.load_run_data(known, data)
    assert looked == [(None, place / "tiny"), (None, tmp_path), ("mnist", None)]


def test_a_run_on_other_data_than_it_was_trained_on_is_refused(tmp_path, tiny):
    other = tiny.test, tiny.train
    write_folder(tmp_path / "tiny", Splits(*other))
    with pytest.raises(RunError, match="cgan was trained on other data than this tiny"):
        evaluate.main(["cgan-0", "--data-dir", str(tmp_path / "tiny")])
