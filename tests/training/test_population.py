"""Members trained together are the runs that they would be alone, on any number of devices."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from populations import (
    VECTORISED,
    assert_close,
    choose,
    hasten,
    make_members,
    recorders_of,
    state_of,
    sweep,
    train_on_several_devices,
)
from trainings import assert_same_bits, half_written, products

from gen_models import render, runs
from gen_models.data.stream import indices
from gen_models.errors import UserError
from gen_models.models import MODELS, _gans, vae
from gen_models.runs import checkpoint
from gen_models.runs.checkpoint import CheckpointError
from gen_models.training import fit, population
from gen_models.training.population import Ending

STEPS = 20
DONE = Ending(STEPS, False)


@pytest.fixture(autouse=True, scope="module")
def quick():
    with pytest.MonkeyPatch.context() as patch:
        hasten(patch)
        yield


@pytest.fixture(autouse=True)
def one_step_a_dispatch(monkeypatch):
    """So that a sweep can be stopped at any step. Module fixtures come before it."""
    monkeypatch.setattr(fit, "DISPATCH_S", 1e-9)


class KilledError(Exception):
    """Stands for a kill: nothing is caught or tidied up on its way."""


def killed_at(last):
    def trained(step, done):
        del done
        if step >= last:
            raise KilledError

    return trained


def sweep_killed_at(step, *args):
    with pytest.raises(KilledError):
        sweep(*args, trained=killed_at(step))


def made(folder: Path) -> list[dict[str, bytes]]:
    """The products of every member of a sweep."""
    return [products(path) for path in sorted(folder.iterdir())]


def saved(folder: Path) -> list[list[int]]:
    """The steps of the checkpoints of every member of a sweep."""
    return [checkpoint.steps(path / runs.CHECKPOINTS) for path in sorted(folder.iterdir())]


def rows(folder: Path) -> list[dict[str, float]]:
    """The metrics of a run."""
    return [json.loads(line) for line in (folder / runs.METRICS).open()]


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


# --- members and single runs


# A conditional model, one whose state has an extra, one whose prior is fitted.
KINDS = (
    {"model": "cgan"},
    pytest.param({"model": "began"}, marks=pytest.mark.slow),
    pytest.param({"model": "vae", "prior_components": 4}, marks=pytest.mark.slow),
)


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind["model"])
def alone(request, tmp_path_factory, tiny):
    """Options, their single runs, and the first states of these."""
    folder = tmp_path_factory.mktemp("alone")
    with recorders_of(folder, tiny, make_members(**request.param)) as recorders:
        first = [jax.device_get(recorder.restored(print)) for recorder in recorders]
        assert [fit.fit(recorder) for recorder in recorders] == [STEPS] * 3
    return request.param, folder, first


@pytest.fixture(scope="module", params=VECTORISED)
def together(request, alone, tmp_path_factory, tiny):
    """The same runs trained together, and their first states."""
    folder, first = tmp_path_factory.mktemp("together"), []
    with pytest.MonkeyPatch.context() as patch:
        advance = population.Wave.advance

        def spy(wave, members, step, count):
            if step == 0:
                first.extend(wave.gathered(members.state))
            return advance(wave, members, step, count)

        patch.setattr(population.Wave, "advance", spy)
        choose(patch, request.param)
        assert sweep(folder, tiny, make_members(**alone[0])) == [DONE] * 3
    return folder, first


def test_a_member_equals_its_single_run(together, alone):
    steps = 8 if alone[0]["model"] == "began" else None  # its rounding grows beyond comparison
    for member in "012":
        assert_close(together[0] / member, alone[1] / member, steps)
        assert [row["step"] for row in rows(together[0] / member)] == [*range(1, STEPS + 1)]


def test_a_member_starts_bit_for_bit_as_its_single_run(together, alone):
    assert len(together[1]) == 3
    for found, wanted in zip(together[1], alone[2], strict=True):
        assert found.step == 0
        assert_same_bits(found, wanted)


def test_a_member_has_all_that_a_single_run_has(together, alone):
    for member in "012":
        found, wanted = together[0] / member, alone[1] / member
        assert products(found).keys() == products(wanted).keys()
        assert (found / runs.CONFIG).read_bytes() == (wanted / runs.CONFIG).read_bytes()
    assert saved(together[0]) == saved(alone[1]) == [[15, STEPS]] * 3


# --- devices


@pytest.fixture(scope="module")
def on_devices(tmp_path_factory):
    """The folder of sweeps on several devices, by the names in `populations`."""
    root = tmp_path_factory.mktemp("devices")
    train_on_several_devices(root)
    return root


@pytest.mark.slow
@pytest.mark.parametrize("name", ["4 on 4", "3 on 2", "2 on 4"])
def test_the_number_of_devices_changes_no_more_than_rounding(on_devices, name):
    found = sorted((on_devices / "vectorised" / name).iterdir())
    assert len(found) == int(name[0])
    for member in found:
        assert_close(member, on_devices / "vectorised" / "4 on 1" / member.name)


@pytest.mark.slow
def test_as_many_members_on_each_of_several_devices_give_the_same_bits(on_devices):
    """Not so on a single device, whose program is compiled by other rules."""
    folder = on_devices / "vectorised"
    assert made(folder / "2 on 4") == made(folder / "4 on 4")[:2]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["4 on 4", "3 on 2", "moved"])
def test_in_turn_members_have_the_same_bits_wherever_they_are(on_devices, name):
    """Those among them that went on on other devices."""
    found = made(on_devices / "in turn" / name)
    assert found == made(on_devices / "in turn" / "4 on 1")[: len(found)]


# --- divergence

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


# --- interruption


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
    watch = lambda *both: told.append(both)  # noqa: E731
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
    """The names of the members whose curves are drawn, as a stand-in for the curves."""
    names = []

    def curves(metrics, path, name):
        path.write_text(str(len(metrics["step"])))
        names.append(name)

    monkeypatch.setattr(render, "curves", curves)
    return names


@pytest.mark.parametrize("part", ["save_gif", "curves"])
def test_a_kill_while_the_end_is_summarised_leaves_nobody_without(tmp_path, tiny, drawn, part):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(render, part, lambda *_: killed_at(0)(0, 0))
        sweep(tmp_path, tiny, make_members())
    assert sweep(tmp_path, tiny, make_members()) == [DONE] * 3
    assert drawn == ["0", "1", "2"]
    assert all((tmp_path / member / "animation.gif").exists() for member in "012")


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


# --- data


def test_data_that_no_device_could_hold_is_refused(tmp_path, tiny, monkeypatch):
    monkeypatch.setattr(population, "MAX_DATA_BYTES", tiny.train.images.nbytes - 1)
    with pytest.raises(UserError, match=r"tiny has .* GiB of images.*train the runs singly"):
        sweep(tmp_path, tiny, make_members())
    assert saved(tmp_path) == [[]] * 3


def test_what_is_done_in_some_steps_is_done_in_no_others_however_many_members(
    tmp_path, tiny, monkeypatch
):
    """Under vmap a condition of each member's own would be computed both ways in every step."""
    done = []

    def counted(weight):
        def penalty(scores, real, fake, key):
            del fake, key
            jax.debug.callback(lambda: done.append(1))
            return weight * jnp.mean(scores(real)) ** 2

        return penalty

    monkeypatch.setattr(_gans.losses, "r1_penalty", counted)
    monkeypatch.setattr(population, "program", partial(population.program, vectorised=True))
    members = make_members(2, model="gan", steps=6)
    assert sweep(tmp_path, tiny, members) == [Ending(6, False)] * 2
    jax.effects_barrier()
    assert len(done) == 2  # after steps 0 and 4, for all members at once
