"""Which runs the scoreboard makes, and that it goes on where it was."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from experiments import evaluate, scoreboard, train
from experiments.scoreboard import NUMBERS, PAGE, Options, fill
from gen_models.evaluation import record
from gen_models.evaluation.protocol import Protocol
from gen_models.evaluation.record import Evaluation
from gen_models.fields import ConfigError
from gen_models.runs import Recipe
from gen_models.scoreboard.results import Cell, Result
from gen_models.training.fit import DivergenceError

PROTOCOL = Protocol("net-v1-0123abcd", "mnist", "test", 100)
SESSION = {
    "processor": "a machine",
    "cores": 2,
    "devices": ["cpu: cpu"],
    "python": "3",
    "libraries": {"jax": "0"},
    "code": "abc",
}
FIDS = {"dcgan": 3.0, "cgan": 1.0, "vae": 9.0, "gan": 2.0, "lsgan": 2.5, "hinge": 0.5}


def evaluation(folder, fid, names=("fid", "authenticity"), step=5, protocol=PROTOCOL):
    dataset, model, seed = folder.name.split("-")
    subject = {"dataset": dataset, "model": model, "seed": int(seed), "step": step}
    row = {"value": fid, "error": 0.1, "floor": 0.0, "floor_error": None}
    measures = dict.fromkeys(names, row)
    return Evaluation(subject | {"name": folder.name}, protocol, measures, {}, {})


def measure(folder, fid, **change):
    folder.mkdir(parents=True, exist_ok=True)
    record.write(folder / record.NAME, evaluation(folder, fid, **change))


@pytest.fixture
def options(tmp_path):
    return Options(
        models=tuple(FIDS), datasets=("mnist", "other"), seeds=2, best=2, steps=5, results=tmp_path
    )


@pytest.fixture
def made(monkeypatch):
    """What has been trained; training, measuring and drawing are stood in for."""
    done = []

    def pretend(args):
        values = dict(zip(args[::2], args[1::2], strict=True))
        folder = Path(values["--out"])
        (folder / "checkpoints").mkdir(parents=True)
        (folder / "checkpoints" / "step_00000005.safetensors").touch()
        done.append(folder.name)
        return 0

    def evaluated(args):
        folder = Path(args[0])
        assert args[1:] == ["--cas"]
        measure(folder, FIDS[folder.name.split("-")[1]])
        return 0

    def load(folder):
        dataset, model, seed = folder.name.split("-")
        named = {"dataset": dataset, "model": model, "seed": int(seed)}
        config, sessions = Recipe.from_flat(named), lambda: [SESSION]
        return SimpleNamespace(folder=folder, config=config, seconds=60.0, sessions=sessions)

    monkeypatch.setattr(train, "main", pretend)
    monkeypatch.setattr(evaluate, "main", evaluated)
    monkeypatch.setattr(scoreboard, "protocol", lambda _: PROTOCOL)
    monkeypatch.setattr(scoreboard.runs, "load", load)
    monkeypatch.setattr(scoreboard, "draw", lambda *_: None)
    return done


def go_on(options):
    """As a new process would: with what is on disk."""
    return fill(options, ledger.read(options.results / NUMBERS))


def test_each_model_is_made_once_before_any_is_made_again(options, made):
    assert go_on(options) == 0
    assert made[: len(FIDS)] == [f"mnist-{model}-0" for model in FIDS]
    # The three that always are; hinge is among the two best, cgan is so too.
    chosen = ["dcgan", "cgan", "vae", "hinge"]
    expected = [f"other-{model}-0" for model in chosen]
    expected += [f"{name}-{model}-1" for name in ("mnist", "other") for model in chosen]
    assert made[len(FIDS) :] == expected


def test_what_is_done_is_not_done_again_though_its_run_is_gone(options, made):
    go_on(options)
    first = list(made)
    (options.results / "runs").rename(options.results / "elsewhere")
    assert go_on(options) == 0
    assert made == first


def test_every_result_is_published_as_soon_as_it_is_there(options, made, monkeypatch):
    pretend = train.main
    monkeypatch.setattr(train, "main", lambda args: 130 if len(made) == 2 else pretend(args))
    assert go_on(options) == 130
    page = (options.results / PAGE).read_text()
    assert "| `cgan` | 1 | 1.00 ± 0.20 |" in page
    assert "`dcgan`" in page
    assert "Missing, not made yet or diverged: mnist-vae-0, " in page
    assert len(ledger.read(options.results / NUMBERS)) == 2


def test_a_stop_ends_it_with_the_signals_code_and_the_rest_is_made_later(
    options, made, monkeypatch
):
    pretend = train.main
    monkeypatch.setattr(train, "main", lambda args: 130 if len(made) == 3 else pretend(args))
    assert go_on(options) == 130
    assert len(made) == 3
    monkeypatch.setattr(train, "main", pretend)
    assert go_on(options) == 0
    assert len(set(made)) == len(made) == len(FIDS) + 12


def spoil(board, cell, **change):
    """Change a result in the ledger; the results as they were."""
    path = board.results / NUMBERS
    results = ledger.read(path)
    ledger.write(path, results | {cell: results[cell]._replace(**change)})
    return results


def test_a_result_by_another_protocol_is_measured_anew_and_not_trained(options, made):
    go_on(options)
    first, cell = list(made), Cell("mnist", "gan", 0, 5)
    folder = scoreboard.folder_of(cell, options)
    measure(folder, 7.0, protocol=replace(PROTOCOL, samples=99))
    before = spoil(options, cell, evaluation=record.read(folder / record.NAME))
    assert go_on(options) == 0
    assert made == first
    assert ledger.read(options.results / NUMBERS) == before


def test_a_result_of_other_options_is_made_anew(options, made):
    go_on(options)
    cell = Cell("mnist", "gan", 0, 5)
    before = spoil(options, cell, options={"width": 3})
    shutil.rmtree(scoreboard.folder_of(cell, options))
    made.clear()
    assert go_on(options) == 0
    assert made == ["mnist-gan-0"]
    assert ledger.read(options.results / NUMBERS) == before


def test_what_others_made_meanwhile_stays(options, made, monkeypatch):
    pretend, theirs = train.main, Cell("mnist", "gan", 0, 5)

    def while_another_works(args):
        if not made:
            cell = evaluation(Path("mnist-gan-0"), 2.0)
            found = Result(scoreboard.default_options(theirs), cell, 1.0, "another", "abc")
            ledger.write(options.results / NUMBERS, {theirs: found})
        return pretend(args)

    monkeypatch.setattr(train, "main", while_another_works)
    assert go_on(options) == 0
    assert "mnist-gan-0" not in made
    assert ledger.read(options.results / NUMBERS)[theirs].machine == "another"


def test_the_page_has_all_that_counts_though_less_was_asked_for(options, made):
    go_on(options)
    first = list(made)
    assert scoreboard.leading(
        replace(options, models=("gan", "vae")), ledger.read(options.results / NUMBERS)
    ) == ["vae"]  # gan is the third best
    assert go_on(replace(options, models=("gan",), datasets=("mnist",), seeds=1)) == 0
    assert made == first
    scoreboard.publish(options, ledger.read(options.results / NUMBERS))
    page = (options.results / PAGE).read_text()
    assert all(f"| `{model}` |" in page for model in FIDS)


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
def test_what_cannot_be_made_is_refused_before_anything_is(options, args, says):
    go_on(options)
    with pytest.raises(ConfigError, match=says):
        scoreboard.main(["--steps", "5", *args, "--results", str(options.results)])


def test_the_command_says_where_the_page_is(options, made, capsys):
    args = ["--models", "gan", "--steps", "5", "--seeds", "1", "--best", "0"]
    assert scoreboard.main([*args, "--results", str(options.results)]) == 0
    assert made == ["fashion_mnist-gan-0"]
    assert capsys.readouterr().out == f"{options.results / PAGE}\n"


@pytest.mark.parametrize(
    ("change", "full"),
    [
        ({}, True),
        ({"step": 4}, False),
        ({"protocol": replace(PROTOCOL, samples=99)}, False),
        ({"names": ["fid"]}, False),
        ({"names": ["fid", "authenticity", "label_accuracy"]}, False),
        ({"names": ["fid", "authenticity", "label_accuracy", "classification_score"]}, True),
    ],
)
def test_only_a_full_evaluation_of_the_last_state_by_the_protocol_counts(tmp_path, change, full):
    folder = tmp_path / "mnist-gan-0"
    measure(folder, 1.0, **change)
    assert scoreboard.evaluated(folder, 5, PROTOCOL) is full


@pytest.mark.usefixtures("made")
def test_only_a_whole_run_of_the_default_options_counts_as_trained(options):
    cell = Cell("mnist", "gan", 0, 5)
    folder = scoreboard.folder_of(cell, options)
    scoreboard.make(cell, folder)
    assert scoreboard.trained(cell, folder)
    assert not scoreboard.trained(cell._replace(steps=6), folder)
    assert not scoreboard.trained(cell._replace(seed=1), folder)
    (folder / "checkpoints" / "step_00000006.safetensors").touch()
    assert not scoreboard.trained(cell, folder)


def test_a_run_whose_evaluation_does_not_count_is_measured_again_and_not_trained(options, made):
    cell = Cell("mnist", "gan", 0, 5)
    folder = scoreboard.folder_of(cell, options)
    assert scoreboard.make(cell, folder) == 0
    measure(folder, 7.0, step=4)
    assert scoreboard.make(cell, folder) == 0
    assert record.read(folder / record.NAME).measures["fid"]["value"] == FIDS["gan"]
    assert made == ["mnist-gan-0"]


def test_a_model_that_diverges_is_left_out_and_said_so(options, made, monkeypatch, capsys):
    pretend = train.main

    def diverging(args):
        if "lsgan" in args:
            raise DivergenceError("gen_loss became NaN")
        return pretend(args)

    monkeypatch.setattr(train, "main", diverging)
    assert go_on(options) == 0
    assert "mnist-lsgan-0 is left out: gen_loss became NaN" in capsys.readouterr().err
    assert "mnist-hinge-0" in made


def test_the_board_that_is_committed_is_this_codes_own():
    """Its results count today: same options, same protocol. Whoever changes a default or a measure
    takes what is stale out of scoreboard.json, or has it made anew."""
    results = ledger.read(Path(__file__).parents[2] / "results" / NUMBERS)
    assert len(scoreboard.filled(results, results)) == len(results) > 0
