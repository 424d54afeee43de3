"""Members trained together that are stopped, killed or damaged go on as if nothing had been."""

from pathlib import Path

import pytest
from populations import (
    DONE,
    STEPS,
    VECTORISED,
    KilledError,
    choose,
    killed_at,
    made,
    make_members,
    saved,
    stand_in_for_curves,
    sweep,
    sweep_killed_at,
)
from trainings import half_written, products

from gen_models import render, runs
from gen_models.runs import checkpoint
from gen_models.runs.checkpoint import CheckpointError
from gen_models.training import population
from gen_models.training.population import Ending

pytestmark = pytest.mark.usefixtures("quick_populations", "one_step_a_dispatch")


@pytest.fixture(scope="module")
def whole(tmp_path_factory, tiny):
    """The folder of a sweep of three that nothing disturbed, in dispatches as long as they come."""
    folder = tmp_path_factory.mktemp("whole") / "sweep"
    assert sweep(folder, tiny, make_members()) == [DONE] * 3
    return folder


@pytest.fixture(params=VECTORISED)
def either_way(request, monkeypatch):
    """The test is done twice."""
    choose(monkeypatch, request.param)


@pytest.mark.parametrize("stops", [[1], [3, 4, 13], [STEPS]])
def test_resumed_equals_uninterrupted(tmp_path, tiny, whole, stops):
    for stop in stops:
        ends = sweep(tmp_path / "sweep", tiny, make_members(), stop_at=stop)
        assert ends == [Ending(stop, False)] * 3
        assert [steps[-1] for steps in saved(tmp_path / "sweep")] == [stop] * 3
    assert sweep(tmp_path / "sweep", tiny, make_members()) == [DONE] * 3
    assert made(tmp_path / "sweep") == made(whole)
    assert half_written(tmp_path) == []


@pytest.mark.usefixtures("either_way")
def test_resumed_equals_uninterrupted_either_way(tmp_path, tiny):
    sweep(tmp_path / "whole", tiny, make_members())
    for stop in (6, 10**9):
        sweep(tmp_path / "parts", tiny, make_members(), stop_at=stop)
    assert made(tmp_path / "parts") == made(tmp_path / "whole")


def test_steps_may_be_added_later(tmp_path, tiny, whole):
    sweep(tmp_path / "sweep", tiny, make_members(steps=13))
    assert sweep(tmp_path / "sweep", tiny, make_members()) == [DONE] * 3
    assert made(tmp_path / "sweep") == made(whole)


def test_trained_is_told_each_step_reached_and_how_many_were_done(tmp_path, tiny):
    told = []
    for stop in (4, 10**9):
        sweep(tmp_path, tiny, make_members(), 1, stop, lambda *both: told.append(both))
    first, second = range(1, 5), range(5, STEPS + 1)
    assert told == [(0, 0), *((step, 3) for step in first), (4, 0), *((step, 3) for step in second)]


def test_a_finished_sweep_is_left_as_it_is(tmp_path, tiny, whole, monkeypatch):
    sweep(tmp_path / "sweep", tiny, make_members())
    monkeypatch.setattr(population.Wave, "advance", None)  # which nobody calls
    assert sweep(tmp_path / "sweep", tiny, make_members()) == [DONE] * 3
    assert made(tmp_path / "sweep") == made(whole)


def test_after_a_kill_those_behind_catch_up_first(tmp_path, tiny, whole):
    folder, told = tmp_path / "sweep", []
    sweep_killed_at(17, folder, tiny, make_members())
    assert saved(folder) == [[10, 15]] * 3
    checkpoint.file_of(folder / "1" / runs.CHECKPOINTS, 15).unlink()
    with (folder / "2" / runs.METRICS).open("a") as file:
        file.write('{"step": 18, "lo')
    ends = sweep(folder, tiny, make_members(), trained=lambda *both: told.append(both))
    assert ends == [DONE] * 3
    assert (told[:2], told[-1]) == ([(10, 0), (11, 1)], (STEPS, 3))
    assert sum(done for _, done in told) == 5 + 3 * 5
    assert made(folder) == made(whole)


def test_seeds_may_be_added_later(tmp_path, tiny, whole):
    done = []
    sweep(tmp_path / "sweep", tiny, make_members(2))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    sweep(tmp_path / "sweep", tiny, make_members(3), trained=lambda _, count: done.append(count))
    assert sum(done) == STEPS
    assert all(path.stat().st_mtime_ns == at for path, at in before.items())
    assert made(tmp_path / "sweep") == made(whole)


def test_a_kill_before_any_checkpoint_begins_again(tmp_path, tiny, whole):
    sweep_killed_at(3, tmp_path / "sweep", tiny, make_members())
    assert sweep(tmp_path / "sweep", tiny, make_members()) == [DONE] * 3
    assert made(tmp_path / "sweep") == made(whole)


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def test_a_damaged_checkpoint_is_reported_and_the_one_before_used(tmp_path, tiny, whole):
    folder, told, reports = tmp_path / "sweep", [], []
    sweep_killed_at(17, folder, tiny, make_members())
    damage(checkpoint.file_of(folder / "1" / runs.CHECKPOINTS, 15))
    watch = lambda *both: told.append(both)
    assert sweep(folder, tiny, make_members(), trained=watch, report=reports.append) == [DONE] * 3
    (report,) = reports
    assert "1/checkpoints/step_00000015.safetensors is damaged" in report
    assert told[:2] == [(10, 0), (11, 1)]
    assert made(folder) == made(whole)


def test_a_damaged_end_is_trained_again(tmp_path, tiny, whole):
    folder, reports = tmp_path / "sweep", []
    sweep(folder, tiny, make_members())
    damage(checkpoint.file_of(folder / "2" / runs.CHECKPOINTS, STEPS))
    assert sweep(folder, tiny, make_members(), report=reports.append) == [DONE] * 3
    assert len(reports) == 1
    assert made(folder) == made(whole)


def test_no_whole_checkpoint_of_a_member_is_an_error_that_destroys_nothing(tmp_path, tiny, whole):
    folder = tmp_path / "sweep"
    sweep_killed_at(17, folder, tiny, make_members())
    files = [checkpoint.file_of(folder / "1" / runs.CHECKPOINTS, step) for step in (10, 15)]
    for file in files:
        damage(file)
    with pytest.raises(CheckpointError, match=r"every checkpoint in .*1/checkpoints is damaged"):
        sweep(folder, tiny, make_members())
    assert saved(folder) == [[10, 15]] * 3
    for file in files:
        file.unlink()
    assert sweep(folder, tiny, make_members()) == [DONE] * 3
    assert made(folder) == made(whole)


def test_a_kill_while_seeds_are_added_leaves_finished_members_whole(tmp_path, tiny):
    first = make_members(2)
    sweep(tmp_path, tiny, first)
    before = made(tmp_path)
    sweep_killed_at(3, tmp_path, tiny, make_members(3))
    assert sweep(tmp_path, tiny, first) == [DONE] * 2
    assert [products(tmp_path / member) for member in "01"] == before


@pytest.fixture
def drawn(monkeypatch):
    """The names of the members whose curves are drawn."""
    return stand_in_for_curves(monkeypatch)


@pytest.mark.parametrize("part", ["save_gif", "curves"])
def test_a_kill_while_the_end_is_summarised_leaves_nobody_without(tmp_path, tiny, drawn, part):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(render, part, lambda *_: killed_at(0)(0, 0))
        sweep(tmp_path, tiny, make_members())
    assert sweep(tmp_path, tiny, make_members()) == [DONE] * 3
    assert drawn == ["0", "1", "2"]
    assert all((tmp_path / member / "animation.gif").exists() for member in "012")
