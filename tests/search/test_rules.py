"""What happens after a rung, where candidates come from, what scores are, what is left behind."""

import ast
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
from rigged import GIVEN, search
from trainings import make_recipe

from gen_models.evaluation.measure import Estimate
from gen_models.fields import ConfigError
from gen_models.runs import Recipe
from gen_models.runs import recipe as recipes
from gen_models.schedules import Schedule
from gen_models.search import candidates, outcome, rules, score
from gen_models.search.rules import RULES, Candidate, Rung
from gen_models.search.score import Scorer, ScoreTerm
from gen_models.sweep.space import Space

SPACE = Space({"learning_rate": (1e-4, 1e-2), "beta": (0.5, 2.0)}, {})


def rng():
    return np.random.Generator(np.random.Philox(0))


def rung_of(scores, rule="halving", step=2, rungs=(2, 4, 6)):
    drawn = [
        Candidate(str(i), make_recipe(model="vae", beta=1 + i / 100)) for i in range(len(scores))
    ]
    drawn = RULES[rule].begin(drawn, rungs, SPACE)
    return Rung(step, tuple(drawn), {str(i): x for i, x in enumerate(scores)})


def test_rungs_of_halving_double_and_those_of_evolution_are_even():
    assert rules.doubling_steps(5000, 5) == [313, 625, 1250, 2500, 5000]
    assert rules.even_steps(5000, 4) == [1250, 2500, 3750, 5000]
    assert rules.doubling_steps(3, 5) == [1, 2, 3]


def test_the_better_half_goes_on_and_of_three_two():
    names = lambda candidates: [candidate.name for candidate in candidates]
    assert names(rules.better_half(rung_of([3, 1, math.inf, 2]), SPACE, rng())) == ["1", "3"]
    assert names(rules.better_half(rung_of([3, 1, 2]), SPACE, rng())) == ["1", "2"]
    assert names(rules.better_half(rung_of([5]), SPACE, rng())) == ["0"]


def test_the_worst_quarter_becomes_copies_of_the_best():
    rung = rung_of([5, 1, 7, 2, 6, 4, 3, math.inf], "evolution")
    following = rules.exploit(rung, SPACE, rng())
    names = [candidate.name for candidate in following]
    assert names == ["0", "1", "2@2", "3", "4", "5", "6", "7@2"]
    assert {following[2].parent, following[7].parent} <= {"1", "3"}
    for copy in (following[2], following[7]):
        parent = next(candidate for candidate in rung.candidates if candidate.name == copy.parent)
        for name in SPACE.ranges:
            was, now = (getattr(candidate.recipe.config, name) for candidate in (parent, copy))
            assert now.steps == was.steps == (0, 2, 4)
            assert now.values[0] == was.values[0]
            assert now.values[1] == now.values[2] != was.values[1]


def test_where_all_diverged_nobody_is_copied():
    rung = rung_of([math.inf] * 4, "evolution")
    assert rules.exploit(rung, SPACE, rng()) == list(rung.candidates)


def test_perturbed_numbers_stay_in_their_range():
    draws = rng()
    values = {"learning_rate": 9.9e-3, "beta": 0.51}
    for _ in range(200):
        values = SPACE.perturb(draws, values)
        assert all(low <= values[name] <= high for name, (low, high) in SPACE.ranges.items())


def test_a_schedule_that_never_changed_is_a_number_again():
    whole = make_recipe(model="vae", beta=Schedule((0, 2, 4), (1.0, 1.0, 1.0)))
    assert rules.with_short_schedules(whole, SPACE).config.beta == 1.0
    changed = make_recipe(model="vae", beta=Schedule((0, 2, 4, 6), (1.0, 1.0, 0.5, 0.5)))
    assert rules.with_short_schedules(changed, SPACE).config.beta == Schedule((0, 4), (1.0, 0.5))


# --- candidates


def test_two_numbers_are_a_range_and_other_values_are_choices():
    given = {
        "learning_rate": (1e-4, 1e-2),
        "width": (4, 8),
        "beta": (0.5, 1.0, 2.0),
        "arch": ("patch",),
    }
    space = candidates.space("vae", given)
    assert space.ranges == {"learning_rate": (1e-4, 1e-2)}
    assert space.choices == {"width": (4, 8), "beta": (0.5, 1.0, 2.0)}


def test_candidates_are_different_settings_of_one_seed():
    base = make_recipe(model="vae", seed=7)
    space = candidates.space("vae", GIVEN)
    drawn = candidates.draw(base, GIVEN, space, 20)
    assert len({repr(candidate.recipe) for candidate in drawn}) == 20
    assert {candidate.recipe.options.seed for candidate in drawn} == {7}
    assert [candidate.name for candidate in drawn][:2] == ["00", "01"]
    rates = [candidate.recipe.config.learning_rate for candidate in drawn]
    assert all(1e-4 <= rate <= 1e-2 for rate in rates)
    assert np.median(rates) < 4e-3  # by the logarithm, not around the middle of the range


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"beta": (1.0,)}, "there is nothing to search"),
        ({"learning_rate": (1e-2, 1e-4)}, "give the lower end of its range first"),
        ({"width": ()}, "--width has no value"),
    ],
)
def test_what_spans_nothing_is_refused(given, message):
    with pytest.raises(ConfigError, match=message):
        candidates.space("vae", given)


def test_more_candidates_than_settings_are_refused():
    given = {"width": (4, 8)}
    with pytest.raises(ConfigError, match="have 2 settings, asked for 3 candidates"):
        candidates.draw(make_recipe(model="vae"), given, candidates.space("vae", given), 3)


# --- scores


def test_a_score_is_a_weighted_sum_in_which_higher_is_better_counts_negatively():
    scorer = Scorer(None, score.terms(["fid", "recall:5", "precision:2"]), 100)
    scorer.__dict__["real"] = {"precision": 0.9}
    measures = {"fid": 3.0, "recall": 0.5, "precision": 0.95}
    assert scorer.score(measures) == pytest.approx(3 - 5 * 0.5 + 2 * 0.05)
    assert scorer.score(measures | {"fid": math.nan}) == math.inf


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["fdi"], "no such measure: perhaps you meant 'fid'"),
        (["fd_infinity"], "no such measure"),
        (["label_accuracy"], "no such measure"),
        (["fid:x"], "expected NAME or NAME:WEIGHT"),
        (["fid:nan"], "expected a finite weight"),
        (["fid", "fid:2"], "expected one or more different measures"),
        ([], "expected one or more different measures"),
    ],
)
def test_a_score_that_cannot_be_is_refused(texts, message):
    with pytest.raises(ConfigError, match=message):
        score.terms(texts)


def test_a_measure_that_so_few_images_cannot_have_is_an_error_and_no_endless_wait(monkeypatch):
    monkeypatch.setattr(score, "FIDS", {})
    monkeypatch.setattr(score.assessment, "describe_run", lambda *_: None)
    monkeypatch.setattr(score.measure, "measure", lambda *_: {"kid": Estimate(1.0, None)})
    scorer = Scorer(SimpleNamespace(reference=None), score.terms(["kid", "precision"]), 100)
    with pytest.raises(ConfigError, match="too few images for precision; choose other measures"):
        scorer._compute(None, None)


def test_known_measures_are_those_of_the_protocol(tmp_path, monkeypatch):
    monkeypatch.setattr(Scorer, "protocol", "a")
    scorer = Scorer(None, (ScoreTerm("fid", 1.0),), 100)
    assert scorer.read(tmp_path, 3) is None
    record = '{"protocol": "a", "averages": [{"ema_decay": null, "measures": {"fid": %s}}]}'
    scorer.path(tmp_path, 3).write_text(record % 2)
    assert scorer.read(tmp_path, 3) == {None: {"fid": 2.0}}
    scorer.path(tmp_path, 3).write_text(record % "null")
    assert scorer.read(tmp_path, 3) == {None: {"fid": math.inf}}
    scorer.path(tmp_path, 3).write_text('{"protocol": "a", "measures": {"fid": 2}}')  # an older one
    assert scorer.read(tmp_path, 3) == {None: {"fid": 2.0}}
    other = (record % 2).replace('"a"', '"b"')
    for damaged in (other, "{", '{"protocol": "a"}', "[]", record % "NaN"):
        scorer.path(tmp_path, 3).write_text(damaged)
        assert scorer.read(tmp_path, 3) is None


# --- the outcome


@pytest.fixture
def rungs():
    """Two rungs of an evolution, in the second of which a copy of 1 stands in the place of 3."""
    first = rung_of([2.0, 1.0, 3.0, 4.0], "evolution", rungs=(2, 4))
    second = rules.exploit(first, SPACE, rng())
    names = [candidate.name for candidate in second]
    scores = dict(zip(names, [2.0, 0.9, math.inf, 0.5], strict=True))
    return [first, Rung(4, tuple(second), scores)]


def test_fates_and_histories_follow_the_lineage(rungs):
    assert outcome.fates(rungs) == {
        "3@2": "won",
        "1": "finished",
        "0": "finished",
        "2": "diverged",
        "3": "stopped",
    }
    assert outcome.history(rungs, "3@2") == [(2, 1.0), (4, 0.5)]
    assert outcome.history(rungs, "3") == [(2, 4.0)]
    assert outcome.steps_trained(rungs) == 4 * 4


def test_the_winners_preset_is_the_winner(rungs, tmp_path):
    winner = rungs[-1].ranked[0].recipe.with_options(steps=40, hold_out=True)
    text = outcome.preset(winner, SPACE, "winner.py", "search")
    path = tmp_path / "winner.py"
    path.write_text(text)
    assert ast.parse(text)
    preset = Recipe.from_flat(recipes.read(path))
    assert preset.config == rules.with_short_schedules(winner, SPACE).config
    assert preset.options.steps == 40
    assert not preset.options.hold_out


def test_the_command_in_a_preset_can_be_pasted_into_a_shell(rungs):
    words = ["search", *(f"--option-{number} {number}" for number in range(20))]
    text = outcome.preset(rungs[-1].ranked[0].recipe, SPACE, "winner.py", " ".join(words))
    shown = text.split("\n\n")[1]
    assert all(line.endswith(" \\") for line in shown.splitlines()[:-1])
    assert len(shown.splitlines()) > 1
    assert shown.replace("\\\n", "").split() == " ".join(words).split()


def test_a_preset_keeps_the_shape_of_a_schedule_that_did_not_vary(tmp_path):
    fixed = Schedule((0, 40), (0.9, 0.99), "cosine")
    winner = make_recipe(model="vae", beta1=fixed, beta=Schedule((0, 2), (1.0, 0.5)))
    path = tmp_path / "winner.py"
    path.write_text(outcome.preset(winner, SPACE, "winner.py", "search"))
    preset = Recipe.from_flat(recipes.read(path)).config
    assert (preset.beta1, preset.beta) == (fixed, Schedule((0, 2), (1.0, 0.5)))


def test_page_lineage_and_pictures_have_every_candidate(rungs):
    page = outcome.page("search", "here", "FID", rungs, SPACE, "| winner |")
    assert all(f"| `{name}` |" in page for name in ("0", "1", "2", "3", "3@2"))
    assert "| winner |" in page
    lineage = json.loads(outcome.lineage(rungs, SPACE, {"3@2": {4: {"fid": 0.5}}}))
    rows = {row["name"]: row for row in lineage["candidates"]}
    assert (rows["3@2"]["parent"], rows["3@2"]["measures"]) == ("1", [[4, {"fid": 0.5}]])
    assert rows["1"]["measures"] == []
    for picture in (outcome.score_chart(rungs), outcome.options_chart(rungs, SPACE)):
        assert picture.width > 300


def test_the_plan_counts_its_steps(tmp_path, tiny):
    assert search(tmp_path, tiny, "halving").steps == 20
    assert search(tmp_path, tiny, "evolution").steps == 64


def test_a_default_is_trained_as_the_winner_is():
    winner = make_recipe(model="vae", steps=77, batch_size=8, beta=0.5)
    default = outcome.default_of(winner)
    assert (default.options.steps, default.options.batch_size) == (77, 8)
    assert default.config == Recipe.from_flat({"model": "vae"}).config
