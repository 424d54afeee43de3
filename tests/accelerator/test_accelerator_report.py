"""The report on a card: it goes on after a part that fails, and is written as it goes."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from trainings import QUICKLY

from experiments import accelerator
from gen_models.accelerator import report
from gen_models.benchmark import commands
from gen_models.benchmark.commands import CommandResult
from gen_models.errors import UserError
from gen_models.fields import ConfigError

MACHINE = {
    "processor": "a processor",
    "cores": 2,
    "devices": ["cuda: A Card"],
    "python": "3",
    "libraries": {"jax": "0"},
    "code": "abc",
    "xla_flags": "",
    "started": "2026-01-02T03:04:05+00:00",
    "runtime": "cuda 13",
    "driver": "580",
    "card": "A Card 80GB",
    "platform_of_card": "cpu",
}
JOB = {"steps": 5, "batch_size": 4, "seconds": {"cold": {"train": 9.0}}}


@pytest.fixture
def run(monkeypatch):
    """`commands.run` as a function that gives each part an outcome; returns these, to be filled."""
    outcomes = {}

    def stand_in(args, **_):
        into = Path(args[args.index("--into") + 1])
        if "--describe" in args:
            into.write_text(json.dumps(MACHINE))
            return CommandResult(0, 1.0, "")
        figures, result = outcomes[args[args.index("--parts") + 1]]
        if figures is not None:
            before = json.loads(into.read_text()) if into.exists() else {}
            into.write_text(json.dumps(before | figures))
        return result

    monkeypatch.setattr(commands, "run", stand_in)
    return outcomes


def test_a_part_that_fails_is_reported_and_the_next_one_runs(run, tmp_path):
    run["speed"] = (None, CommandResult(1, 2.0, "Traceback…\nValueError: no"))
    run["job"] = (JOB, CommandResult(0, 3.0, ""))
    card_report = report.CardReport(tmp_path, None, (), say=lambda _: None)
    assert not card_report.make(["speed", "job"], minutes=1)
    text = (tmp_path / "a-card-80gb-short.md").read_text()
    assert "**Not finished**: exit code 1: Traceback… ValueError: no" in text
    assert "| cold | 9.0 |" in text
    kept = json.loads((tmp_path / "a-card-80gb-short.json").read_text())
    assert kept["parts"]["job"]["figures"] == JOB
    assert kept["machine"]["driver"] == "580"


def test_a_part_that_is_cut_off_keeps_what_it_had_found(run, tmp_path):
    run["job"] = (JOB, CommandResult(130, 150.0, ""))
    card_report = report.CardReport(tmp_path, None, (), say=lambda _: None)
    assert not card_report.make(["job"], minutes=10)
    text = card_report.prefix.with_suffix(".md").read_text()
    assert "**Not finished**: stopped after 150 s" in text
    assert "| cold | 9.0 |" in text


def test_a_report_goes_on_where_an_earlier_one_was_cut_off(run, tmp_path):
    run["job"] = ({"steps": 5, "batch_size": 4, "seconds": {}}, CommandResult(130, 150.0, ""))
    run["company"] = ({"commands": {}}, CommandResult(0, 1.0, ""))
    quiet = {"say": lambda _: None}
    first = report.CardReport(tmp_path, None, (), **quiet)
    assert not first.make(["job", "company"], minutes=10)
    run["job"] = ({"seconds": JOB["seconds"]}, CommandResult(0, 3.0, ""))
    again = report.CardReport(tmp_path, None, (), **quiet)
    assert "company" not in again.missing()
    assert again.make(["job"], minutes=10)
    assert again.parts["job"]["figures"] == JOB
    assert again.parts["company"] == first.parts["company"]


@pytest.mark.parametrize("figures", [None, {"seconds": {}}])
def test_a_finished_part_is_kept_when_another_try_is_cut_off(run, tmp_path, figures):
    run["job"] = (JOB, CommandResult(0, 3.0, ""))
    assert report.CardReport(tmp_path, None, (), say=lambda _: None).make(["job"], minutes=10)
    run["job"] = (figures, CommandResult(130, 150.0, ""))
    again = report.CardReport(tmp_path, None, (), say=lambda _: None)
    assert not again.make(["job"], minutes=10)
    assert again.parts["job"]["figures"] == JOB and "failed" not in again.parts["job"]


@pytest.mark.parametrize(
    ("name", "values"),
    [("xla_flags", ["--other", "--another"]), ("libraries", [{"jax": "1"}, {"jax": "2"}])],
)
def test_a_report_of_other_libraries_or_flags_begins_anew(run, tmp_path, monkeypatch, name, values):
    run["job"] = (JOB, CommandResult(0, 3.0, ""))
    report.CardReport(tmp_path, None, (), say=lambda _: None).make(["job"], minutes=10)
    monkeypatch.setitem(MACHINE, name, values[0])
    said = []
    again = report.CardReport(tmp_path, None, (), say=said.append)
    assert again.parts == {}
    assert "is kept as a-card-80gb-short-2026-01-02" in said[0]
    kept = json.loads((tmp_path / "a-card-80gb-short-2026-01-02.json").read_text())
    assert kept["parts"]["job"]["figures"] == JOB
    assert "| cold | 9.0 |" in (tmp_path / "a-card-80gb-short-2026-01-02.md").read_text()
    monkeypatch.setitem(MACHINE, name, values[1])
    report.CardReport(tmp_path, None, (), say=said.append)
    assert "is kept as a-card-80gb-short-2026-01-02-2" in said[1]
    assert json.loads((tmp_path / "a-card-80gb-short-2026-01-02.json").read_text()) == kept


@pytest.mark.usefixtures("run")
def test_what_a_part_had_found_when_the_user_stopped_it_is_kept(tmp_path, monkeypatch):
    card_report = report.CardReport(tmp_path, None, (), say=lambda _: None)

    def interrupted(args, should_stop, **_):
        Path(args[args.index("--into") + 1]).write_text(json.dumps(JOB))
        time.sleep(0.5)  # until the threads have been started
        os.kill(os.getpid(), signal.SIGINT)
        until = time.monotonic() + 60
        while not should_stop() and time.monotonic() < until:
            time.sleep(0.01)
        return CommandResult(130, 0.1, "")

    monkeypatch.setattr(commands, "run", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            card_report.make(["job"], minutes=1)
    finally:
        signal.signal(signal.SIGINT, before)
    kept = json.loads((tmp_path / "a-card-80gb-short.json").read_text())
    assert kept["parts"]["job"]["figures"] == JOB


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("content", ["{", "[1]", '{"parts": {}}'])
def test_a_damaged_report_is_one_line(tmp_path, content):
    (tmp_path / "a-card-80gb-short.json").write_text(content)
    with pytest.raises(UserError, match=r"a-card-80gb-short.json is no report: .*move it away"):
        report.CardReport(tmp_path, None, (), say=lambda _: None)


def test_what_was_found_is_not_lost_for_want_of_time(run, tmp_path):
    run["job"] = (JOB, CommandResult(130, 150.0, ""))
    run["speed"] = ({"rates": {}}, CommandResult(0, 1.0, ""))
    monkeyed = report.PARTS["speed"]._replace(page=lambda _: "")
    report.PARTS["speed"], usual = monkeyed, report.PARTS["speed"]
    try:
        report.CardReport(tmp_path, None, (), say=lambda _: None).make(["job", "speed"], minutes=10)
        again = report.CardReport(tmp_path, None, (), say=lambda _: None)
        assert not again.make(["job", "speed"], minutes=0)
        assert again.parts["job"]["figures"] == JOB
        assert again.parts["speed"]["figures"] == {"rates": {}}
        assert "failed" not in again.parts["speed"]
    finally:
        report.PARTS["speed"] = usual


def test_a_report_of_some_models_is_another_file(run, tmp_path):
    run["job"] = (JOB, CommandResult(0, 3.0, ""))
    report.CardReport(tmp_path, None, ("vae",), say=lambda _: None).make(["job"], minutes=10)
    assert (tmp_path / "a-card-80gb-vae-short.md").exists()
    assert "job" in report.CardReport(tmp_path, None, (), say=lambda _: None).missing()


def test_one_part_that_goes_well_is_a_success_whatever_failed_before(run, tmp_path):
    run["job"], run["company"] = (
        (JOB, CommandResult(1, 3.0, "")),
        ({"commands": {}}, CommandResult(0, 1.0, "")),
    )
    assert not report.CardReport(tmp_path, None, (), say=lambda _: None).make(["job"], minutes=10)
    assert report.CardReport(tmp_path, None, (), say=lambda _: None).make(["company"], minutes=10)


@pytest.mark.usefixtures("run")
def test_parts_for_which_no_time_is_left_say_so(tmp_path):
    card_report = report.CardReport(tmp_path, None, (), say=lambda _: None)
    assert not card_report.make(["job"], minutes=0)
    assert "no time was left for it" in card_report.prefix.with_suffix(".md").read_text()


@pytest.mark.usefixtures("run")
def test_a_cpu_gets_the_short_form_which_says_so(tmp_path):
    card_report = report.CardReport(tmp_path, None, (), say=lambda _: None)
    assert card_report.short
    assert "**The short form**" in card_report.prefix.with_suffix(".md").read_text()


def test_an_unknown_part_is_named_with_the_nearest_right_one():
    with pytest.raises(ConfigError, match="no part is called 'sped'; perhaps you meant 'speed'"):
        accelerator.main(["--parts", "sped"])


def test_a_command_that_fails_is_an_error_with_the_end_of_its_output():
    result = commands.run(["sample", "no-such-model"])
    assert result.code == 2
    with pytest.raises(UserError, match=r"exit code 2: .*no-such-model"):
        result.check()


def test_a_command_over_its_limit_is_stopped():
    result = commands.run(["train", "--model", "vae", "--steps", "1000000"], limit_s=0.5)
    assert result.code != 0
    assert result.seconds < commands.PATIENCE_S


def test_what_a_command_has_started_is_stopped_with_it(tmp_path):
    """The command of a part starts a process to describe the machine."""
    stopped = []

    def should_stop():
        stopped.append(time.monotonic())
        return len(stopped) > 4  # when it has started another

    args = ["accelerator", "--parts", "job", "--short", "--out", str(tmp_path)]
    result = commands.run(args, group=True, should_stop=should_stop)
    assert result.code != 0
    assert stopped[-1] - stopped[0] < commands.PATIENCE_S


@pytest.mark.parametrize(
    "parts", [["agreement"], pytest.param([*report.PARTS], marks=pytest.mark.slow)], ids=len
)
def test_the_short_form_passes_on_a_cpu(tmp_path, parts, monkeypatch, real_splits):
    monkeypatch.setenv("XLA_FLAGS", QUICKLY)
    real_splits("fashion_mnist")
    few = ["--models", "vae", "--minutes", "10", "--parts", *parts]
    result = commands.run(["accelerator", "--short", *few, "--out", str(tmp_path)])
    assert result.check().code == 0
    (kept,) = tmp_path.glob("*.json")
    results = json.loads(kept.read_text())["parts"]
    assert list(results) == parts
    models = results["agreement"]["figures"]["models"].values()
    assert max(differences["state"] for differences in models) < 0.02
    if "repeatability" in results:
        assert results["repeatability"]["figures"]["models"]["vae"]["as usual"] == {
            "second": True,
            "resumed": True,
        }
