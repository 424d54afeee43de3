"""The candidates that a search begins with."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gen_models.fields import ConfigError
from gen_models.runs import Recipe
from gen_models.search.rules import Candidate
from gen_models.sweep.plan import real_options
from gen_models.sweep.space import Space, are_ends, are_numbers

DRAWS = 100  # draws per candidate at most, to find different settings


def space(model: str, given: Mapping[str, tuple[Any, ...]]) -> Space:
    """The space that the given values of each option span: two numbers of a real-valued option are
    the ends of a range, other values are choices. Raises ConfigError."""
    real, ranges, choices = real_options(model), {}, {}
    for name, values in given.items():
        if not values:
            raise ConfigError(f"--{name.replace('_', '-')} has no value; give one or more")
        if len(values) == 1:
            continue
        if name in real and are_numbers(values) and len(values) == 2:
            if not are_ends(values):
                raise ConfigError(
                    f"{name} is {list(values)}; give the lower end of its range first"
                )
            ranges[name] = (float(values[0]), float(values[1]))
        else:
            choices[name] = tuple(values)
    if not ranges and not choices:
        raise ConfigError("there is nothing to search; give an option two values or more")
    return Space(ranges, choices)


def draw(
    base: Recipe, given: Mapping[str, tuple[Any, ...]], space: Space, count: int
) -> tuple[Candidate, ...]:
    """`count` different settings drawn from the space, all with the base's seed. Raises ConfigError
    if there are not that many, or for an end of a range that its option does not allow."""
    single = {name: values[0] for name, values in given.items() if len(values) == 1}
    base = base.with_values(single)
    for name, ends in space.ranges.items():
        for end in ends:
            base.with_values({name: end})
    if base.config.ema_decays and {"ema_decay"} & {*space.ranges, *space.choices}:
        raise ConfigError(
            "--ema-decays are scored for every candidate; give --ema-decay one value beside them"
        )
    rng = np.random.Generator(np.random.Philox(base.options.seed))
    settings: dict[str, dict[str, Any]] = {}
    for _ in range(DRAWS * count):
        setting = space.draw(rng)
        settings.setdefault(repr(setting), setting)
        if len(settings) == count:
            break
    else:
        raise ConfigError(
            f"the options given have {len(settings)} settings, asked for {count} candidates; ask "
            "for fewer, or give ranges"
        )
    width = len(str(count - 1))
    return tuple(
        Candidate(f"{index:0{width}}", base.with_values(setting))
        for index, setting in enumerate(settings.values())
    )
