"""Parts of the report on a card: what they compute of what they measured, and their pages."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from gen_models.accelerator import agreement, board, populations, report, rivals, speed
from gen_models.accelerator.extent import FULL, SHORT, groups, run_side_by_side
from gen_models.benchmark import profile
from gen_models.benchmark.commands import CommandResult
from gen_models.benchmark.profile import Profile
from gen_models.evaluation import record
from gen_models.evaluation.protocol import Protocol
from gen_models.evaluation.record import Evaluation
from gen_models.models import MODELS

RATES = {"highest": 5e13, "tensorfloat32": 4e14, "bfloat16": 8e14, "copy": 3e12}
# What every part might have measured.
FIGURES = {
    "agreement": {
        "models": {"gan": {"state": 1e-5, "metrics": 1e-6, "samples": 0.5, "finite": False}},
        "features": {"classifier": {"features": 1e-6, "fid": 0.1}},
    },
    "repeatability": {
        "flags": {"default": "", "deterministic": "--xla_x=true"},
        "models": {
            "cgan": {
                "default": {"second": False, "resumed": True},
                "deterministic": {"second": True, "resumed": True},
            }
        },
    },
    "company": {
        "commands": {"sample": {"code": 0, "seconds": 2.0, "said": ""}},
        "trained_on": True,
        "full": {"code": 2, "seconds": 1.0, "said": "error: out of memory"},
    },
    "speed": {
        "batch_size": 64,
        "rates": RATES,
        "models": {
            "gan": {"ms": 0.5, "gflop": 20.0, "gib": 0.7},
            "vae": {
                "ms": 0.5,
                "counted_over_loop": 1.0,
                "gflop": 20.0,
                "gib": 0.7,
                "kernels": 150.0,
                "busy": 0.4,
            },
        },
    },
    "job": {
        "steps": 5000,
        "batch_size": 64,
        "seconds": {"cold": {"train": 50.0, "evaluate": 9.0}, "warm": {"train": 9.0}},
    },
    "rivals": {
        "cases": [
            {
                "model": "dcgan",
                "batch_size": 64,
                "precision": "highest",
                "compiled": True,
                "ms": 1.0,
                "eager_over_ours": 3.0,
                "failed": {"compiled": "no compiler"},
            }
        ]
    },
    "populations": {
        "rows": [
            {"members": 1, "layout": "a", "steps_a_s": 100.0, "gib": 1.0},
            {"members": 4, "layout": "a", "steps_a_s": 300.0, "gib": None},
            {"members": 16, "layout": "a", "steps_a_s": None, "gib": 70.0},
        ]
    },
    "flags": {
        "rows": [
            {"options": "usual", "model": "cgan", "given": {}, "ms": 1.0, "compiled_s": 9.0},
            {"options": "none", "model": "cgan", "given": {"xla_x": 0}, "failed": "unknown flag"},
        ]
    },
}


@pytest.mark.parametrize("name", report.PARTS)
def test_the_page_of_a_part_shows_a_table_or_a_list(name):
    text = report.PARTS[name].page(FIGURES[name])
    assert "| --- |" in text or text.startswith("- ")
    assert all(len(line) < 400 for line in text.splitlines())


def test_what_is_beyond_its_tolerance_or_differs_is_marked():
    text = agreement.page(FIGURES["agreement"])
    assert "**5e-01**" in text  # of a sample
    assert "**no**" in text  # not finite
    assert "**1e-01**" in text  # of FID
    assert "**1e-05**" not in text
    again = report.PARTS["repeatability"].page(FIGURES["repeatability"])
    assert again.count("**other bytes**") == 1


def test_shares_are_of_the_rates_measured_beside():
    """20 GFLOP in 0.5 ms are 40 TFLOP/s, a tenth of 400; 0.7 GiB in 0.5 ms half of 3 TB/s."""
    row = next(line for line in speed.page(FIGURES["speed"]).splitlines() if "`vae`" in line)
    assert [cell.strip() for cell in row.split("|")][2:9] == [
        "0.500",
        "20.00",
        "10.0%",
        "0.70",
        "50%",
        "150",
        "40%",
    ]


def test_members_are_compared_with_one_alone():
    text = populations.page(FIGURES["populations"])
    assert "| 4 | a | 300 | 3.0 |" in text
    assert "| 16 | a | does not fit |" in text


def test_distance_is_relative_to_the_second_and_the_largest_of_the_parts():
    a = ({"w": np.array([3.0, 4.0])}, {"b": np.zeros(2)})
    b = ({"w": np.array([3.0, 4.5])}, {"b": np.zeros(2)})
    assert agreement.distance(a, b) == pytest.approx(0.5 / np.hypot(3, 4.5))
    assert agreement.distance(b, b) == 0


def test_what_is_no_number_or_nothing_on_one_side_is_no_agreement():
    ones, zeros, nan = ({"w": np.array([x, x])} for x in (1.0, 0.0, np.nan))
    assert agreement.distance((zeros, ones), (ones, ones)) == 1
    assert agreement.distance((ones, ones), (ones, zeros)) == np.inf
    assert np.isnan(agreement.distance((ones, nan), (ones, ones)))
    assert np.isnan(agreement.largest([0.0, np.nan, 1.0]))


def test_a_profile_counts_what_ran_and_overlapping_work_once():
    summary = profile.summary([(10.0, 20.0), (15.0, 30.0), (40.0, 50.0), (41.0, 42.0)])
    assert summary == Profile(kernels=4, busy=pytest.approx(30 / 40))
    assert profile.summary([]) is None


def test_a_profile_is_of_the_streams_of_devices_alone():
    def plane(name, *lines):
        events = [SimpleNamespace(start_ns=1.0, duration_ns=2.0)]
        return SimpleNamespace(
            name=name, lines=[SimpleNamespace(name=line, events=events) for line in lines]
        )

    planes = [plane("/device:GPU:0", "Stream #13", "XLA Modules"), plane("/host:CPU", "Stream #1")]
    assert profile.intervals(SimpleNamespace(planes=planes)) == [(1.0, 3.0)]


def test_rivals_are_compared_where_it_tells_most_first():
    cases = rivals.cases(FULL)
    assert [case.model for case in cases[:3]] == ["dcgan", "cgan", "vae"]
    assert all(case.compiled and case.batch_size == 64 for case in cases[:3])
    assert {case.batch_size for case in cases} == {16, 64, 256, 1024, 4096}
    assert {case.precision for case in cases} == {"tensorfloat32", "highest", "bfloat16"}
    assert len(set(cases)) == len(cases)


def test_parts_go_on_with_what_was_found(monkeypatch):
    """A part measures only the rows that it lacks; the others stay as they are."""
    asked = []
    monkeypatch.setattr(agreement, "_compare_model", lambda _, model: asked.append(model) or model)
    monkeypatch.setattr(speed, "_compile_loops", lambda _, model: (asked.append(model), {}))
    monkeypatch.setattr(speed, "_measure_model", lambda *_: "new")
    monkeypatch.setattr(populations, "_compile", lambda _, case: asked.append(case.members))
    figures = {"features": {}, "models": {"cgan": "old"}}
    agreement.measure(SHORT, figures, keep=lambda: None)
    assert figures["models"] == {"cgan": "old", "vae": "vae"}
    figures = {"rates": RATES, "models": {"vae": "old"}}
    speed.measure(SHORT, figures, keep=lambda: None)
    assert figures["models"] == {"cgan": "new", "vae": "old"}
    rows = [{"members": 2, "layout": layout, "steps_a_s": 1.0} for layout in populations.LAYOUTS]
    figures = {"rows": rows[:1]}
    populations.measure(SHORT, figures, keep=lambda: None)
    assert [row["steps_a_s"] for row in figures["rows"]] == [1.0, None]
    assert asked == ["vae", "cgan", 2]


def test_work_side_by_side_is_all_done_before_the_first_failure_is_raised():
    def burn():
        raise ValueError("it burns")

    results = {}
    with pytest.raises(ValueError, match="it burns"):
        run_side_by_side({"a": burn, "b": lambda: 2, "c": lambda: 3}, 1, results.__setitem__)
    assert results == {"b": 2, "c": 3}


def test_groups_hold_every_item_once():
    assert list(groups("abcde", 2)) == ["ab", "cd", "e"]


def test_all_models_are_compared_and_the_short_form_asks_for_a_few():
    assert FULL.models == tuple(MODELS)
    assert set(SHORT.models) < set(FULL.models)
    assert SHORT.arguments == ["--batch-size", "16", "--width", "4"]


def test_the_board_stops_when_its_time_is_over_and_says_what_failed(tmp_path, monkeypatch):
    asked, now = [], [0.0]

    def run(line, limit_s):
        asked.append(line[0])
        if len(asked) == 2:
            now[0] += limit_s
        return CommandResult(2 if line[0] == "scoreboard" else 130, 0.1, "error: it burns")

    monkeypatch.setattr(board.commands, "run", run)
    monkeypatch.setattr(board, "time", SimpleNamespace(monotonic=lambda: now[0]))
    figures = board.fill(FULL, tmp_path, 0.2)
    assert asked == ["scoreboard", "train"]
    assert list(figures["failed"].values()) == ["error: it burns"]
    assert (figures["runs"], figures["presets"]) == (0, [])
    assert "error: it burns" in board.page(figures)


def test_a_preset_is_measured_at_its_last_step_under_todays_protocol(tmp_path, monkeypatch):
    protocol = Protocol("net", "tiny", "test", 100)
    monkeypatch.setattr(board.agenda, "protocol", lambda _: protocol)
    source = Path("configs/lucic2018.py:wgan")
    assert not board._is_measured(source, tmp_path)
    for step, its, measured in (
        (3750, protocol, True),
        (3749, protocol, False),
        (3750, dataclasses.replace(protocol, samples=5), False),
    ):
        subject = {"name": "a", "step": step, "sampling_seed": 0}
        record.write(tmp_path / record.NAME, Evaluation(subject, its, {}, {}, {}))
        assert board._is_measured(source, tmp_path) == measured


def test_the_board_makes_no_preset_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(board, "_is_measured", lambda source, _: source.name != "lucic2018.py:wgan")
    lines = list(board._lines(FULL, tmp_path))
    assert [line[0] for line in lines] == ["scoreboard", "train", "evaluate"]
    assert lines[1][2] == "configs/lucic2018.py:wgan"
