"""Typed options: their bounds, their spelling, and which of them are leaves of a pytree."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Annotated, Literal

import jax
import numpy as np
import pytest

from gen_models.fields import (
    Between,
    ConfigError,
    Rate,
    counted,
    from_dict,
    hyperparameters,
    to_dict,
    validate,
)

HUGE = 10**400  # no float holds it
ENDLESS = int("f" * 5000, 16)  # Python refuses to print it


@hyperparameters
class Options:
    units: Annotated[int, Between(1, 100)] = 10
    rate: Annotated[float, Between(0.5, 2)] = 1.0
    decay: Rate | None = None
    kind: Literal["sharp", "blunt"] = "sharp"
    verbose: bool = False
    folder: Path | None = None
    title: str = "title"
    sizes: tuple[Annotated[int, Between(1, 9)], ...] = (1, 2)


@pytest.mark.parametrize(
    "values",
    [
        {"units": 1},
        {"units": 100, "rate": 0.5},
        {"rate": 2, "decay": 0.0},
        {"decay": 1, "kind": "blunt", "verbose": True},
        {"folder": "some/where", "title": "Müller’s"},
    ],
)
def test_what_is_within_bounds_comes_back_from_a_round_trip(values):
    config = from_dict(Options, values)
    assert {name: to_dict(config)[name] for name in values} == values
    assert from_dict(Options, to_dict(config)) == config
    assert from_dict(Options, json.loads(json.dumps(to_dict(config)))) == config


def test_fields_left_out_keep_their_defaults():
    assert from_dict(Options, {}) == Options()
    assert from_dict(Options, {"units": 3}) == Options(units=3)


def test_numbers_of_numpy_are_numbers():
    config = from_dict(Options, {"units": np.int64(3), "rate": np.float32(0.5)})
    assert config == Options(units=3, rate=0.5)
    assert [type(x) for x in (config.units, config.rate)] == [int, float]


def test_a_whole_number_where_a_float_is_meant_becomes_one():
    config = from_dict(Options, {"rate": 1, "decay": 1})
    assert (type(config.rate), type(config.decay)) == (float, float)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("units", 0, "between 1 and 100"),
        ("units", 101, "between 1 and 100"),
        ("units", 2.0, "a whole number"),
        ("units", True, "a whole number"),
        ("units", "3", "a whole number"),
        ("units", None, "a whole number"),
        ("title", "a\n" * 1000, "a text"),
        ("units", HUGE, "between 1 and 100"),
        ("units", ENDLESS, "between 1 and 100"),
        ("units", -ENDLESS, "between 1 and 100"),
        ("rate", 0.49, "between 0.5 and 2"),
        ("rate", 2.01, "between 0.5 and 2"),
        ("rate", math.nan, "a finite number"),
        ("rate", math.inf, "a finite number"),
        ("rate", True, "a finite number"),
        ("rate", "1", "a finite number"),
        ("rate", 1j, "a finite number"),
        ("rate", HUGE, "number"),
        ("rate", ENDLESS, "number"),
        ("decay", -0.1, "between 0 and 1"),
        ("decay", math.nan, "a finite number"),
        ("decay", False, "a finite number"),
        ("decay", ENDLESS, "number"),
        ("kind", "sharpp", "perhaps you meant 'sharp'"),
        ("kind", "zzz", "known are 'sharp', 'blunt'"),
        ("kind", None, "'sharp'"),
        ("kind", ["sharp"], "'sharp'"),
        ("kind", ENDLESS, "'sharp'"),
        ("verbose", 1, "true or false"),
        ("verbose", "yes", "true or false"),
        ("folder", "a\0b", "a path"),
        ("folder", "a\nb", "a path"),
        ("folder", "a\x1b[2Jb", "a path"),
        ("folder", "a\udc80b", "a path"),
        ("folder", 3, "a path"),
        ("title", "a\tb", "a text"),
        ("title", ["a"], "a text"),
        ("title", [ENDLESS], "a text"),
        ("sizes", 3, "a list"),
        ("sizes", (1, 10), "between 1 and 9"),
    ],
    ids=lambda value: (
        "…" if isinstance(value, int | list) and value not in (0, 1, 3, 101) else None
    ),
)
def test_a_value_that_does_not_fit_is_refused_with_what_was_expected(name, value, expected):
    with pytest.raises(ConfigError) as refusal:
        from_dict(Options, {name: value})
    message = str(refusal.value)
    assert message.startswith(f"{name} is ")
    assert expected in message
    assert len(message) < 300
    assert message.isprintable()


def test_validate_refuses_a_value_that_the_constructor_took():
    validate(Options())
    with pytest.raises(ConfigError, match="units is 0, expected a number between 1 and 100"):
        validate(Options(units=0))


@pytest.mark.parametrize(
    ("wrong", "right"), [("unit", "units"), ("raet", "rate"), ("verbos", "verbose")]
)
def test_a_misspelt_option_gets_the_nearest_right_one(wrong, right):
    with pytest.raises(ConfigError, match=f"{wrong!r}; perhaps you meant {right!r}"):
        from_dict(Options, {wrong: 1})


def test_an_option_like_no_other_is_refused_with_all_there_are():
    with pytest.raises(ConfigError, match=r"'qqqq'; known are 'units', 'rate', .*'title'"):
        from_dict(Options, {"qqqq": 1})
    with pytest.raises(ConfigError, match=r"'qqqq.{,80}…; known are"):
        from_dict(Options, {"q" * 60_000: 1})


def test_real_valued_fields_are_leaves_and_all_others_structure():
    leaves, structure = jax.tree.flatten(Options(decay=0.25))
    assert sorted(leaves) == [0.25, 1.0]
    assert structure == jax.tree.structure(Options(rate=1.5, decay=0.5))
    assert structure != jax.tree.structure(Options(decay=0.25, units=11))
    assert structure != jax.tree.structure(Options(decay=None))


def test_hyperparameters_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Options().units = 3


def test_one_thing_is_in_the_singular():
    assert [counted(n, "step") for n in (0, 1, 2)] == ["0 steps", "1 step", "2 steps"]
