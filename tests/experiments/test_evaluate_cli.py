"""`train_features`, `evaluate`, `compare`, `--evaluate-every-steps`: own data, then numbers."""

import io
import json
import os
import re
import shutil
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from trainings import write_folder

from experiments import (
    compare,
    evaluate,
    sample,
    scoreboard,
    sweep,
    train,
    train_features,
)
from gen_models import assessment, runs
from gen_models.data import catalog, idx
from gen_models.data.catalog import Splits
from gen_models.data.images import ImagesError
from gen_models.errors import UserError
from gen_models.evaluation import evaluator, record
from gen_models.evaluation.evaluator import Evaluator
from gen_models.evaluation.features import FeatureError
from gen_models.evaluation.protocol import ProtocolError
from gen_models.fields import ConfigError
from gen_models.runs import RunError, checkpoint, environment
from gen_models.scoreboard import agenda, results
from gen_models.scoreboard.results import Cell

QUICK = ["--width", "4", "--latent-size", "3", "--batch-size", "4", "--steps", "4"]


@pytest.fixture(scope="module", autouse=True)
def place(tmp_path_factory, tiny):
    """A working folder with a tiny data set, its feature net, and runs of three models."""
    place = tmp_path_factory.mktemp("place")
    patch = pytest.MonkeyPatch()
    patch.setattr(evaluator, "SCORE_STEPS", 20)
    data = str(write_folder(place / "tiny", tiny))
    before = Path.cwd()
    os.chdir(place)
    try:
        features = ["--data-dir", data, "--steps", "60", "--encoder-steps", "20"]
        assert train_features.main(features) == 0
        for model, seed in (("cgan", 0), ("cgan", 1), ("dcgan", 0), ("vae", 0)):
            args = ["--model", model, "--seed", str(seed), "--out", f"{model}-{seed}"]
            assert train.main([*args, "--data-dir", data, *QUICK]) == 0
        yield place
    finally:
        os.chdir(before)
        patch.undo()


def evaluated(name, *options):
    assert evaluate.main([name, "--samples", "40", "--draws", "3", *options]) == 0
    return record.read(Path(name) / record.NAME)


def test_test_split_that_copies_the_training_split_is_measured_and_said(place, tiny, capsys):
    write_folder(place / "copy", Splits(tiny.train, tiny.train))
    few = ["--steps", "2", "--encoder-steps", "2"]
    assert train_features.main(["--data-dir", "copy", *few]) == 0
    idx.write("some-images", tiny.test.images)
    assert evaluate.main(["--images", "some-images", "--data-dir", "copy"]) == 0
    found = record.read(Path(f"some-images.{record.NAME}"))
    assert found.measures["authenticity"].floor is None
    assert found.details["memorisation"]["nearest_distance_of_test"] is None
    assert capsys.readouterr().out.splitlines()[-1] == (
        "left out: authenticity of real images; needs training images that differ, and for real "
        "images test images that are none of them"
    )


def test_train_features_refuses_a_split_of_one_image_before_it_trains(place, tiny):
    one = tiny.test._replace(images=tiny.test.images[:1], labels=tiny.test.labels[:1])
    write_folder(place / "lone", Splits(tiny.train, one))
    with pytest.raises(UserError, match=r"^lone has one test image, expected 2 "):
        train_features.main(["--data-dir", "lone"])


def test_train_features_writes_one_file_and_never_replaces_it(place):
    made = [path.name for path in (place / "results/features").glob("tiny*")]
    assert made == ["tiny.safetensors"]
    with pytest.raises(UserError, match="is there already"):
        train_features.main(["--data-dir", "tiny"])


def test_an_evaluation_names_its_protocol_its_errors_and_its_floors():
    found = evaluated("cgan-0", "--cas")
    assert str(found.protocol).startswith("tiny-own-")
    assert found.protocol.samples == 40
    both = ("fid", "kid", "precision", "recall", "density", "coverage")
    names = {name + suffix for name in both for suffix in ("", "_classifier")}
    names |= {"class_gap", "label_accuracy", "authenticity", "classification_score"}
    assert found.measures.keys() == names
    for name in names - {"kid", "kid_classifier"}:
        score = found.measures[name]
        assert score.error >= 0
        assert score.floor is not None
    assert found.subject["step"] == 4
    assert set(found.details["per_class"]) == {"0", "1", "2"}
    assert found.likelihood == {}
    with Image.open("cgan-0/memorisation.png") as picture:
        assert picture.size[0] > 100


def test_unconditional_models_have_no_label_accuracy_and_a_vae_has_bounds():
    found = evaluated("dcgan-0").measures
    assert "label_accuracy" not in found and "fid_reweighted" in found
    found = evaluated("vae-0", "--likelihood-images", "7").likelihood
    assert (found["images"], found["draws"]) == (7, 3)
    assert found["observation"].startswith("Bernoulli")
    parts = {name: found[name]["value"] for name in record.PARTS}
    assert parts["elbo"] == pytest.approx(parts["likelihood"] - parts["kl"], rel=1e-5)
    assert parts["importance_weighted"] >= parts["elbo"]
    assert parts["likelihood"] < parts["ceiling"] < 0


def test_without_a_cache_measures_are_the_same(request):
    found = evaluated("cgan-0")
    request.getfixturevalue("no_cache")
    assert evaluated("cgan-0") == found


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


def test_many_runs_through_a_pipe_are_a_table_of_whole_cells(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    found = [evaluated(name) for name in ("cgan-0", "dcgan-0", "vae-0")]
    capsys.readouterr()
    runs = [
        e._replace(subject={"name": f"{e.subject['name']}-{i}"}) for i in range(6) for e in found
    ]
    evaluate.show(Console(highlight=False), runs)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{found[0].protocol}; (±) 95 % of this evaluation"
    assert max(len(line) for line in lines if line[:1] in "┏┃┡│└") <= 80
    cells = {cell.strip() for line in lines for cell in line.split("│")}
    assert cells.issuperset({e.subject["name"] for e in runs})
    for evaluation in found:
        summary = record.summarise([evaluation])
        assert cells.issuperset({record.shown(name, summary[name]) for name in summary})


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
    found = record.read(Path("made-images-idx3-ubyte.evaluation.json"))
    assert found.protocol == run.protocol
    assert found.measures.keys() == run.measures.keys()
    assert evaluate.main(images) == 0
    found = record.read(Path("made-images-idx3-ubyte.evaluation.json"))
    assert "label_accuracy" not in found.measures


def made_by_another_program(*options):
    """The evaluation of images in a file, without its name."""
    assert evaluate.main(["--images", *map(str, options), "--data-dir", "tiny"]) == 0
    found = record.read(Path(f"{options[0]}.{record.NAME}"))
    assert found.subject == {"dataset": "tiny", "name": str(options[0])}
    assert Path(f"{options[0]}.memorisation.png").is_file()
    return found._replace(subject={})


@pytest.fixture(scope="module")
def others(place, tiny):
    """Forty images with their labels, as IDX, and what they score: an evaluation."""
    idx.write(place / "forty", tiny.train.images[30:])
    idx.write(place / "forty-labels", tiny.train.labels[30:].astype(np.uint8))
    return made_by_another_program("forty", "--labels", "forty-labels")


def test_images_and_labels_in_an_npz_score_as_those_in_two_idx_files(others, tiny):
    images, labels = tiny.train.images[30:], tiny.train.labels[30:]
    np.savez("both.npz", images=images, labels=labels)
    assert made_by_another_program("both.npz") == others
    np.savez("floats.npz", images=images[..., None] / np.float32(127.5) - 1, y=labels)
    assert made_by_another_program("floats.npz") == others


def test_labels_given_by_option_stand_in_for_those_in_the_file(others, tiny):
    np.savez("wrong.npz", images=tiny.train.images[30:], labels=np.zeros(40, np.int64))
    assert made_by_another_program("wrong.npz") != others
    Path("forty.csv").write_text("".join(f"{label}\n" for label in tiny.train.labels[30:]))
    assert made_by_another_program("wrong.npz", "--labels", "forty.csv") == others


def test_labels_in_the_file_of_images_are_ignored_if_unlabelled(others, tiny):
    np.savez("unasked.npz", images=tiny.train.images[30:], labels=np.zeros(40, np.int64))
    np.save("alone.npy", tiny.train.images[30:])
    found = made_by_another_program("unasked.npz", "--unlabelled")
    assert found == made_by_another_program("alone.npy")
    reweighted = {"fid_reweighted", "fid_reweighted_classifier"}
    assert found.measures.keys() == others.measures.keys() - {"label_accuracy"} | reweighted


@pytest.mark.usefixtures("others")
def test_the_classification_score_of_images_is_taken_of_those_with_labels():
    measures = made_by_another_program("forty", "--labels", "forty-labels", "--cas").measures
    assert measures["classification_score"].floor is not None
    assert "classification_score" not in made_by_another_program("forty", "--cas").measures


def png(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="PNG")
    return file.getvalue()


def test_a_zip_of_pngs_in_folders_of_their_class_scores_as_their_arrays(others, tiny):
    pairs = list(enumerate(zip(tiny.train.images[30:], tiny.train.labels[30:], strict=True)))
    with zipfile.ZipFile("classes.zip", "w") as archive:
        for index, (image, label) in pairs:
            archive.writestr(f"made/{label}/{index}.png", png(image))
    found = made_by_another_program("classes.zip")
    order = np.argsort(tiny.train.labels[30:], kind="stable")
    np.savez("in_order.npz", x=tiny.train.images[30:][order], y=tiny.train.labels[30:][order])
    assert found == made_by_another_program("in_order.npz")
    assert found.measures.keys() == others.measures.keys()
    for name in others.measures.keys() - {
        "kid",
        "kid_classifier",
    }:  # whose subsets depend on the order
        value = others.measures[name].value
        assert found.measures[name].value == pytest.approx(value, rel=1e-6, abs=1e-6)


def test_a_zip_and_a_folder_of_pngs_have_the_order_of_their_numbers(others, tiny):
    Path("pictures").mkdir()
    with zipfile.ZipFile("flat.zip", "w") as archive:
        for index, image in enumerate(tiny.train.images[30:]):
            archive.writestr(f"{index}.png", png(image))
            Path(f"pictures/{index}.png").write_bytes(png(image))
    for name in ("flat.zip", "pictures"):
        assert "label_accuracy" not in made_by_another_program(name).measures
        assert made_by_another_program(name, "--labels", "forty-labels") == others


def test_images_without_a_data_set_are_refused_with_one_line(place, run_command):
    idx.write(place / "twenty", np.zeros((20, 8, 8), np.uint8))
    code, out, err = run_command(evaluate.main, "--images", "twenty")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("error: --images needs --dataset or --data-dir")
    assert "fashion_mnist, mnist" in err
    assert not Path(f"twenty.{record.NAME}").exists()


def test_real_images_score_as_the_floor_does(place, tiny):
    idx.write(place / "real", tiny.train.images[:40])
    assert evaluate.main(["--images", "real", "--data-dir", "tiny"]) == 0
    found = record.read(Path("real.evaluation.json"))
    fid = found.measures["fid"]
    assert fid.value < 10 * fid.floor
    assert found.details["memorisation"]["exact_copies"] == 40
    assert found.measures["authenticity"].value == 0


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
        (["nowhere"], RunError, "is not a run.*gm.load reads saved and shipped models"),
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
            FeatureError,
            "images are 4×4, tiny-own-.* takes 8×8",
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
            "FD∞ needs 7680 samples or more, found 40",
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
    assert assessment.data_of(run.options, data) == tiny
    assessment.data_of(run.options, data, tmp_path)
    known = replace(run.options, dataset="mnist", data_dir=tmp_path / "gone")
    assessment.data_of(known, data)
    assert looked == [(None, place / "tiny"), (None, tmp_path), ("mnist", None)]


def test_a_run_on_other_data_than_it_was_trained_on_is_refused(tmp_path, tiny):
    other = tiny.test, tiny.train
    write_folder(tmp_path / "tiny", Splits(*other))
    with pytest.raises(RunError, match="cgan was trained on other data than this tiny"):
        evaluate.main(["cgan-0", "--data-dir", str(tmp_path / "tiny")])


def test_labels_that_do_not_fit_the_images_are_refused(place):
    idx.write(place / "twenty", np.zeros((20, 8, 8), np.uint8))
    for labels, words in (
        (np.zeros(19, np.uint8), "19 labels from 0 to 0, expected one from 0 to 2 for each of 20"),
        (np.full(20, 3, np.uint8), "20 labels from 3 to 3, expected one from 0 to 2 for each"),
        (np.zeros(20, np.float32), "found float32.20., expected one integer an image"),
    ):
        idx.write(place / "labels", labels)
        with pytest.raises(UserError, match=words):
            evaluate.main(["--images", "twenty", "--labels", "labels", "--data-dir", "tiny"])


def test_training_evaluates_at_its_steps_and_keeps_the_best_state(monkeypatch):
    monkeypatch.setattr(assessment, "Extent", partial(assessment.Extent, samples=40))
    args = ["--data-dir", "tiny", *QUICK[:-1], "6", "--evaluate-every-steps", "2"]
    assert train.main([*args, "--checkpoint-every-steps", "2", "--out", "watched"]) == 0
    run = runs.load(Path("watched"))
    history = run.evaluations()
    assert history["step"] == [2, 4, 6]
    best = history["step"][int(np.argmin(history["fid"]))]
    assert checkpoint.steps(run.best) == [best]
    assert record.read(run.folder / record.NAME).subject["step"] == 6
    found = evaluated("watched", "--best", "--reference", "train")
    assert found.subject["step"] == best
    assert found.measures["fid"].value == pytest.approx(min(history["fid"]), rel=1e-9)


def test_a_resumed_run_has_the_evaluations_of_an_undisturbed_one(monkeypatch):
    monkeypatch.setattr(assessment, "Extent", partial(assessment.Extent, samples=40))
    args = ["--data-dir", "tiny", *QUICK[:-2], "--evaluate-every-steps", "2", "--model", "dcgan"]
    args += ["--checkpoint-every-steps", "3"]
    assert train.main([*args, "--steps", "8", "--out", "whole"]) == 0
    assert train.main([*args, "--steps", "5", "--out", "cut"]) == 0
    newest = Path("cut/checkpoints/step_00000005.safetensors")
    newest.unlink()  # as if it had been killed after the evaluation of step 4
    assert train.main([*args, "--steps", "8", "--out", "cut"]) == 0
    assert runs.load(Path("cut")).evaluations() == runs.load(Path("whole")).evaluations()
    assert checkpoint.steps(Path("cut/best")) == checkpoint.steps(Path("whole/best"))


def test_a_run_that_held_out_the_validation_images_is_measured_against_them():
    args = ["--model", "dcgan", "--data-dir", "tiny", *QUICK, "--hold-out", "--out", "held"]
    assert train.main(args) == 0
    run = runs.load(Path("held"))
    assert run.recipe.identity["hold_out"] is True
    found = evaluated("held", "--reference", "validation")
    assert found.protocol.reference == "validation"
    assert evaluated("held").protocol.reference == "test"
    with pytest.raises(RunError, match="dcgan-0 was trained on the validation images too"):
        evaluate.main(["dcgan-0", "--reference", "validation"])
    with pytest.raises(RunError, match="held was not trained on the images of --reference train"):
        evaluate.main(["held", "--reference", "train"])
    with pytest.raises(RunError, match="hold_out: the run has True, asked for False"):
        train.main([arg for arg in args if arg != "--hold-out"])


def test_training_with_images_held_out_chooses_its_best_state_by_them(monkeypatch):
    monkeypatch.setattr(assessment, "Extent", partial(assessment.Extent, samples=40))
    args = ["--data-dir", "tiny", *QUICK, "--evaluate-every-steps", "2", "--hold-out"]
    assert train.main([*args, "--out", "chosen"]) == 0
    assert record.read(Path("chosen") / record.NAME).protocol.reference == "validation"


@pytest.mark.slow
def test_a_sweep_measures_its_members_as_evaluate_does_with_one_evaluator(monkeypatch):
    default, made, init = assessment.Extent, [], Evaluator.__init__
    monkeypatch.setattr(assessment, "Extent", partial(default, samples=40, draws=3))
    monkeypatch.setattr(Evaluator, "__init__", lambda *a: made.append(init(*a)))
    args = ["--data-dir", "tiny", "--model", "vae", *QUICK, "--seeds", "2", "--out", "swept"]
    assert sweep.main(args) == 0
    assert len(made) == 1
    monkeypatch.undo()
    for seed in range(2):
        folder = Path("swept") / f"seed={seed}"
        found = record.read(folder / record.NAME)
        assert found.protocol.reference == "validation"
        again = evaluated(str(folder), "--reference", "validation", "--likelihood-images", "1000")
        assert again == found
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


def test_the_scoreboard_takes_only_evaluations_of_its_own_protocol_and_of_the_last_state(
    monkeypatch,
):
    evaluated("cgan-0", "--cas")
    folder, cell = Path("cgan-0"), Cell("tiny", "cgan", 0, 4)
    assert not agenda.is_evaluated(cell, folder, cas=True)
    fewer = assessment.protocol("tiny", assessment.Extent(samples=40))
    monkeypatch.setattr(agenda, "protocol", lambda _: fewer)
    assert agenda.is_evaluated(cell, folder, cas=True)
    assert not agenda.is_evaluated(cell._replace(steps=5), folder, cas=False)
    assert not agenda.is_evaluated(cell, Path("nowhere"), cas=False)


def test_the_scoreboard_takes_from_a_run_its_options_numbers_machine_and_samples():
    evaluated("cgan-0", "--cas")
    run, cell = runs.load(Path("cgan-0")), Cell("tiny", "cgan", 0, 4)
    found = agenda.result_of(run)
    assert found.options == run.recipe.identity
    assert found.fid == record.read(Path("cgan-0/evaluation.json")).measures["fid"].value
    assert found.seconds > 0
    assert found.machine in environment.in_words(run.sessions()[-1])
    results.write(Path("scoreboard.json"), {cell: found})
    assert results.read(Path("scoreboard.json")) == {cell: found}
    scoreboard.draw(run, cell, scoreboard.Options(results=Path()))
    with Image.open("scoreboard/tiny-cgan.png") as picture:
        assert picture.height == 3 * (2 * 8 + 2) + 2  # a class a row, each pixel two by two


def test_a_comparison_refuses_numbers_of_different_protocols():
    evaluated("cgan-0")
    assert evaluate.main(["vae-0", "--samples", "30", "--draws", "1"]) == 0
    with pytest.raises(ProtocolError, match="30 samples"):
        compare.main(["cgan-0", "vae-0", "--out", "mixed"])
    with pytest.raises(UserError, match="expected a prefix of files"):
        compare.main(["cgan-0", "--out", "."])
    assert not Path("mixed.html").exists()


def test_compare_of_a_damaged_evaluation_raises_record_error():
    values = json.loads(Path("cgan-1/evaluation.json").read_text())
    del values["protocol"]
    Path("cgan-1/evaluation.json").write_text(json.dumps(values))
    with pytest.raises(record.RecordError, match="is no evaluation"):
        compare.main(["cgan-1", "--out", "damaged"])
