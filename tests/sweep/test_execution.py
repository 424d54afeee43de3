"""What a plan says is what is done, and what was done is recorded."""

from types import SimpleNamespace

import pytest
from populations import hasten, make_members

from gen_models import runs
from gen_models.runs import Recipe
from gen_models.sweep import plan
from gen_models.sweep.execution import Sweep
from gen_models.sweep.plan import Plan
from gen_models.training import population, together

STEPS = 4
WAVE_S = 30.0


@pytest.fixture(autouse=True, scope="module")
def quick():
    with pytest.MonkeyPatch.context() as patch:
        hasten(patch)
        yield


def members_of(count: int, steps: int = STEPS) -> tuple[Recipe, ...]:
    (base,) = make_members(1, steps=steps)
    return tuple(plan.product(base, {}, range(count)))


def sweep_of(folder, tiny, members, per_device=16) -> Sweep:
    """On one device, without measures."""
    return Sweep(Plan({}, members, 1, per_device), folder, "", tiny, None)


def train(work: Sweep, should_stop=lambda: False) -> bool:
    return work.train(should_stop, lambda _: None, print)


# --- compilations


@pytest.fixture
def traced(monkeypatch):
    """Grows whenever a program of a population is traced, with the number of its members."""
    members, advance = [], population.advance

    def counting(vectorised, models, states, *others):
        members.append(len(states.alive))
        return advance(vectorised, models, states, *others)

    monkeypatch.setattr(population, "advance", counting)
    population.program.cache_clear()
    yield members
    population.program.cache_clear()


@pytest.mark.parametrize(("count", "per_device"), [(4, 2), (5, 2), (3, 3)])
def test_as_many_programs_are_compiled_as_the_plan_says(
    tmp_path, tiny, traced, monkeypatch, count, per_device
):
    work, compiled = sweep_of(tmp_path, tiny, members_of(count), per_device), []
    train_together = population.fit

    def watch(*args, **named):
        before = len(traced)
        ends = train_together(*args, **named)
        compiled.append(len(traced) > before)
        return ends

    monkeypatch.setattr(population, "fit", watch)
    assert train(work)
    assert len(compiled) == len(work.waves)
    assert sum(compiled) == len(work.plan.compilations)


# --- sessions


@pytest.fixture
def clock(monkeypatch):
    """Every wave takes WAVE_S seconds."""
    now = [0.0]

    def tick():
        now[0] += WAVE_S
        return now[0]

    monkeypatch.setattr(together, "time", SimpleNamespace(perf_counter=tick))


def sessions(work: Sweep) -> list[list[tuple[int, float]]]:
    """Of each member: the step that each session reached, and its seconds."""
    by_member = [runs.load(work.folder(member)).sessions() for member in work.plan.members]
    return [[(s["reached"], s["seconds"]) for s in member] for member in by_member]


@pytest.mark.usefixtures("clock")
def test_a_member_records_its_share_of_the_time_of_its_wave(tmp_path, tiny):
    work = sweep_of(tmp_path, tiny, members_of(5), per_device=3)
    assert train(work)
    assert [len(wave) for wave in work.waves] == [2, 3]
    assert sessions(work) == [[(STEPS, WAVE_S / 2)]] * 2 + [[(STEPS, WAVE_S / 3)]] * 3


@pytest.mark.usefixtures("clock")
def test_a_member_that_was_trained_before_has_no_share(tmp_path, tiny):
    train(sweep_of(tmp_path, tiny, members_of(2)))
    work = sweep_of(tmp_path, tiny, members_of(4))
    assert train(work)
    assert sessions(work) == [[(STEPS, WAVE_S / 2), (STEPS, 0.0)]] * 2 + [[(STEPS, WAVE_S / 2)]] * 2
    assert runs.load(work.folder(work.plan.members[0])).seconds == WAVE_S / 2


def test_a_sweep_that_goes_on_with_other_flags_says_so_once(tmp_path, tiny, monkeypatch):
    train(sweep_of(tmp_path, tiny, members_of(2)))
    monkeypatch.setenv("XLA_FLAGS", "--other")
    said = []
    assert sweep_of(tmp_path, tiny, members_of(3)).train(lambda: False, lambda _: None, said.append)
    assert said == ["the last bits of the results may differ: xla_flags:  then, --other now"]


@pytest.mark.usefixtures("clock")
def test_a_member_that_was_stopped_records_where(tmp_path, tiny):
    work, asked = sweep_of(tmp_path, tiny, members_of(2)), []
    assert not train(work, lambda: asked.append(None) or len(asked) > 2)
    ((reached, seconds),) = sessions(work)[0]
    assert 0 < reached < STEPS
    assert seconds == WAVE_S / 2


def test_the_bar_ends_full_where_all_members_diverge(tmp_path, tiny):
    members = tuple(make_members(2, steps=40, learning_rate=1e6))
    work = sweep_of(tmp_path, tiny, members)
    for _ in range(2):  # the second time nothing is left to train
        done = []
        assert work.train(lambda: False, done.append, print)
        assert sum(done) == 2 * 40
    assert all(runs.load(work.folder(member)).diverged_at < 40 for member in members)
