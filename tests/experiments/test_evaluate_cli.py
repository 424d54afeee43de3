"""`train_features`, `evaluate`, `compare`, `--evaluate-every-steps`: from one's own data to numbers."""

import json
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from trainings import write_folder

from experiments import compare, evaluate, sample, scoreboard, sweep, train, train_features
from gen_models.data import idx
from gen_models.errors import UserError
from gen_models.evaluation import record
from gen_models.evaluation.evaluator import Yardstick
from gen_models.evaluation.features import FeatureError
from gen_models.evaluation.protocol import ProtocolError
from gen_models.fields import ConfigError
from gen_models.runs import checkpoint, environment
from gen_models.runs.folder import RunError, load

QUICK = ["--width", "4", "--latent-size", "3", "--batch-size", "4", "--steps", "4"]


@pytest.fixture(scope="module", autouse=True)
def place(tmp_path_factory, tiny):
    """A working folder with a tiny data set, its feature net, and runs of three models."""
    place = tmp_path_factory.mktemp("place")
    data = str(write_folder(place / "tiny", tiny))
    before = Path.cwd()
    os.chdir(place)
    try:
        assert train_features.main(["--data-dir", data, "--steps", "60"]) == 0
        for model, seed in (("cgan", 0), ("cgan", 1), ("dcgan", 0), ("vae", 0)):
            args = ["--model", model, "--seed", str(seed), "--out", f"{model}-{seed}"]
            assert train.main([*args, "--data-dir", data, *QUICK]) == 0
        yield place
    finally:
        os.chdir(before)


def evaluated(name, *options):
    assert evaluate.main([name, "--samples", "40", "--draws", "3", *options]) == 0
    return record.read(Path(name) / record.NAME)


def test_a_feature_net_says_what_it_is_and_is_never_replaced(place):
    net = place / "results/features/tiny.safetensors"
    assert net.exists()
    assert net.with_suffix(".npz").exists()
    with pytest.raises(UserError, match="is there already"):
        train_features.main(["--data-dir", "tiny"])


def test_an_evaluation_names_its_protocol_its_errors_and_its_floors():
    found = evaluated("cgan-0", "--cas")
    assert str(found.protocol).startswith("tiny-cnn-")
    assert found.protocol.samples == 40
    names = {"fid", "kid", "precision", "recall", "density", "coverage", "class_gap"}
    names |= {"label_accuracy", "authenticity", "classification_score"}
    assert found.measures.keys() == names
    for name in names - {"kid"}:
        row = found.measures[name]
        assert row["error"] >= 0
        assert row["floor"] is not None
    assert found.subject["step"] == 4
    assert set(found.details["per_class"]) == {"0", "1", "2"}
    assert found.likelihood == {}
    with Image.open("cgan-0/memorisation.png") as picture:
        assert picture.size[0] > 100


def test_unconditional_models_have_no_label_accuracy_and_a_vae_has_bounds():
    assert "label_accuracy" not in evaluated("dcgan-0").measures
    found = evaluated("vae-0", "--likelihood-images", "7").likelihood
    assert (found["images"], found["draws"]) == (7, 3)
    assert found["observation"].startswith("Bernoulli")
    parts = {name: found[name]["value"] for name in record.PARTS}
    assert parts["elbo"] == pytest.approx(parts["likelihood"] - parts["kl"], rel=1e-5)
    assert parts["importance_weighted"] >= parts["elbo"]


def test_the_same_evaluation_gives_the_same_numbers():
    first = evaluated("vae-0")
    assert evaluated("vae-0") == first
    assert evaluated("vae-0", "--seed", "1").likelihood != first.likelihood


def test_images_of_another_program_score_as_the_run_that_made_them():
    run = evaluated("cgan-0")
    assert sample.main(["cgan-0", "--count", "40", "--idx", "made", "--out", "made.png"]) == 0
    images = ["--images", "made-images-idx3-ubyte", "--data-dir", "tiny", "--samples", "40"]
    labelled = [*images, "--labels", "made-labels-idx1-ubyte"]
    assert evaluate.main(labelled) == 0
    found = record.read(Path("made-images-idx3-ubyte.evaluation.json"))
    assert found.protocol == run.protocol
    assert found.measures.keys() == run.measures.keys()
    assert evaluate.main(images) == 0
    found = record.read(Path("made-images-idx3-ubyte.evaluation.json"))
    assert "label_accuracy" not in found.measures


def test_real_images_score_as_the_floor_does(place, tiny):
    idx.write(place / "real", tiny.train.images[:40])
    assert evaluate.main(["--images", "real", "--data-dir", "tiny"]) == 0
    found = record.read(Path("real.evaluation.json"))
    row = found.measures["fid"]
    assert row["value"] < 10 * row["floor"]
    assert found.details["memorisation"]["exact_copies"] == 40
    assert found.measures["authenticity"]["value"] == 0


@pytest.mark.parametrize(
    ("args", "error", "words"),
    [
        ([], ConfigError, "name one run or more"),
        (["cgan-0", "--images", "x"], ConfigError, "not both"),
        (["cgan-0", "--labels", "x"], ConfigError, "go with --images"),
        (["--images", "x", "--best"], ConfigError, "goes with runs"),
        (["nowhere"], RunError, "is not a run"),
        (
            ["--images", "tiny/t10k-labels-idx1-ubyte", "--data-dir", "tiny"],
            ConfigError,
            "expected",
        ),
        (
            ["--images", "flat", "--data-dir", "tiny"],
            FeatureError,
            "images are 4×4, tiny-cnn-.* takes 8×8",
        ),
        (
            ["--images", "few", "--data-dir", "tiny"],
            UserError,
            "found 3 samples, expected 10 or more",
        ),
        (["--images", "few", "--dataset", "fashion_mnis"], UserError, "fashion_mnist"),
        (["cgan-0", "--features", "made.png"], FeatureError, "is no feature net"),
        (["cgan-0", "--features", "gone.safetensors"], FeatureError, "is not there"),
        (
            ["cgan-0", "--fd-infinity", "--samples", "40"],
            UserError,
            "FD∞ needs 2560 samples or more, found 40",
        ),
        (
            ["cgan-0", "--best"],
            UserError,
            "holds no checkpoint; train it with --evaluate-every-steps",
        ),
    ],
)
def test_bad_requests_are_told_what_is_wrong(place, args, error, words):
    idx.write(place / "flat", np.zeros((20, 4, 4), np.uint8))
    idx.write(place / "few", np.zeros((3, 8, 8), np.uint8))
    Path("made.png").touch()
    with pytest.raises(error, match=words):
        evaluate.main(args)


def test_the_data_of_a_run_is_where_it_was_or_where_one_says(place, tmp_path):
    run = load(Path("cgan-0"))
    assert evaluate.data_folder(run, evaluate.Options()) == place / "tiny"
    moved = evaluate.Options(data_dir=tmp_path)
    assert evaluate.data_folder(run, moved) == tmp_path
    known = replace(run.config.run, dataset="mnist", data_dir=tmp_path / "gone")
    elsewhere = replace(run, config=run.config._replace(run=known))
    assert evaluate.data_folder(elsewhere, evaluate.Options()) is None


def test_labels_that_do_not_fit_the_images_are_refused(place):
    idx.write(place / "twenty", np.zeros((20, 8, 8), np.uint8))
    for labels in (np.zeros(19, np.uint8), np.full(20, 3, np.uint8), np.zeros(20, np.float32)):
        idx.write(place / "labels", labels)
        with pytest.raises(ConfigError, match="expected one integer below 3"):
            evaluate.main(["--images", "twenty", "--labels", "labels", "--data-dir", "tiny"])


def test_training_evaluates_at_its_steps_and_keeps_the_best_state(monkeypatch):
    monkeypatch.setattr(assess, "Extent", partial(assess.Extent, samples=40))
    args = [
        "--data-dir",
        "tiny",
        *QUICK[:-1],
        "6",
        "--evaluate-every-steps",
        "2",
        "--out",
        "watched",
    ]
    assert train.main([*args, "--checkpoint-every-steps", "2"]) == 0
    run = load(Path("watched"))
    history = run.evaluations()
    assert history["step"] == [2, 4, 6]
    best = history["step"][int(np.argmin(history["fid"]))]
    assert checkpoint.steps(run.best) == [best]
    assert record.read(run.folder / record.NAME).subject["step"] == 6
    found = evaluated("watched", "--best")
    assert found.subject["step"] == best
    assert found.measures["fid"]["value"] == pytest.approx(min(history["fid"]), rel=1e-9)


def test_a_resumed_run_has_the_evaluations_of_an_undisturbed_one(monkeypatch):
    monkeypatch.setattr(assess, "Extent", partial(assess.Extent, samples=40))
    args = ["--data-dir", "tiny", *QUICK[:-2], "--evaluate-every-steps", "2", "--model", "dcgan"]
    args += ["--checkpoint-every-steps", "3"]
    assert train.main([*args, "--steps", "8", "--out", "whole"]) == 0
    assert train.main([*args, "--steps", "5", "--out", "cut"]) == 0
    newest = Path("cut/checkpoints/step_00000005.safetensors")
    newest.unlink()  # as if it had been killed after the evaluation of step 4
    assert train.main([*args, "--steps", "8", "--out", "cut"]) == 0
    assert load(Path("cut")).evaluations() == load(Path("whole")).evaluations()
    assert checkpoint.steps(Path("cut/best")) == checkpoint.steps(Path("whole/best"))


@pytest.mark.slow
def test_a_sweep_measures_its_members_as_evaluate_does_by_one_yardstick(monkeypatch):
    default, made, init = assess.Extent, [], Yardstick.__init__
    monkeypatch.setattr(assess, "Extent", lambda: default(samples=40, draws=3))
    monkeypatch.setattr(Yardstick, "__init__", lambda *a: made.append(init(*a)))
    args = ["--data-dir", "tiny", "--model", "vae", *QUICK, "--seeds", "2", "--out", "swept"]
    assert sweep.main(args) == 0
    assert len(made) == 1
    monkeypatch.undo()
    for seed in range(2):
        folder = Path("swept") / f"seed={seed}"
        found = record.read(folder / record.NAME)
        assert evaluated(str(folder)) == found
        assert found.subject["step"] == 4
    assert "FID" in Path("swept/README.md").read_text()


def test_a_comparison_is_one_page_that_holds_everything_and_one_picture():
    for name in ("cgan-0", "cgan-1", "vae-0"):
        evaluated(name)
    Path("dcgan-0/evaluation.json").unlink(missing_ok=True)
    assert compare.main(["cgan-0", "cgan-1", "vae-0", "dcgan-0", "--out", "side"]) == 0
    page = Path("side.html").read_text()
    assert page.count("(2 seeds)") == 1
    assert "not evaluated yet: dcgan-0" in page
    assert "http" not in page.replace("http-equiv", "")
    assert page.count("data:image/png;base64,") == 3 + 3 + 1  # grids, interpolations, curves
    with Image.open("side.png") as picture:
        assert min(picture.size) > 300


def test_a_comparison_says_which_numbers_are_of_another_state_than_the_pictures():
    args = ["--model", "dcgan", "--data-dir", "tiny", *QUICK[:-2], "--out", "longer"]
    assert train.main([*args, "--steps", "4"]) == 0
    evaluated("longer")
    assert compare.main(["longer", "--out", "before"]) == 0
    assert "another step" not in Path("before.html").read_text()
    assert train.main([*args, "--steps", "6"]) == 0
    assert compare.main(["longer", "--out", "after"]) == 0
    page = Path("after.html").read_text()
    assert "longer (step 4, the newest is 6); python -m experiments.evaluate measures" in page


def test_the_scoreboard_takes_only_evaluations_of_its_own_protocol_and_of_the_last_state():
    evaluated("cgan-0", "--cas")
    folder, default, fewer = Path("cgan-0"), assess.Extent(), assess.Extent(samples=40)
    assert scoreboard.evaluated(folder, 4, assess.protocol("tiny", fewer))
    assert not scoreboard.evaluated(folder, 4, assess.protocol("tiny", default))
    assert not scoreboard.evaluated(folder, 5, assess.protocol("tiny", fewer))
    assert not scoreboard.evaluated(Path("nowhere"), 4, assess.protocol("tiny", fewer))


def test_the_scoreboard_takes_from_a_run_its_options_numbers_machine_and_samples():
    evaluated("cgan-0", "--cas")
    run, cell = load(Path("cgan-0")), ledger.Cell("tiny", "cgan", 0, 4)
    found = scoreboard.result(run)
    assert found.options == run.config.identity
    assert found.fid == record.read(Path("cgan-0/evaluation.json")).measures["fid"]["value"]
    assert found.seconds > 0
    assert found.machine in environment.in_words(run.sessions()[-1])
    ledger.write(Path("scoreboard.json"), {cell: found})
    assert ledger.read(Path("scoreboard.json")) == {cell: found}
    scoreboard.draw(run, cell, scoreboard.Options(results=Path()))
    with Image.open("scoreboard/tiny-cgan.png") as picture:
        assert picture.height == 3 * (2 * 8 + 2) + 2  # a class a row, each pixel two by two


def test_a_comparison_refuses_numbers_of_different_protocols():
    evaluated("cgan-0")
    assert evaluate.main(["vae-0", "--samples", "30", "--draws", "1"]) == 0
    with pytest.raises(ProtocolError, match="30 samples"):
        compare.main(["cgan-0", "vae-0", "--out", "mixed"])
    assert not Path("mixed.html").exists()


def test_a_damaged_evaluation_is_told_and_not_a_stack_trace():
    values = json.loads(Path("cgan-1/evaluation.json").read_text())
    del values["protocol"]
    Path("cgan-1/evaluation.json").write_text(json.dumps(values))
    with pytest.raises(record.RecordError, match="is no evaluation"):
        compare.main(["cgan-1", "--out", "damaged"])
