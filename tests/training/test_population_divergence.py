"""Members that diverge beside others: what is left of them, and that nobody else is harmed."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from populations import (
    DONE,
    STEPS,
    VECTORISED,
    assert_close,
    choose,
    made,
    make_members,
    recorders_of,
    saved,
    stand_in_for_curves,
    state_of,
    sweep,
    sweep_killed_at,
)
from trainings import assert_same_bits, products, rows

from gen_models import runs
from gen_models.data.stream import indices
from gen_models.models import MODELS, vae
from gen_models.runs import checkpoint
from gen_models.training import fit
from gen_models.training.population import Ending

pytestmark = pytest.mark.usefixtures("quick_populations", "one_step_a_dispatch")


@pytest.fixture(params=VECTORISED)
def either_way(request, monkeypatch):
    """The test is done twice."""
    choose(monkeypatch, request.param)


# A beta of so much makes NaN: a metric, a parameter, the first step's metric, that of some batches.
METRIC, PARAMETER, FIRST, SOME = 2.0, 3.0, 4.0, 5.0
SUM = 2  # of the labels of those batches
POISONED = 12  # the last step at which all is finite
traced = []


def poisoned(config, spec):
    """The algorithm of `vae`, but for the betas above."""
    if isinstance(config.beta, jax.core.Tracer):
        traced.append(config)
    algorithm = vae.build(config, spec)

    def step(state, batch, key):
        new, metrics = algorithm.step(state, batch, key)
        last = jnp.where(config.beta == FIRST, 0, POISONED)
        due = jnp.where(config.beta == SOME, jnp.sum(batch.labels) == SUM, state.step == last)
        bad = (config.beta >= METRIC) & due
        poison = jnp.where(bad, jnp.nan, 0.0)
        in_parameter = config.beta == PARAMETER
        metrics["kl"] = metrics["kl"] + jnp.where(in_parameter, 0.0, poison)
        addition = jnp.where(in_parameter, poison, 0.0)
        return new._replace(params=jax.tree.map(lambda x: x + addition, new.params)), metrics

    return algorithm._replace(step=step)


@pytest.fixture
def poison(monkeypatch):
    monkeypatch.setitem(MODELS, "vae", SimpleNamespace(Config=vae.Config, build=poisoned))


def with_betas(*betas, **options):
    members = make_members(len(betas), **options)
    return [
        member._replace(config=replace(member.config, beta=beta))
        for member, beta in zip(members, betas, strict=True)
    ]


def finite(folder: Path) -> bool:
    """Whether all that a run has written is."""
    values = [*state_of(folder).values(), *(list(row.values()) for row in rows(folder))]
    return all(np.isfinite(value).all() for value in values)


@pytest.mark.usefixtures("poison", "either_way")
@pytest.mark.parametrize("dispatch_s", [1e-9, 1e3])
def test_a_member_that_diverges_keeps_its_last_finite_state(
    tmp_path, tiny, monkeypatch, dispatch_s
):
    monkeypatch.setattr(fit, "DISPATCH_S", dispatch_s)
    betas = (1.0, METRIC, PARAMETER, 1.0)
    ends = sweep(tmp_path / "sweep", tiny, with_betas(*betas))
    assert ends == [DONE, Ending(POISONED, True), Ending(POISONED, True), DONE]
    ends = sweep(tmp_path / "before", tiny, with_betas(*betas, steps=POISONED))
    assert ends == [Ending(POISONED, False)] * 4
    for member in "12":
        folder, before = tmp_path / "sweep" / member, tmp_path / "before" / member
        assert json.loads((folder / "diverged.json").read_text()) == {"step": POISONED}
        assert [row["step"] for row in rows(folder)] == list(range(1, POISONED + 1))
        assert rows(folder) == rows(before)
        assert_same_bits(state_of(folder, POISONED), state_of(before, POISONED))
        assert finite(folder)
        assert checkpoint.steps(folder / runs.CHECKPOINTS) == [10, POISONED]
        assert [path.name for path in (folder / "grids").iterdir()] == ["step_00000010.png"]
    for member in "03":
        assert not (tmp_path / "sweep" / member / "diverged.json").exists()


@pytest.mark.usefixtures("poison", "either_way")
def test_members_beside_one_that_diverges_keep_every_bit(tmp_path, tiny):
    for name, betas in (("a", (1.0, METRIC, PARAMETER, 1.0)), ("b", (1.0, 1.0, 1.0, 1.0))):
        sweep(tmp_path / name, tiny, with_betas(*betas))
    diverging, sane = made(tmp_path / "a"), made(tmp_path / "b")
    assert [diverging[0], diverging[3]] == [sane[0], sane[3]]


@pytest.mark.usefixtures("poison")
def test_a_member_may_diverge_at_the_first_step(tmp_path, tiny):
    for _ in range(2):  # the second time all that is left has been done
        ends = sweep(tmp_path, tiny, with_betas(FIRST, 1.0, 1.0, 1.0))
        assert ends == [Ending(0, True), DONE, DONE, DONE]
    assert rows(tmp_path / "0") == []
    with recorders_of(tmp_path, tiny, with_betas(FIRST)) as (recorder,):
        assert_same_bits(recorder.restored(print), recorder.fresh())


@pytest.mark.usefixtures("poison", "either_way")
def test_a_member_that_diverged_stays_so_whatever_it_is_given(tmp_path, tiny, monkeypatch):
    monkeypatch.setattr(fit, "DISPATCH_S", 1e3)
    members = with_betas(SOME, 1.0, 1.0, 1.0)
    options = members[0].options
    taken = indices(options.seed, 0, STEPS, options.batch_size, len(tiny.train.labels))
    sums = tiny.train.labels[taken].sum(axis=1)
    first = int(np.argmax(sums == SUM))
    assert (first, sums[first + 1] != SUM) == (5, True)
    assert sweep(tmp_path, tiny, members)[0] == Ending(first, True)
    assert len(rows(tmp_path / "0")) == state_of(tmp_path / "0")["step"] == first


def test_a_learning_rate_that_is_far_too_high_harms_no_other_member(tmp_path, tiny):
    absurd, *others = make_members()
    absurd = absurd._replace(config=replace(absurd.config, learning_rate=1e6))
    (end, *ends) = sweep(tmp_path / "with", tiny, [absurd, *others])
    assert end.diverged
    assert finite(tmp_path / "with" / "0")
    assert len(rows(tmp_path / "with" / "0")) == end.step
    assert ends == sweep(tmp_path / "without", tiny, others) == [DONE] * 2
    for member in (1, 2):
        assert_close(tmp_path / "with" / str(member), tmp_path / "without" / str(member - 1))


@pytest.mark.usefixtures("poison")
def test_a_sweep_of_which_all_have_diverged_is_done(tmp_path, tiny):
    told = []
    for _ in range(2):
        ends = sweep(tmp_path, tiny, with_betas(*[METRIC] * 4), trained=lambda *b: told.append(b))
        assert ends == [Ending(POISONED, True)] * 4
    assert told[-2] == (POISONED + 1, 4)  # and no step after it
    assert len(told) == POISONED + 3
    assert sum(done for _, done in told) == 4 * STEPS  # a bar of them comes to its end
    assert saved(tmp_path) == [[10, POISONED]] * 4


@pytest.mark.usefixtures("poison")
def test_divergence_is_remembered_when_a_sweep_goes_on(tmp_path, tiny):
    members = with_betas(METRIC, 1.0, 1.0, 1.0)
    ends = sweep(tmp_path / "whole", tiny, members)
    assert sweep(tmp_path / "parts", tiny, members, stop_at=15)[0] == Ending(POISONED, True)
    before = products(tmp_path / "parts" / "0")
    assert sweep(tmp_path / "parts", tiny, members) == ends
    assert before.items() <= products(tmp_path / "parts" / "0").items()
    for member in "123":
        assert_close(tmp_path / "parts" / member, tmp_path / "whole" / member)


@pytest.mark.usefixtures("poison")
def test_a_member_that_diverged_before_an_interruption_gets_its_animation(tmp_path, tiny):
    members = with_betas(METRIC, 1.0, 1.0, 1.0)
    sweep(tmp_path, tiny, members, stop_at=15)
    sweep(tmp_path, tiny, members)
    assert (tmp_path / "0" / "animation.gif").exists()


@pytest.mark.usefixtures("poison")
def test_a_kill_before_the_divergence_is_marked_changes_nothing(tmp_path, tiny):
    members = with_betas(1.0, METRIC, PARAMETER, 1.0)
    sweep(tmp_path / "whole", tiny, members)
    sweep_killed_at(POISONED + 1, tmp_path / "parts", tiny, members)
    (tmp_path / "parts" / "1" / "diverged.json").unlink()
    (tmp_path / "parts" / "2" / "diverged.json").unlink()
    sweep(tmp_path / "parts", tiny, members)
    assert made(tmp_path / "parts") == made(tmp_path / "whole")


@pytest.mark.usefixtures("poison")
def test_other_values_of_real_options_compile_nothing_anew(tmp_path, tiny):
    sweep(tmp_path / "a", tiny, with_betas(1.0, 1.0, 1.0, 1.0))
    count = len(traced)
    sweep(tmp_path / "b", tiny, with_betas(0.1, 0.2, METRIC, 0.5, ema_decay=0.9))
    assert len(traced) == count > 0


@pytest.fixture
def drawn(monkeypatch):
    """The names of the members whose curves are drawn."""
    return stand_in_for_curves(monkeypatch)


@pytest.mark.usefixtures("poison")
@pytest.mark.parametrize("sample_every_steps", [10, 10**6])
def test_members_are_summarised_once_and_again_when_they_were_trained_on(
    tmp_path, tiny, drawn, sample_every_steps
):
    calls = (STEPS, ["0", "1"]), (STEPS, []), (STEPS + 5, ["0"]), (STEPS + 5, [])
    for steps, names in calls:
        drawn.clear()
        options = {"steps": steps, "sample_every_steps": sample_every_steps}
        sweep(tmp_path, tiny, with_betas(1.0, METRIC, **options))
        assert drawn == names
        assert (tmp_path / "0" / "curves.png").read_text() == str(steps)
