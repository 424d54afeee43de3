"""A search finds what it is to find, goes on where it was stopped, on any number of devices."""

import itertools
import json
import os
import sys

import numpy as np
import pytest
from populations import hasten, state_of
from rigged import BEST_DECAY, Rigged, conduct, decisions, distance, search
from trainings import ROOT, execute

from gen_models import runs
from gen_models.fields import ConfigError
from gen_models.schedules import Schedule
from gen_models.search import execution
from gen_models.search.rules import RULES, with_short_schedules
from gen_models.training import fit, together


@pytest.fixture(autouse=True, scope="module")
def quick():
    with pytest.MonkeyPatch.context() as patch:
        hasten(patch)
        patch.setattr(fit.Recorder, "draw", lambda *_: None)  # grids take longer than steps
        yield


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, tiny):
    """Each rule's search, and its rungs."""
    searches = {}
    for rule in RULES:
        work = search(tmp_path_factory.mktemp("undisturbed") / rule, tiny, rule)
        searches[rule] = work, conduct(work)
    return searches


def best(rung):
    return rung.scores[rung.ranked[0].name]


def test_halving_ends_with_the_best_setting_for_a_third_of_the_steps(undisturbed):
    work, rungs = undisturbed["halving"]
    assert [(rung.step, len(rung.candidates)) for rung in rungs] == [(1, 8), (2, 4), (4, 2), (8, 1)]
    everyone = [distance(candidate.recipe.config.learning_rate) for candidate in work.candidates]
    assert best(rungs[-1]) == pytest.approx(min(everyone), abs=1e-3)
    assert work.counts == [8, 4, 2, 1]
    assert work.steps == 8 + 4 + 2 * 2 + 4
    assert work.steps < 8 * 8 / 3


def test_candidates_that_were_stopped_did_no_more_steps(undisturbed):
    work, rungs = undisturbed["halving"]
    for rung, following in itertools.pairwise(rungs):
        for name in rung.scores.keys() - following.scores.keys():
            assert runs.load(work.out / execution.CANDIDATES / name).step == rung.step


def test_evolution_comes_closer_to_the_best_setting(undisturbed):
    _, rungs = undisturbed["evolution"]
    assert [len(rung.candidates) for rung in rungs] == [8] * 4
    means = [np.mean(list(rung.scores.values())) for rung in rungs]
    assert means[-1] < 0.8 * means[0]
    assert best(rungs[-1]) <= best(rungs[0])


def test_a_copy_has_its_parents_state_metrics_and_past(undisturbed):
    work, rungs = undisturbed["evolution"]
    copies = [candidate for rung in rungs for candidate in rung.candidates if candidate.parent]
    assert copies
    for copy in copies:
        parent = runs.load(work.out / execution.CANDIDATES / copy.parent)
        born = int(copy.name.partition("@")[2])
        assert copy.recipe.options.seed == parent.options.seed
        mine = runs.load(work.folder(copy)).metrics()["loss"]
        assert mine[:born] == parent.metrics()["loss"][:born]
        for name in work.space.ranges:
            now, then = (getattr(run.config, name) for run in (copy.recipe, parent.recipe))
            before = [i for i, step in enumerate(now.steps) if step < born]
            assert [now.values[i] for i in before] == [then.values[i] for i in before]
        assert copy.recipe.config != parent.recipe.config


def test_a_copy_that_nothing_was_changed_in_goes_on_as_its_source(undisturbed, tmp_path, tiny):
    _, rungs = undisturbed["evolution"]
    source = rungs[0].candidates[0]
    recipe = source.recipe.with_options(steps=4, out=tmp_path / "source")

    def train(members):
        devices = execution.jax.local_devices()[:1]
        args = (tiny, devices, lambda: False, lambda _: None, print)
        assert together.train(members, *args, summarise=False)

    train({tmp_path / "source": recipe})
    execution.copy_run(tmp_path / "source", tmp_path / "copy", recipe)
    longer = {tmp_path / name: recipe.with_options(steps=8) for name in ("source", "copy")}
    train(longer)
    mine, theirs = (state_of(folder) for folder in longer)
    assert mine.keys() == theirs.keys()
    for name in mine:
        np.testing.assert_array_equal(mine[name], theirs[name])


def test_the_preset_of_what_a_copy_lived_through_alone_gives_its_bytes(undisturbed, tmp_path, tiny):
    work, rungs = undisturbed["evolution"]
    copy = next(candidate for candidate in rungs[-1].candidates if candidate.parent)
    recipe = with_short_schedules(copy.recipe, work.space)
    assert any(isinstance(getattr(recipe.config, name), Schedule) for name in work.space.ranges)
    args = (tiny, execution.jax.local_devices()[:1], lambda: False, lambda _: None, print)
    together.train({tmp_path / "alone": recipe}, *args, summarise=False)
    mine, theirs = state_of(tmp_path / "alone"), state_of(work.folder(copy))
    for name in mine:
        np.testing.assert_array_equal(mine[name], theirs[name])


@pytest.mark.parametrize("rule", RULES)
def test_of_several_averages_each_candidate_has_the_best(tmp_path, tiny, rule):
    """The winner with that average alone is the run that its preset trains."""
    options = {"ema_decay": 0.5, "ema_decays": (0.99, BEST_DECAY)}
    work = search(tmp_path / rule, tiny, rule, members=4, steps=4, rungs=2, **options)
    rungs = conduct(work)
    kept = work.keep_best_averages(rungs)
    for rung in kept:
        configs = [candidate.recipe.config for candidate in rung.candidates]
        assert {(config.ema_decay, config.ema_decays) for config in configs} == {(BEST_DECAY, ())}
    assert work.searched_space.choices["ema_decay"] == (0.5, 0.99, BEST_DECAY)
    winner = kept[-1].ranked[0]
    recipe = with_short_schedules(winner.recipe, work.searched_space)
    args = (tiny, execution.jax.local_devices()[:1], lambda: False, lambda _: None, print)
    together.train({tmp_path / "alone": recipe}, *args, summarise=False)
    mine, theirs = state_of(tmp_path / "alone"), state_of(work.folder(winner))
    averages = [name for name in mine if name.startswith("ema")]
    assert averages
    for name in averages:
        np.testing.assert_array_equal(mine[name], theirs[name.replace("ema", "averages/1", 1)])


class StoppedError(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("where", ["training", "scoring", "copying"])
def test_a_search_that_was_killed_decides_what_an_undisturbed_one_does(
    undisturbed, tmp_path, tiny, monkeypatch, rule, where
):
    if (rule, where) == ("halving", "copying"):
        pytest.skip("it copies nothing")
    work, left = search(tmp_path / "killed", tiny, rule), [3]

    def dying(function):
        def run(*args, **named):
            left[0] -= 1
            if left[0] == 0:
                raise StoppedError
            return function(*args, **named)

        return run

    owner, name = {
        "training": (together, "train"),
        "scoring": (Rigged, "_compute"),
        "copying": (execution.run_folder, "change_recipe"),
    }[where]
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, dying(getattr(owner, name)))
        with pytest.raises(StoppedError):
            conduct(work)
    assert decisions(conduct(work)) == decisions(undisturbed[rule][1])
    for candidate in work.candidates:
        mine = state_of(work.folder(candidate))
        for name, array in state_of(undisturbed[rule][0].folder(candidate)).items():
            np.testing.assert_array_equal(mine[name], array)


def test_a_search_that_is_asked_to_stop_saves_and_goes_on(undisturbed, tmp_path, tiny):
    work, asked = search(tmp_path / "stopped", tiny, "halving"), [0]

    def should_stop():
        asked[0] += 1
        return asked[0] > 12

    assert len(conduct(work, should_stop)) < 4
    assert decisions(conduct(work)) == decisions(undisturbed["halving"][1])


@pytest.mark.slow
@pytest.mark.parametrize("devices", ["2", "4"])
def test_several_devices_decide_what_one_does(undisturbed, tmp_path, monkeypatch, devices):
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", devices)
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{ROOT / 'tests'}")
    program = ROOT / "tests" / "search" / "rigged.py"
    code, out, err = execute([sys.executable, str(program), str(tmp_path), devices])
    assert code == 0, err
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("[")]
    assert [rule for rule, _ in lines] == [*RULES]
    for rule, decided in lines:
        assert decided == json.loads(json.dumps(decisions(undisturbed[rule][1])))


def test_one_that_diverges_later_changes_no_earlier_rung(tmp_path, tiny):
    work = search(tmp_path / "later", tiny, "halving")
    rungs = conduct(work)
    last = work.folder(rungs[-1].candidates[0])
    runs.load(last).mark_diverged(6)
    again = conduct(work)
    assert decisions(again)[:3] == decisions(rungs)[:3]
    assert again[-1].scores == {last.name: float("inf")}


def test_candidates_that_diverge_are_losers_not_ends(tmp_path, tiny, monkeypatch):
    monkeypatch.setattr(
        runs.Run, "diverged_at", property(lambda run: 0 if run.folder.name == "0" else None)
    )
    work = search(tmp_path / "diverged", tiny, "halving")
    rungs = conduct(work)
    assert rungs[0].scores["0"] == float("inf")
    assert "0" not in rungs[1].scores
    assert len(rungs) == 4


def test_another_search_in_the_folder_is_refused(undisturbed, tiny):
    work, _ = undisturbed["halving"]
    with pytest.raises(
        ConfigError, match="is a search with rule 'halving', not 'evolution'; choose"
    ):
        search(work.out, tiny, "evolution").prepare()
    with pytest.raises(ConfigError, match="is a search with other candidates; choose another"):
        search(work.out, tiny, "halving", members=9).prepare()
    with pytest.raises(ConfigError, match="is no search: it has files"):
        search(work.out / execution.CANDIDATES, tiny, "halving").prepare()
