"""What a sweep will do, decided before anything is compiled."""

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
from gen_models.training.placement import check_devices
from gen_models.training.population import Spread, spread_over

LOGARITHMIC = 10.0  # a range whose ends are this far apart is sampled by its logarithm


@dataclass(frozen=True)
class Plan:
    """A sweep: its members, grouped by what they can share a compilation with, cut into waves."""

    axes: Mapping[str, tuple[Any, ...]]
    """The options that vary besides the seed, and their values."""
    members: tuple[Recipe, ...]
    devices: int
    per_device: int
    """Members on one device at a time, at most."""
    processes: int = 1
    """Processes that share the work; each trains its part of every wave on its own devices."""

    @property
    def groups(self) -> list[list[Recipe]]:
        """Members of one program each: they differ in seeds and real-valued options alone."""
        found: dict[Any, list[Recipe]] = {}
        for member in self.members:
            found.setdefault(_static(member), []).append(member)
        return list(found.values())

    @property
    def waves(self) -> list[list[Recipe]]:
        """Members that are trained at the same time: as many as fit, evenly filled."""
        size = self.devices * self.per_device
        waves = []
        for group in self.groups:
            count = -(-len(group) // size)
            waves += [list(part) for part in _split(group, count)]
        return waves

    @property
    def own_devices(self) -> int:
        """Devices of one process."""
        return -(-self.devices // self.processes)

    def share(self, process: int) -> list[list[Recipe]]:
        """The members of each wave that a process trains, without the waves that leave it none."""
        parts = [wave[process :: self.processes] for wave in self.waves]
        return [part for part in parts if part]

    @property
    def compilations(self) -> list[Spread]:
        """What the first process compiles, none has more: each group for each spread of a wave."""
        parts = self.share(0)
        programs = {(_static(part[0]), spread_over(len(part), self.own_devices)) for part in parts}
        return [wanted for _, wanted in programs]


def _split(members: Sequence[Recipe], count: int) -> list[Sequence[Recipe]]:
    ends = [round(i * len(members) / count) for i in range(count + 1)]
    return [members[start:end] for start, end in itertools.pairwise(ends)]


def _static(member: Recipe) -> Any:  # noqa: ANN401
    """What decides the compiled program: all but the seed and the values of real-valued options."""
    return jax.tree.structure(member.config), replace(member.options, seed=0, out=None)


def planned(
    base: Recipe,
    given: Mapping[str, tuple[Any, ...]],
    seeds: range,
    drawn: int | None,
    devices: int | None,
    per_device: int,
) -> Plan:
    """The plan of every combination of the given values, or of settings drawn from their ranges.

    given:   the values of each of the model's options; those with several are the axes
    drawn:   how many settings to draw; None for every combination
    devices: None for all that there are

    Raises ConfigError for requests that cannot be carried out.
    """
    for name, values in given.items():
        if not values:
            raise ConfigError(f"--{name.replace('_', '-')} has no value; give one or more")
    base = _with(base, {name: values[0] for name, values in given.items() if len(values) == 1})
    axes = {name: values for name, values in given.items() if len(values) > 1}
    if drawn is None:
        members = product(base, axes, seeds)
    else:
        _check_ranges(base.options.model, axes)
        members = sampled(base, axes, drawn, seeds, seeds.start)
    devices = len(jax.devices()) if devices is None else devices
    check(members, devices)
    return Plan(axes, tuple(members), devices, per_device, jax.process_count())


def _check_ranges(model: str, axes: Mapping[str, tuple[Any, ...]]) -> None:
    """Refuse axes that settings cannot be drawn from. Raises ConfigError."""
    real = real_options(model)
    for name, values in axes.items():
        ends = len(values) == 2 and None not in values and values[0] < values[1]
        if name not in real or not ends:
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
        _with(base, dict(zip(axes, values, strict=True)) | {"seed": seed})
        for values in combinations
        for seed in seeds
    ]


def sampled(
    base: Recipe,
    ranges: Mapping[str, tuple[float, float]],
    count: int,
    seeds: Sequence[int],
    seed: int,
) -> list[Recipe]:
    """`count` settings drawn from the ranges, each with every seed.

    A range of positive numbers that spans a factor of ten or more is sampled by its logarithm.
    Raises ConfigError for an end that is not allowed.
    """
    for name, bounds in ranges.items():
        for end in bounds:
            _with(base, {name: end})
    rng = np.random.Generator(np.random.Philox(seed))
    settings = [
        {name: _draw(rng, *bounds) for name, bounds in ranges.items()} for _ in range(count)
    ]
    return [_with(base, setting | {"seed": seed}) for setting in settings for seed in seeds]


def _draw(rng: np.random.Generator, low: float, high: float) -> float:
    if low > 0 and high / low >= LOGARITHMIC:
        drawn = math.exp(rng.uniform(math.log(low), math.log(high)))
    else:
        drawn = rng.uniform(low, high)
    short = float(f"{drawn:.6g}")  # so that it can be typed again
    return short if low <= short <= high else drawn


def _with(base: Recipe, values: Mapping[str, Any]) -> Recipe:
    """The config with some options set. Raises ConfigError for values that are not allowed."""
    return Recipe.from_flat(base.to_flat() | dict(values))


def real_options(model: str) -> list[str]:
    """The real-valued options of a model: one compilation serves all their values."""
    config = MODELS[model].Config()
    leaves = jax.tree_util.tree_leaves_with_path(config, is_leaf=lambda leaf: leaf is None)
    return [jax.tree_util.keystr(path, simple=True) for path, _ in leaves]


def member_name(member: Recipe, axes: Mapping[str, tuple[Any, ...]]) -> str:
    """The folder of a member within its sweep: learning_rate=0.0002,seed=1."""
    values = member.to_flat()
    parts = [f"{name}={values[name]}" for name in (*axes, "seed")]
    return ",".join(parts).replace("/", "_")


def state_bytes(member: Recipe, spec: Spec) -> int:
    """Memory that a member's state takes."""
    leaves = jax.tree.leaves(shapes(member.model(spec)))
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in leaves)


def check(members: Sequence[Recipe], devices: int) -> None:
    """Refuse what cannot be trained. Raises ConfigError."""
    if not members:
        raise ConfigError("the sweep has no members")
    names = [repr(member.identity) for member in members]
    if len(set(names)) < len(names):
        raise ConfigError("two members of the sweep are the same; leave out repeated values")
    check_devices(devices)
