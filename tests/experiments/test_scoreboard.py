"""Which runs the scoreboard makes, and that it goes on where it was."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from experiments import evaluate, scoreboard, train
from experiments.scoreboard import Options, bring_about, cells, collected
from gen_models.evaluation import assess, record
from gen_models.evaluation.protocol import Protocol
from gen_models.evaluation.record import Evaluation
from gen_models.training.fit import DivergenceError

PROTOCOL = Protocol("net-v1-0123abcd", "mnist", "test", 100)
FIDS = {"dcgan": 3.0, "cgan": 1.0, "vae": 9.0, "gan": 2.0, "lsgan": 2.5, "hinge": 0.5}


def measure(folder, fid, names=("fid", "authenticity"), step=5, protocol=PROTOCOL):
    folder.mkdir(parents=True, exist_ok=True)
    row = {"value": fid, "error": 0.1, "floor": 0.0, "floor_error": None}
    measures = dict.fromkeys(names, row)
    found = Evaluation({"name": folder.name, "step": step}, protocol, measures, {}, {})
    record.write(folder / record.NAME, found)


@pytest.fixture
def options(tmp_path):
    return Options(
        models=tuple(FIDS), datasets=("mnist", "other"), seeds=2, best=2, steps=5, results=tmp_path
    )


@pytest.fixture
def made(monkeypatch):
    """What has been trained; training and measuring are stood in for."""
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

    monkeypatch.setattr(train, "main", pretend)
    monkeypatch.setattr(evaluate, "main", evaluated)
    monkeypatch.setattr(assess, "protocol", lambda *_: PROTOCOL)
    return done


def test_each_model_is_made_once_before_any_is_made_again(options, made):
    assert bring_about(options) == 0
    assert made[: len(FIDS)] == [f"mnist-{model}-0" for model in FIDS]
    # The three that always are; hinge is among the two best, cgan is so too.
    chosen = ["dcgan", "cgan", "vae", "hinge"]
    expected = [f"other-{model}-0" for model in chosen]
    expected += [f"{name}-{model}-1" for name in ("mnist", "other") for model in chosen]
    assert made[len(FIDS) :] == expected


def test_what_is_done_is_not_done_again(options, made):
    bring_about(options)
    first = list(made)
    assert bring_about(options) == 0
    assert made == first


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
    measure(tmp_path, 1.0, **change)
    assert scoreboard.evaluated(tmp_path, 5, PROTOCOL) is full


def test_a_run_whose_evaluation_does_not_count_is_measured_again_and_not_trained(options, made):
    bring_about(options)
    trained, folder = list(made), options.results / "runs" / "mnist-gan-0"
    measure(folder, 7.0, step=4)
    assert bring_about(options) == 0
    assert scoreboard.fid_of(folder) == FIDS["gan"]
    assert made == trained


def test_a_stop_ends_it_with_the_signals_code_and_the_rest_is_made_later(
    options, made, monkeypatch
):
    pretend = train.main
    monkeypatch.setattr(train, "main", lambda args: 130 if len(made) == 3 else pretend(args))
    assert bring_about(options) == 130
    assert len(made) == 3
    monkeypatch.setattr(train, "main", pretend)
    assert bring_about(options) == 0
    assert len(set(made)) == len(made) == len(list(cells(options)))


def test_a_model_that_diverges_is_left_out_and_said_so(options, made, monkeypatch, capsys):
    pretend = train.main

    def diverging(args):
        if "lsgan" in args:
            raise DivergenceError("gen_loss became NaN")
        return pretend(args)

    monkeypatch.setattr(train, "main", diverging)
    assert bring_about(options) == 0
    assert "mnist-lsgan-0 is left out: gen_loss became NaN" in capsys.readouterr().err
    assert "mnist-hinge-0" in made


@pytest.mark.usefixtures("made")
def test_only_runs_that_are_done_and_measured_are_shown_the_best_first(options, monkeypatch):
    bring_about(options)
    (options.results / "runs" / "mnist-gan-0" / record.NAME).unlink()

    def group(these, found):
        return [
            SimpleNamespace(name=run.folder.name, summary=record.summarise([found[run.folder]]))
            for run in these
        ]

    monkeypatch.setattr(scoreboard.runs, "load", lambda folder: SimpleNamespace(folder=folder))
    monkeypatch.setattr(scoreboard.entries, "entries", group)
    names = [entry.name for entry in collected(options)["mnist"] if entry.name.endswith("-0")]
    assert names == [f"mnist-{m}-0" for m in ("hinge", "cgan", "lsgan", "dcgan", "vae")]
    assert scoreboard.missing(options) == ["mnist-gan-0"]
