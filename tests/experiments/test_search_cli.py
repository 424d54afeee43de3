"""`python -m experiments.search` as its user meets it: the plan, the outcome, bad requests."""

import json
import os
import re
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from sweeping import completed
from trainings import write_folder

from experiments import command, search, train, train_features
from gen_models import render, runs
from gen_models.assessment import EvaluationExtent
from gen_models.fields import ConfigError
from gen_models.search import score
from gen_models.storage import compilations
from gen_models.sweep import estimate

SMALL = ["--model", "vae", "--width", "4", "--latent-size", "3", "--batch-size", "4"]
RATES = ["--learning-rate", "1e-4", "1e-2"]
FEW = [*SMALL, *RATES, "--members", "4", "--steps", "4", "--samples", "100"]
WITH_A_REPORT = [*FEW, "--rungs", "2", "--report-seeds", "1", "--score", "fid", "recall:5"]
WITH_A_REPORT += ["--ema-decays", "0.5", "0.9"]


@pytest.fixture(scope="module", autouse=True)
def place(tmp_path_factory, tiny):
    """A working folder with a tiny data set and its feature net."""
    place = tmp_path_factory.mktemp("place")
    before = Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(render, "curves", lambda *_: None)
        patch.setattr(estimate, "matmul", lambda: (lambda: 1.0, lambda _: 1e9))
        patch.setattr(compilations, "keep", lambda: None)
        patch.setattr(search, "EvaluationExtent", partial(EvaluationExtent, samples=100, draws=2))
        patch.setenv("GEN_MODELS_DATA", str(write_folder(place / "tiny", tiny)))
        os.chdir(place)
        try:
            assert train_features.main(["--steps", "20", "--encoder-steps", "10"]) == 0
            yield place
        finally:
            os.chdir(before)


class Searched(NamedTuple):
    """A search that was stopped before its report and then went on: its folder, and its page then
    and now."""

    folder: Path
    begun: str
    page: str


@pytest.fixture(scope="module")
def searched(place):
    folder = place / "results/searches/tiny-vae-halving"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "make_report", lambda *_: None)  # as if it was stopped there
        assert search.main(WITH_A_REPORT) != 0
    begun = (folder / "README.md").read_text()
    assert search.main(WITH_A_REPORT) == 0
    return Searched(folder, begun, (folder / "README.md").read_text())


def words(text):
    return " ".join(text.split())


def test_a_dry_run_prints_the_plan_and_writes_nothing(capsys):
    choice = ["--likelihood", "bernoulli", "gaussian"]
    assert search.main([*FEW, *choice, "--rungs", "3", "--dry-run"]) == 0
    out = words(capsys.readouterr().out)
    assert "4 settings of vae; varying: learning_rate 0.0001 to 0.01, likelihood of 2" in out
    assert "scored at steps 1, 2, 4 by tiny-own-" in out
    assert "100 samples against tiny validation, measures v2" in out
    assert "8 steps of candidates, where all to the end would be 16; a report of 36 more" in out
    assert re.search("time: about [0-9.]+ (min|h) of training, [0-9.]+ (min|h) of measuring", out)
    assert not Path("results/searches").exists()


def test_a_search_of_one_rung_without_a_report_ranks_its_two_candidates():
    args = [*SMALL, *RATES, "--members", "2", "--steps", "2", "--samples", "100", "--rungs", "1"]
    assert search.main([*args, "--report-seeds", "0", "--out", "small"]) == 0
    winner, other = json.loads(Path("small/lineage.json").read_text())["candidates"]
    assert (winner["fate"], other["fate"]) == ("won", "finished")
    (((step, score),), ((_, higher),)) = winner["scores"], other["scores"]
    assert step == 2 and score < higher
    assert "| won |" in Path("small/README.md").read_text()


@pytest.mark.slow
def test_a_search_leaves_a_page_a_preset_and_pictures_and_does_nothing_twice(
    searched, capsys, monkeypatch
):
    folder, begun, page = searched
    assert "| won |" in begun and "Not made yet" in begun
    assert "by FID + -5 × recall; tiny-own-" in page
    assert all(f" {name} |" in page for name in ("winner", "runner-up", "default"))
    assert "| ema_decay |" in page
    assert "ema_decays" not in (folder / "winner.py").read_text().rpartition('"""')[2]
    rows = json.loads((folder / "lineage.json").read_text())["candidates"]
    assert [row["fate"] for row in rows] == ["won", "finished", "stopped", "stopped"]
    for row in rows:  # what a score is made of
        made = {
            step: measures["fid"] - 5 * measures["recall"] for step, measures in row["measures"]
        }
        assert made == {step: pytest.approx(score) for step, score in row["scores"]}
    for picture in ("scores.png", "options.png"):
        assert (folder / picture).read_bytes().startswith(b"\x89PNG")
    reports = {path.name: runs.load(path) for path in (folder / "report").iterdir()}
    assert reports.keys() == {"winner-1", "runner-up-1", "default-1"}
    assert all(run.options.seed == 1 and not run.options.hold_out for run in reports.values())
    monkeypatch.setattr(score.Scorer, "_compute", None)  # nothing is measured again
    assert search.main(WITH_A_REPORT) == 0
    assert (folder / "README.md").read_text() == page
    assert "look at results/searches/tiny-vae-halving/README.md" in capsys.readouterr().out


@pytest.mark.slow
def test_the_preset_trains(searched, capsys):
    preset = searched.folder / "winner.py"
    assert train.main(["--config", str(preset), "--out", "again"]) == 0
    assert "4 steps done" in capsys.readouterr().out


@pytest.mark.slow
def test_evolution_copies_and_reports_a_schedule(capsys):
    args = [*FEW, "--rule", "evolution", "--rungs", "4", "--report-seeds", "0", "--out", "evolved"]
    assert search.main(args) == 0
    rows = json.loads(Path("evolved/lineage.json").read_text())["candidates"]
    assert any(row["parent"] for row in rows)
    assert "The report" not in Path("evolved/README.md").read_text()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--learning-rate", "1e-3", "--likelihood", "bernoulli"], "there is nothing to search"),
        (["--ema-decay", "0.5", "0.9", "--ema-decays", "0.8"], "give --ema-decay one value beside"),
        (["--learning-rate", "1e-2", "1e-4"], "give the lower end of its range first"),
        (["--learning-rate", "0", "1e-4"], "learning_rate is 0.0, expected a number between"),
        (["--score", "fdi"], "perhaps you meant 'fid'"),
        (["--members", "1"], "members is 1, expected a number between 2 and"),
        (["--devices", "9999"], "devices is 9999, expected at least 1"),
        (
            [
                "--rule",
                "evolution",
                "--learning-rate",
                "1e-3",
                "--likelihood",
                "bernoulli",
                "gaussian",
            ],
            "evolution changes numbers",
        ),
        (["--rule", "halvign"], "perhaps you meant 'halving'"),
        (["--out", "tiny"], "tiny is no search: it has files but no plan.json"),
    ],
)
def test_requests_that_cannot_be_carried_out_say_why(args, message):
    with pytest.raises(ConfigError) as error:
        search.main(completed(args, [*FEW, "--rungs", "2"]))
    assert message in str(error.value)


def test_hold_out_is_no_option(capsys):
    with pytest.raises(SystemExit):
        search.main([*FEW, "--no-hold-out"])
    assert "--no-hold-out" in capsys.readouterr().err


def test_its_help_stands_alone(capsys):
    with pytest.raises(SystemExit):
        command.parse("search", search.Options, ["--help"])
    assert "halving" in capsys.readouterr().out
