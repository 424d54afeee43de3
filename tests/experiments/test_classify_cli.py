"""`experiments.classify`: from real and generated images to a page, whatever happens meanwhile."""

import json
import signal
import sys
from contextlib import nullcontext

import numpy as np
import pytest
from trainings import train

from experiments import classify, compare
from gen_models.classifiers import processes, results
from gen_models.classifiers.results import ResultRow, ResultsError
from gen_models.data import catalog, idx
from gen_models.errors import UserError
from gen_models.fields import ConfigError
from gen_models.training import session
from gen_models.training.interrupt import Interrupted, Interruption

QUICK = ["--subset", "best", "--families", "ExtraTreeClassifier", "GaussianNB"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """The working folder is that of the tiny data set."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def instant(monkeypatch):
    """Settings are trained in this process, which takes no start of another; returns the numbers
    of those that were."""
    from gen_models.classifiers import worker

    trained = []

    def run_tasks(tasks, limits, jobs):
        del limits, jobs
        for task in tasks:
            trained.append(task.number)
            outcome = worker.run_task(task)._asdict()
            yield ResultRow(task.number, task.seed, task.images, 0.1, 1.0, **outcome)

    monkeypatch.setattr(processes, "run_tasks", run_tasks)
    return trained


def classified(data, *args):
    """The results of a command by source."""
    assert classify.main(["--data-dir", str(data), *QUICK, *args]) == 0
    folder = data.parent / "results/classifiers/tiny"
    return {path.stem: results.read(path) for path in folder.glob("*.json")}


def accuracies(source):
    return {number: row.accuracy for (number, _), row in source.rows.items()}


def test_a_copy_of_the_training_images_scores_as_they_do_and_noise_by_chance(
    here, tiny, tiny_folder
):
    rng = np.random.default_rng(0)
    for name, images in (
        ("copy", tiny.train.images),
        ("noise", rng.integers(0, 256, tiny.train.images.shape, np.uint8)),
    ):
        idx.write(here / f"{name}-images-idx3-ubyte", images)
        idx.write(here / f"{name}-labels-idx1-ubyte", tiny.train.labels.astype(np.uint8))
    sources = classified(tiny_folder, "--train", "real", "copy", "noise")
    real, noise = accuracies(sources["real"]), accuracies(sources["noise"])
    assert accuracies(sources["copy"]) == real
    assert min(real.values()) > 0.8
    assert all(value < 0.75 for value in noise.values())  # of 20, 1/3 expected
    page = (here / "results/classifiers/tiny/README.md").read_text()
    assert "| family | real | copy | noise | published, real |" in page
    assert (here / "results/classifiers/tiny/families.png").exists()


def test_what_is_measured_is_not_measured_again_and_a_stop_loses_nothing(
    instant, tiny_folder, monkeypatch
):
    run_tasks = processes.run_tasks

    def stopped(*args):
        yield next(run_tasks(*args))
        raise KeyboardInterrupt

    monkeypatch.setattr(processes, "run_tasks", stopped)
    with pytest.raises(KeyboardInterrupt):
        classified(tiny_folder)
    monkeypatch.setattr(processes, "run_tasks", run_tasks)
    first = list(instant)
    assert len(classified(tiny_folder)["real"].rows) == 2
    assert len(first) == 1
    assert sorted(instant) == [96, 97]
    classified(tiny_folder)
    assert sorted(instant) == [96, 97]
    assert len(classified(tiny_folder, "--seeds", "2")["real"].rows) == 4


def test_results_of_other_images_are_not_gone_on_with(tiny_folder):
    classified(tiny_folder)
    with pytest.raises(ResultsError, match="--images was None, is 30; choose another folder"):
        classified(tiny_folder, "--images", "30")


def test_what_will_be_refused_is_refused_before_anything_is_measured(instant, here, tiny_folder):
    for name, seed in (("old", 0), ("new", 1)):
        images = np.random.default_rng(seed).integers(0, 256, (30, 8, 8), np.uint8)
        idx.write(here / f"{name}-images-idx3-ubyte", images)
        idx.write(here / f"{name}-labels-idx1-ubyte", (np.arange(30) % 3).astype(np.uint8))
    classified(tiny_folder, "--train", "old")
    (here / "new-images-idx3-ubyte").rename(here / "old-images-idx3-ubyte")
    del instant[:]
    with pytest.raises(ResultsError, match="train was"):
        classified(tiny_folder, "--train", "real", "old")
    with pytest.raises(ConfigError, match="1000 real images need"):
        classified(tiny_folder, "--few", "9", "1000")
    assert instant == []


def test_damaged_results_are_one_line(here, tiny_folder):
    classified(tiny_folder)
    path = here / "results/classifiers/tiny/real.json"
    values = json.loads(path.read_text())
    values["rows"][0]["accuracy"] = 2
    path.write_text(json.dumps(values))
    with pytest.raises(ResultsError, match=r"accuracy is 2\.0, expected a number between 0 and 1"):
        classified(tiny_folder)


def test_a_run_is_trained_on_and_compare_shows_its_families(here, tiny_folder):
    data = catalog.load_splits(None, tiny_folder)
    train(here / "run", data, model="cgan", steps=5, data_dir=str(tiny_folder))
    sources = classified(tiny_folder, "--train", "run", "--images", "30")
    assert [row.images for row in sources["run"].rows.values()] == [30, 30]
    assert compare.main(["run"]) == 0
    text = (here / "results/comparison.html").read_text()
    assert "<h3>Classifiers</h3>" in text
    assert "GaussianNB" in text
    assert "samples of another step" not in text
    train(here / "run", data, model="cgan", steps=6, data_dir=str(tiny_folder))
    assert compare.main(["run"]) == 0
    text = (here / "results/comparison.html").read_text()
    assert "samples of another step than that of the newest checkpoint: run (step 5" in text


def test_an_unconditional_model_is_refused(here, tiny, tiny_folder):
    train(here / "run", tiny, model="dcgan", steps=5)
    with pytest.raises(ConfigError, match="run: samples of dcgan have no labels"):
        classified(tiny_folder, "--train", "run")


def test_few_real_images_are_measured_alone_and_beside_generated_ones(here, tiny_folder):
    args = ["--few", "9", "30", "--images", "40", "--steps", "3"]
    sources = classified(tiny_folder, *args)
    assert sources.keys() == {"few-9", "few-9-cgan", "few-30", "few-30-cgan"}
    assert {row.images for row in sources["few-9"].rows.values()} == {9}
    assert {row.images for row in sources["few-30-cgan"].rows.values()} == {70}
    page = (here / "results/classifiers/tiny/README.md").read_text()
    assert "| family | 9 real, alone | 9 real, with 40 of cgan | gain | 30 real, alone |" in page
    assert (here / "results/classifiers/tiny/few.png").exists()


def test_a_signal_saves_the_generator_that_few_images_train(tiny_folder, monkeypatch):
    with monkeypatch.context() as patch:
        came = nullcontext(Interruption(signal.SIGTERM))
        patch.setattr(session, "interruptible", lambda: came)
        with pytest.raises(Interrupted, match=r"few-9-cgan.* is saved at step 0") as interrupted:
            classified(tiny_folder, "--few", "9", "--images", "40", "--steps", "3")
    assert interrupted.value.exit_code == 143
    assert classified(tiny_folder, "--few", "9", "--images", "40", "--steps", "3")["few-9-cgan"]


def test_without_scikit_learn_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(UserError, match=r"sklearn is not installed.*\[analysis\]"):
        classify.main([])


@pytest.mark.parametrize(
    "args, message",
    [
        (["--families", "SVM"], "no family is called 'SVM'"),
        (["--train", "nowhere", "--datasets", "mnist"], "nowhere-images-idx3-ubyte is not there"),
        (["--train", "x", "--few", "10"], "--few and --train exclude each other"),
        (["--model", "cgam", "--few", "10"], "no model is called 'cgam'"),
        (["--model", "cgan"], "are of the generators of --few; name runs by --train"),
        (["--steps", "7"], "are of the generators of --few; name runs by --train"),
        (["--few", "10", "--subset", "all"], "leave out --subset"),
        (["--train", "mnist-cgan", "--datasets", "fashion_mnist"], "is of mnist, not of fashion_m"),
        (["--model", "gan", "--few", "9", "--datasets", "mnist"], "samples of gan have no labels"),
        (["--few", "9", "--datasets", "mnist"], "less than one of each of the 10 classes of mnist"),
        (["--few", "9", "--families", "GradientBoostingClassifier"], "--few leaves out Gradient"),
    ],
)
def test_what_cannot_be_meant_is_one_line(args, message):
    with pytest.raises(UserError, match=message):
        classify.main(args)
