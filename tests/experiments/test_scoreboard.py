"""`python -m experiments.scoreboard`: which runs it makes, and that it goes on where it was."""

import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from experiments import scoreboard
from experiments.scoreboard import NUMBERS, PAGE, Options, fill
from gen_models import assessment, runs
from gen_models.evaluation import features, record
from gen_models.evaluation.measure import Score
from gen_models.evaluation.protocol import Protocol
from gen_models.evaluation.record import Evaluation
from gen_models.fields import ConfigError
from gen_models.runs import checkpoint, environment, lock
from gen_models.scoreboard import agenda, results
from gen_models.scoreboard.results import Cell, RunResult
from gen_models.training import session
from gen_models.training.fit import DivergenceError
from gen_models.training.interrupt import Interruption
from gen_models.training.session import Ended

PROTOCOL = Protocol("net-v1-0123abcd", "mnist", "test", 100)
SESSION = {
    "processor": "a machine",
    "cores": 2,
    "devices": ["cpu: cpu"],
    "python": "3",
    "libraries": {"jax": "0"},
    "code": "abc",
    "seconds": 60.0,
}
FIDS = {"dcgan": 3.0, "cgan": 1.0, "vae": 9.0, "gan": 2.0, "lsgan": 2.5, "hinge": 0.5}
GAN = Cell("mnist", "gan", 0, 5)


def evaluation(folder, fid, step=5, protocol=PROTOCOL):
    """Of the run in a folder of a cell's name."""
    dataset, model, seed = folder.name.split("-")
    subject = {"dataset": dataset, "model": model, "seed": int(seed), "step": step}
    subject["sampling_seed"] = 0
    scores = dict.fromkeys(("fid", "fid_classifier", "authenticity"), Score(fid, 0.1, 0.0, None))
    return Evaluation(subject | {"name": folder.name}, protocol, scores, {}, {})


def measure(folder, fid, **change):
    record.write(folder / record.NAME, evaluation(folder, fid, **change))


@pytest.fixture
def options(tmp_path):
    return Options(
        models=tuple(FIDS), datasets=("mnist", "other"), seeds=2, best=2, steps=5, results=tmp_path
    )


@pytest.fixture
def made(monkeypatch, tiny):
    """What has been trained; data, training, measuring and drawing are stood in for."""
    done = []

    def train(recipe, splits, observers, report):
        del observers, report
        folder, steps = recipe.options.out, recipe.options.steps
        with runs.open_locked(folder, recipe, splits.train) as run:
            run.record_sessions([SESSION])
            checkpoint.file_of(run.checkpoints, steps).touch()
        done.append(folder.name)
        return Ended(run, steps, Interruption())

    def evaluate_run(run, evaluator, extent, report):
        del report
        assert (evaluator, extent) == (("net", tiny), assessment.EvaluationExtent())
        return evaluation(run.folder, FIDS[run.options.model])

    monkeypatch.setattr(session, "completed", lambda recipe: (recipe, tiny))
    monkeypatch.setattr(session, "train", train)
    monkeypatch.setattr(features, "of", lambda _: "net")
    monkeypatch.setattr(scoreboard, "Evaluator", lambda *args: args)
    monkeypatch.setattr(assessment, "evaluate_run", evaluate_run)
    monkeypatch.setattr(agenda, "protocol", lambda _: PROTOCOL)
    monkeypatch.setattr(agenda, "TABLES", ())
    monkeypatch.setattr(scoreboard, "draw", lambda *_: None)
    return done


@pytest.fixture
def interrupt(monkeypatch, made):
    """Lets SIGINT come once so many runs have been made."""
    train = session.train

    def after(count):
        def interrupted(recipe, splits, observers, report):
            if len(made) < count:
                return train(recipe, splits, observers, report)
            run = runs.Run(recipe.options.out, recipe, runs.DataRecord.of(splits.train))
            return Ended(run, 3, Interruption(signal.SIGINT))

        monkeypatch.setattr(session, "train", interrupted)

    return after


def go_on(options):
    """As a new process would: with what is on disk."""
    return fill(options, results.read(options.results / NUMBERS))


def test_each_model_is_made_once_before_any_is_made_again(options, made):
    assert go_on(options) == 0
    # The three that always are; hinge is among the two best, cgan is so too.
    leading = ["dcgan", "cgan", "vae", "hinge"]
    expected = [
        f"{dataset}-{model}-{seed}"
        for seed in (0, 1)
        for dataset, models in {"mnist": FIDS, "other": leading}.items()
        for model in models
    ]
    assert made == expected


def test_what_is_done_is_not_done_again_though_its_run_is_gone(options, made):
    go_on(options)
    first = list(made)
    (options.results / "runs").rename(options.results / "elsewhere")
    assert go_on(options) == 0
    assert made == first


def test_a_run_that_is_gone_is_not_trained_again_for_a_score_of_classifiers(
    options, made, monkeypatch, capsys
):
    go_on(options)
    first = list(made)
    (options.results / "runs").rename(options.results / "elsewhere")
    monkeypatch.setattr(agenda, "has_score", lambda _: False)
    assert go_on(replace(options, cas=True)) == 0
    assert made == first
    assert "mnist-gan-0 stays without CAS" in capsys.readouterr().err


@pytest.mark.usefixtures("made")
def test_every_result_is_published_as_soon_as_it_is_there(options, interrupt):
    interrupt(2)
    assert go_on(options) == 130
    page = (options.results / PAGE).read_text()
    assert "| 1 | `cgan` | 1 | 1.00 (± 0.20) |" in page
    assert "`dcgan`" in page
    assert "Not made yet:\n\n- mnist, seed 0: `vae`, " in page
    assert len(results.read(options.results / NUMBERS)) == 2


def test_a_signal_ends_it_with_its_exit_code_and_the_rest_is_made_later(options, made, interrupt):
    interrupt(3)
    assert go_on(options) == 130
    assert len(made) == 3
    interrupt(10**9)
    assert go_on(options) == 0
    assert len(set(made)) == len(made) == 2 * (len(FIDS) + 4)


def spoil(board, cell, **change):
    """Change a result in scoreboard.json; the results as they were."""
    path = board.results / NUMBERS
    before = results.read(path)
    results.write(path, before | {cell: before[cell]._replace(**change)})
    return before


def test_a_result_by_another_protocol_is_measured_anew_and_not_trained(options, made):
    go_on(options)
    first, folder = list(made), options.folder(GAN)
    measure(folder, 7.0, protocol=replace(PROTOCOL, samples=99))
    before = spoil(options, GAN, evaluation=record.read(folder / record.NAME))
    assert go_on(options) == 0
    assert made == first
    assert results.read(options.results / NUMBERS) == before


def test_a_result_of_other_options_is_made_anew(options, made):
    go_on(options)
    before = spoil(options, GAN, options={"width": 3})
    options.folder(GAN).rename(options.results / "moved away")
    made.clear()
    assert go_on(options) == 0
    assert made == ["mnist-gan-0"]
    assert results.read(options.results / NUMBERS) == before


def test_a_folder_of_another_run_is_left_out_and_the_others_are_made(options, made, tiny, capsys):
    folder = options.folder(GAN)
    other = agenda.recipe_of(GAN, folder).with_options(batch_size=3)
    with runs.open_locked(folder, other, tiny.train):
        pass
    assert go_on(options) == 0
    error = capsys.readouterr().err
    assert f"{folder} is left out; move it away to have it made: " in error
    assert "batch_size: the run has 3, asked for 64" in error
    assert "mnist-gan-0" not in made and "mnist-vae-0" in made


def test_a_run_that_another_process_trains_is_left_to_it_and_the_others_are_made(
    options, made, capsys
):
    options.folder(GAN).mkdir(parents=True)
    with lock.hold_lock(options.folder(GAN)):
        go_on(options)
    assert GAN.name not in made
    assert len(made) == len(set(made)) > len(FIDS)
    assert f"{options.folder(GAN)} is left to another process" in capsys.readouterr().err
    go_on(options)
    assert GAN.name in made


def test_an_evaluation_of_other_samples_is_not_taken(options, made):
    go_on(options)
    folder = options.folder(GAN)
    before, other = spoil(options, GAN, options={}), evaluation(folder, 7.0)
    record.write(folder / record.NAME, other._replace(subject=other.subject | {"sampling_seed": 1}))
    made.clear()
    assert go_on(options) == 0
    assert made == []
    assert results.read(options.results / NUMBERS) == before


def test_results_that_another_process_wrote_meanwhile_stay(options, made, monkeypatch):
    train, identity = session.train, agenda.recipe_of(GAN).identity

    def while_another_works(*args):
        if not made:
            theirs = RunResult(identity, evaluation(Path(GAN.name), 2.0), 1.0, "another", "abc")
            results.write(options.results / NUMBERS, {GAN: theirs})
        return train(*args)

    monkeypatch.setattr(session, "train", while_another_works)
    assert go_on(options) == 0
    assert "mnist-gan-0" not in made
    assert results.read(options.results / NUMBERS)[GAN].machine == "another"


def test_the_page_has_all_that_counts_though_less_was_asked_for(options, made):
    go_on(options)
    first = list(made)
    fewer = replace(options, models=("gan", "vae")).agenda
    assert fewer.leading_models(results.read(options.results / NUMBERS)) == [
        "vae"
    ]  # gan is third best
    assert go_on(replace(options, models=("gan",), datasets=("mnist",), seeds=1)) == 0
    assert made == first
    page = (options.results / PAGE).read_text()
    assert all(f"| `{model}` |" in page for model in FIDS)
    _, lacking = page.split("Not made yet")
    assert "- fashion_mnist, seed 0: " in lacking  # which the whole scoreboard has
    assert "`hvae`" in lacking


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--models", "dcgam"], "perhaps you meant 'dcgan'"),
        (["--datasets", "mnits"], "perhaps you meant 'mnist'"),
        (["--datasets"], "one data set at least"),
        (["--steps", "6"], "of runs of 5 steps, asked for 6; choose another folder"),
    ],
)
@pytest.mark.usefixtures("made")
def test_unknown_names_and_other_steps_are_refused_before_anything_is_made(options, args, says):
    go_on(options)
    with pytest.raises(ConfigError, match=says):
        asked = args if "--steps" in args else ["--steps", "5", *args]
        scoreboard.main([*asked, "--results", str(options.results)])


def test_the_command_says_where_the_page_is(options, made, capsys):
    args = ["--models", "gan", "--steps", "5", "--seeds", "1", "--best", "0"]
    assert scoreboard.main([*args, "--results", str(options.results)]) == 0
    assert made == ["fashion_mnist-gan-0"]
    assert capsys.readouterr().out == f"{options.results / PAGE}\n"


def test_a_run_whose_evaluation_does_not_count_is_measured_again_and_not_trained(options, made):
    folder = options.folder(GAN)
    assert scoreboard.make(GAN, folder, assessment.EvaluationExtent()) == 0
    measure(folder, 7.0, step=4)
    assert scoreboard.make(GAN, folder, assessment.EvaluationExtent()) == 0
    assert record.read(folder / record.NAME).measures["fid"].value == FIDS["gan"]
    assert made == ["mnist-gan-0"]


@pytest.fixture
def tried(monkeypatch, made):
    """How often lsgan has diverged, at its third step."""
    train, tries = session.train, []

    def diverging(recipe, splits, *args):
        if recipe.options.model != "lsgan":
            return train(recipe, splits, *args)
        with runs.open_locked(recipe.options.out, recipe, splits.train) as run:
            run.record_sessions([*run.sessions(), SESSION | {"code": environment.code_version()}])
        tries.append(len(made))
        raise DivergenceError("gen_loss became NaN", 2)

    monkeypatch.setattr(environment, "code_version", lambda: "abc")
    monkeypatch.setattr(session, "train", diverging)
    return tries


def test_a_model_that_diverges_is_left_out_and_said_so(options, made, tried, capsys):
    options = replace(options, seeds=1)
    assert go_on(options) == 0
    assert "mnist-lsgan-0 is left out: gen_loss became NaN" in capsys.readouterr().err
    assert "mnist-hinge-0" in made
    assert len(tried) == 1
    assert "\nDiverged: mnist-lsgan-0 after step 2.\n" in (options.results / PAGE).read_text()


def test_a_run_that_diverged_is_tried_again_without_its_folder_or_by_other_code(
    options, tried, monkeypatch, capsys
):
    options = replace(options, seeds=1)
    go_on(options)
    go_on(options)
    assert len(tried) == 1
    assert "mnist-lsgan-0 is left out: it diverged after step 2; to try" in capsys.readouterr().err
    shutil.rmtree(options.folder(GAN._replace(model="lsgan")))
    go_on(options)
    assert len(tried) == 2
    monkeypatch.setattr(environment, "code_version", lambda: "def")
    go_on(options)
    assert len(tried) == 3


@pytest.mark.usefixtures("made")
def test_a_run_that_has_done_more_steps_is_refused(options, tiny):
    folder = options.folder(GAN)
    with runs.open_locked(folder, agenda.recipe_of(GAN, folder), tiny.train) as run:
        checkpoint.file_of(run.checkpoints, 7).touch()
    with pytest.raises(runs.RunError, match="gan-0 has done 7 steps, asked for 5"):
        scoreboard.make(GAN, folder, assessment.EvaluationExtent())
