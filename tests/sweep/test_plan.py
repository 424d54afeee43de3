"""What a sweep will do is decided, and refused, before anything is compiled."""

import itertools
import math
import re
from pathlib import Path

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trainings import make_recipe

from gen_models import programs
from gen_models.algorithm import Spec
from gen_models.fields import ConfigError
from gen_models.model import Model
from gen_models.models import MODELS
from gen_models.sweep import plan
from gen_models.sweep.plan import Plan

AXES = {"learning_rate": (1e-4, 3e-4), "width": (4, 8)}
SPEC = Spec(8, 8, 3)
FASHION = Spec(28, 28, 10)
A_HUNDRED = tuple(plan.product(make_recipe(), {}, range(100)))


def planned(axes=AXES, seeds=range(1), devices=1, per_device=16, **options):
    members = plan.product(make_recipe(**options), axes, seeds)
    return Plan(axes, tuple(members), devices, per_device)


def values(member, *names):
    return tuple(member.to_flat()[name] for name in names)


# --- members


def test_every_combination_has_every_seed_and_the_last_option_changes_first():
    combinations = [
        values(m, "learning_rate", "width", "seed") for m in planned(seeds=range(3, 5)).members
    ]
    assert combinations == [
        *[(1e-4, 4, 3), (1e-4, 4, 4), (1e-4, 8, 3), (1e-4, 8, 4)],
        *[(3e-4, 4, 3), (3e-4, 4, 4), (3e-4, 8, 3), (3e-4, 8, 4)],
    ]


def test_members_differ_in_the_axes_and_the_seed_alone():
    base = make_recipe().to_flat()
    for member in planned(seeds=range(2)).members:
        differing = {name for name, value in member.to_flat().items() if value != base[name]}
        assert differing <= {"learning_rate", "width", "seed"}


def test_without_axes_there_are_the_seeds():
    assert [values(m, "seed") for m in planned({}, range(7, 10)).members] == [(7,), (8,), (9,)]


def test_a_value_outside_its_bounds_is_refused():
    with pytest.raises(ConfigError, match="width is 0, expected a number between 1 and 4096"):
        planned({"width": (4, 0)})


# --- groups and waves


def test_values_of_real_options_and_seeds_share_a_compilation():
    axes = {"learning_rate": (1e-4, 3e-4), "beta1": (0.0, 0.5), "ema_decay": (0.9, 0.99)}
    work = planned(axes, range(3))
    assert work.groups == [list(work.members)]
    assert len(work.members) == 24


@pytest.mark.parametrize(
    ("model", "name", "given_values"),
    [
        ("dcgan", "width", (4, 8)),
        ("dcgan", "latent_size", (3, 4)),
        ("dcgan", "compute_dtype", ("float32", "bfloat16")),
        ("vae", "likelihood", ("bernoulli", "gaussian")),
        ("dcgan", "ema_decay", (None, 0.9)),  # a number or none: two programs
    ],
)
def test_values_of_other_options_have_a_compilation_each(model, name, given_values):
    work = planned({name: given_values, "learning_rate": (1e-4, 3e-4)}, range(2), model=model)
    assert [{values(m, name) for m in group} for group in work.groups] == [
        {(value,)} for value in given_values
    ]
    assert [len(group) for group in work.groups] == [4, 4]


def test_two_numbers_and_none_are_two_groups():
    work = planned({"ema_decay": (0.9, None, 0.99)})
    assert [[values(m, "ema_decay") for m in group] for group in work.groups] == [
        [(0.9,), (0.99,)],
        [(None,)],
    ]


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(count=st.integers(1, 100), devices=st.integers(1, 8), per_device=st.integers(1, 16))
def test_waves_are_evenly_filled_and_never_larger_than_what_fits(count, devices, per_device):
    work = Plan({}, A_HUNDRED[:count], devices, per_device)
    sizes = [len(wave) for wave in work.waves]
    assert list(itertools.chain.from_iterable(work.waves)) == list(work.members)
    assert len(sizes) == math.ceil(count / (devices * per_device))
    assert max(sizes) <= devices * per_device
    assert max(sizes) - min(sizes) <= 1


def test_all_members_of_a_wave_are_of_one_group():
    work = planned({"learning_rate": (1e-4, 2e-4, 3e-4), "width": (4, 8)}, devices=2, per_device=1)
    assert [{values(m, "width") for m in wave} for wave in work.waves] == [
        *[{(4,)}] * 2,
        *[{(8,)}] * 2,
    ]
    assert sorted(len(wave) for wave in work.waves) == [1, 1, 2, 2]


# --- compilations

# Members, devices, members a device at most, processes; then the waves, and the spreads of what the
# first process compiles.
SPREADS = [
    ((6, 1, 3, 1), [3, 3], [(1, 3)]),
    ((5, 1, 2, 1), [2, 1, 2], [(1, 1), (1, 2)]),
    ((7, 2, 2, 1), [4, 3], [(2, 2)]),  # a wave of three leaves one place empty
    ((5, 2, 2, 1), [2, 3], [(2, 1), (2, 2)]),
    ((3, 2, 1, 1), [2, 1], [(1, 1), (2, 1)]),
    ((2, 4, 1, 1), [2], [(2, 1)]),
    ((5, 4, 1, 2), [2, 3], [(1, 1), (2, 1)]),
]


@pytest.mark.parametrize(("sizes", "waves", "spreads"), SPREADS)
def test_compilations_are_one_for_each_spread_of_a_wave_over_the_devices(sizes, waves, spreads):
    count, devices, per_device, processes = sizes
    work = Plan({}, A_HUNDRED[:count], devices, per_device, processes)
    assert [len(wave) for wave in work.waves] == waves
    assert sorted(work.compilations) == spreads


def test_each_group_is_compiled_for_each_of_its_spreads():
    axes = {"learning_rate": (1e-4, 2e-4, 3e-4), "width": (4, 8)}
    work = planned(axes, devices=1, per_device=2)
    assert sorted(work.compilations) == [(1, 1)] * 2 + [(1, 2)] * 2


@settings(max_examples=30, deadline=None, derandomize=True, database=None)
@given(count=st.integers(1, 100), devices=st.integers(1, 8), processes=st.integers(1, 9))
def test_processes_part_every_wave_among_them(count, devices, processes):
    work = Plan({}, A_HUNDRED[:count], devices, 4, processes)
    shares = [work.share(process) for process in range(processes)]
    together = [member for share in shares for part in share for member in part]
    assert sorted(m.options.seed for m in together) == list(range(count))
    sizes = [sum(map(len, share)) for share in shares]
    assert sizes[0] == max(sizes)


# --- random settings


def drawn(ranges, count=400, seeds=range(1), seed=0, **options):
    members = plan.draw_members(make_recipe(**options), ranges, count, seeds, seed)
    return [values(member, *ranges, "seed") for member in members]


def test_a_wide_range_of_positive_numbers_is_sampled_by_its_logarithm():
    rates = np.array(drawn({"learning_rate": (1e-5, 1e-1)}))[:, 0]
    assert 1e-5 <= rates.min() < 2e-5
    assert 5e-2 < rates.max() <= 1e-1
    shares = [np.mean(rates < bound) for bound in (1e-4, 1e-3, 1e-2)]
    np.testing.assert_allclose(shares, [0.25, 0.5, 0.75], atol=0.08)  # 3 standard errors


@pytest.mark.parametrize("ends", [(0.1, 0.9), (0.0, 0.9)])
def test_a_narrow_range_and_one_from_zero_are_sampled_evenly(ends):
    low, high = ends
    positions = (np.array(drawn({"beta1": ends}))[:, 0] - low) / (high - low)
    assert 0 <= positions.min() < 0.05
    assert 0.95 < positions.max() <= 1
    shares = [np.mean(positions < bound) for bound in (0.25, 0.5, 0.75)]
    np.testing.assert_allclose(shares, [0.25, 0.5, 0.75], atol=0.08)


def test_a_setting_is_decided_by_the_seed_and_has_every_seed():
    ranges = {"learning_rate": (1e-4, 1e-3), "beta1": (0.0, 0.9)}
    rows = drawn(ranges, 5, range(2, 4), 2)
    assert rows == drawn(ranges, 5, range(2, 4), 2)
    assert [row[:2] for row in rows[::2]] == [row[:2] for row in rows[1::2]]
    assert [row[2] for row in rows] == [2, 3] * 5
    assert len({row[:2] for row in rows}) == 5
    assert not {row[:2] for row in rows} & {row[:2] for row in drawn(ranges, 5, range(2, 4), 3)}
    assert rows[:4] == drawn(ranges, 2, range(2, 4), 2)  # more settings keep those before


def test_a_drawn_value_can_be_typed_again():
    ranges = {"learning_rate": (1e-5, 1e-1)}
    for member in plan.draw_members(make_recipe(), ranges, 20, range(1), 0):
        typed = re.fullmatch(r"learning_rate=(.*),seed=0", plan.member_name(member, ranges))[1]
        assert float(typed) == member.config.learning_rate


@pytest.mark.parametrize(
    ("count", "ranges"), [(200, {"beta1": (0.5, 0.9)}), (5, {"ema_decay": (0.9999, 0.99999)})]
)
def test_rows_are_never_refused_as_repeated(count, ranges):
    plan.check_members(plan.draw_members(make_recipe(), ranges, count, range(1), 0), 1)


@pytest.mark.parametrize("ends", [(0.99951, 0.99999), (0.12346, 0.12349)])
def test_a_drawn_value_lies_within_its_range(ends):
    rates = np.array(drawn({"ema_decay": ends}, 50))[:, 0]
    assert ends[0] <= rates.min() < rates.max() <= ends[1]


@pytest.mark.parametrize("model", MODELS)
def test_real_options_are_those_that_a_compilation_does_not_fix(model):
    real = plan.real_options(model)
    assert {"learning_rate", "ema_decay"} <= set(real)
    defaults = make_recipe(model=model).to_flat()
    for name in MODELS[model].Config.__dataclass_fields__:
        whole = 7 if defaults[name] == 5 else 5
        other = {float: 0.25, int: whole}.get(type(defaults[name]))
        if other is not None:
            groups = planned({name: (other, defaults[name])}, model=model).groups
            assert (len(groups) == 1) == (name in real)


# --- what is refused


def test_repeated_values_are_refused():
    members = planned({"learning_rate": (1e-4, 2e-4, 1e-4)}).members
    with pytest.raises(ConfigError, match="two members of the sweep are the same; leave out"):
        plan.check_members(members, 1)


def test_no_members_are_refused():
    with pytest.raises(ConfigError, match="no members"):
        plan.check_members([], 1)


def test_more_devices_than_there_are_are_refused():
    members, count = planned().members, len(jax.devices())
    plan.check_members(members, count)
    with pytest.raises(ConfigError, match=f"devices is {count + 1}, expected .* at most {count}"):
        plan.check_members(members, count + 1)
    with pytest.raises(ConfigError, match="devices is 0"):
        plan.check_members(members, 0)


# --- names and sizes


def test_names_of_members_are_safe_and_unique():
    axes = {
        "learning_rate": (1e-12, 1e-4, 123456.789),
        "likelihood": ("bernoulli", "gaussian"),
        "ema_decay": (None, 0.999),
        "width": (4, 64),
    }
    members = planned(axes, range(2), model="vae").members
    names = [plan.member_name(member, axes) for member in members]
    assert len(set(names)) == len(members) == 48
    assert len({name.casefold() for name in names}) == 48  # some file systems do not tell case
    for name in names:
        assert re.fullmatch(r"[\w.,=+-]{1,200}", name)
        assert Path(name).name == name
    assert names[0] == "learning_rate=1e-12,likelihood=bernoulli,ema_decay=None,width=4,seed=0"


def test_a_name_without_axes_is_the_seed():
    assert plan.member_name(make_recipe(seed=3), {}) == "seed=3"


@pytest.mark.parametrize("model", ["cgan", "vae", "vq_vae"])
def test_the_bytes_of_a_state_are_those_of_its_arrays(model):
    member = make_recipe(model=model)
    state = programs.start(Model(MODELS[model].build, SPEC, member.config), jax.random.key(0))
    assert plan.state_bytes(member, SPEC) == sum(leaf.nbytes for leaf in jax.tree.leaves(state))
