"""What the scoreboard takes from runs that were trained and evaluated."""

from pathlib import Path

import pytest
from evaluations import evaluated
from PIL import Image

from experiments import scoreboard
from gen_models import assessment, runs
from gen_models.evaluation import record
from gen_models.runs import environment
from gen_models.scoreboard import agenda, results
from gen_models.scoreboard.results import Cell

pytestmark = pytest.mark.usefixtures("place")


def test_the_scoreboard_takes_only_evaluations_of_its_own_protocol_and_of_the_last_state(
    monkeypatch,
):
    evaluated("cgan-0", "--cas")
    folder, cell = Path("cgan-0"), Cell("tiny", "cgan", 0, 4)
    assert not agenda.is_evaluated(cell, folder, cas=True)
    fewer = assessment.protocol("tiny", assessment.EvaluationExtent(samples=40))
    monkeypatch.setattr(agenda, "protocol", lambda _: fewer)
    assert agenda.is_evaluated(cell, folder, cas=True)
    assert not agenda.is_evaluated(cell._replace(steps=5), folder, cas=False)
    assert not agenda.is_evaluated(cell, Path("nowhere"), cas=False)


def test_the_scoreboard_takes_from_a_run_its_options_numbers_machine_and_samples():
    evaluated("cgan-0", "--cas")
    run, cell = runs.load(Path("cgan-0")), Cell("tiny", "cgan", 0, 4)
    run_result = agenda.result_of(run)
    assert run_result.options == run.recipe.identity
    assert run_result.fid == record.read(Path("cgan-0/evaluation.json")).measures["fid"].value
    assert run_result.seconds > 0
    assert run_result.machine in environment.machine_and_code(run.sessions()[-1])
    results.write(Path("scoreboard.json"), {cell: run_result})
    assert results.read(Path("scoreboard.json")) == {cell: run_result}
    scoreboard.draw(run, cell, scoreboard.Options(results=Path()))
    with Image.open("scoreboard/tiny-cgan.png") as picture:
        assert picture.height == 3 * (2 * 8 + 2) + 2  # a class a row, each pixel two by two
