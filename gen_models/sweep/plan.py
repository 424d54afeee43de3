"""The plan of a sweep, made before anything is compiled."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from gen_models.algorithm import Spec
from gen_models.fields import ConfigError
from gen_models.models import MODELS
from gen_models.programs import shapes
from gen_models.runs import Recipe
from gen_models.sweep.space import Space, are_ends
from gen_models.training.placement import check_devices
from gen_models.training.population import Spread, spread_over


@dataclass(frozen=True)
class Plan:
    """The members of a sweep, in groups that share a compilation, divided into waves."""

    axes: Mapping[str, tuple[Any, ...]]  # options that vary apart from the seed, with their values
    members: tuple[Recipe, ...]  # recipes of the runs
    devices: int  # number of devices of all processes
    per_device: int  # largest number of members on a device at a time
    processes: int = 1  # processes that each train a part of every wave on their own devices

    @property
    def groups(self) -> list[list[Recipe]]:
        """Members grouped by program: those of a group differ only in seeds and real options."""
        groups: dict[Any, list[Recipe]] = {}
        for member in self.members:
            groups.setdefault(_program_key(member), []).append(member)
        return list(groups.values())

    @property
    def waves(self) -> list[list[Recipe]]:
        """Members grouped by when they are trained: each group in equally filled waves."""
        size = self.devices * self.per_device
        waves = []
        for group in self.groups:
            count = -(-len(group) // size)
            waves += [list(part) for part in _split(group, count)]
        return waves

    @property
    def devices_per_process(self) -> int:
        """Number of devices of one process."""
        return -(-self.devices // self.processes)

    def share(self, process: int) -> list[list[Recipe]]:
        """The members of each wave that a process trains, without empty waves."""
        parts = [wave[process :: self.processes] for wave in self.waves]
        return [part for part in parts if part]

    @property
    def compilations(self) -> list[Spread]:
        """The compilations of the first process, which has the most: one per group and spread."""
        parts = self.share(0)
        programs = {
            (_program_key(part[0]), spread_over(len(part), self.devices_per_process))
            for part in parts
        }
        return [spread for _, spread in programs]


def _split(members: Sequence[Recipe], count: int) -> list[Sequence[Recipe]]:
    ends = [round(i * len(members) / count) for i in range(count + 1)]
    return [members[start:end] for start, end in itertools.pairwise(ends)]


def _program_key(member: Recipe) -> Any:
    """Everything that determines the compiled program: all except seed and real option values."""
    return jax.tree.structure(member.config), replace(member.options, seed=0, out=None)


def make_plan(
    base: Recipe,
    given: Mapping[str, tuple[Any, ...]],
    seeds: range,
    draws: int | None,
    devices: int | None,
    per_device: int,
) -> Plan:
    """The plan of every combination of the given values, or of settings drawn from their ranges.

    given:   values of each option of the model; those with several values are the axes
    draws:   number of settings to draw; None for every combination
    devices: number of devices; None for all

    Raises ConfigError for requests that cannot be carried out.
    """
    for name, values in given.items():
        if not values:
            raise ConfigError(f"--{name.replace('_', '-')} has no value; give one or more")
    base = base.with_values({name: values[0] for name, values in given.items() if len(values) == 1})
    axes = {name: values for name, values in given.items() if len(values) > 1}
    if draws is None:
        members = product(base, axes, seeds)
    else:
        _check_ranges(base.options.model, axes)
        members = draw_members(base, axes, draws, seeds, seeds.start)
    devices = len(jax.devices()) if devices is None else devices
    check_members(members, devices)
    if draws is None and len(members) == 1:
        raise ConfigError(
            "nothing varies: give an option several values, or --seeds 2 or more; `train` trains a "
            "single model"
        )
    return Plan(axes, tuple(members), devices, per_device, jax.process_count())


def _check_ranges(model: str, axes: Mapping[str, tuple[Any, ...]]) -> None:
    """Raise ConfigError for axes that settings cannot be drawn from."""
    real = real_options(model)
    for name, values in axes.items():
        if name not in real or not are_ends(values):
            raise ConfigError(
                f"{name} is {list(values)}; with --random an option that varies is real-valued "
                "and has two values, the lower first: the ends of its range"
            )
    if not axes:
        raise ConfigError("--random needs a range: give an option two values")


def product(
    base: Recipe, axes: Mapping[str, tuple[Any, ...]], seeds: Sequence[int]
) -> list[Recipe]:
    """Every combination of the axes' values, each with every seed."""
    combinations = itertools.product(*axes.values())
    return [
        base.with_values(dict(zip(axes, values, strict=True)) | {"seed": seed})
        for values in combinations
        for seed in seeds
    ]


def draw_members(
    base: Recipe,
    ranges: Mapping[str, tuple[float, float]],
    count: int,
    seeds: Sequence[int],
    seed: int,
) -> list[Recipe]:
    """`count` settings drawn from the ranges, each with every seed.

    A range of positive numbers that spans a factor of ten or more is sampled by its logarithm.
    Raises ConfigError for an end that its option does not allow.
    """
    for name, bounds in ranges.items():
        for end in bounds:
            base.with_values({name: end})
    rng = np.random.Generator(np.random.Philox(seed))
    space = Space(ranges, {})
    settings = [space.draw(rng) for _ in range(count)]
    return [base.with_values(setting | {"seed": seed}) for setting in settings for seed in seeds]


def real_options(model: str) -> list[str]:
    """Names of a model's real-valued options, all values of which share one compilation."""
    config = MODELS[model].Config()
    leaves = jax.tree_util.tree_leaves_with_path(config, is_leaf=lambda leaf: leaf is None)
    return [jax.tree_util.keystr(path, simple=True) for path, _ in leaves]


def member_name(member: Recipe, axes: Mapping[str, tuple[Any, ...]]) -> str:
    """Name of a member's folder in its sweep, such as learning_rate=0.0002,seed=1."""
    values = member.to_flat()
    parts = [f"{name}={values[name]}" for name in (*axes, "seed")]
    return ",".join(parts).replace("/", "_")


def state_bytes(member: Recipe, spec: Spec) -> int:
    """Memory of a member's state, bytes."""
    leaves = jax.tree.leaves(shapes(member.model(spec)))
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in leaves)


def check_members(members: Sequence[Recipe], devices: int) -> None:
    """Raise ConfigError for no members, equal members, or devices that do not exist."""
    if not members:
        raise ConfigError("the sweep has no members")
    names = [repr(member.identity) for member in members]
    if len(set(names)) < len(names):
        raise ConfigError("two members of the sweep are the same; leave out repeated values")
    check_devices(devices)
