"""Typed options: frozen dataclasses that are pytrees, with their bounds in their types.

    @hyperparameters
    class Config:
        width: Annotated[int, Between(1, 1024)] = 64        # static: changes shapes
        learning_rate: Annotated[float, Between(0, 1)] = 2e-4   # a leaf: one compilation serves all

Real-valued fields are leaves of the pytree, all other fields are static: a sweep over learning
rates compiles once. A field of type `Real` may hold a schedule over the steps. Bounds are checked
by `validate` where options come in, not in `__post_init__`: unflattening a pytree reruns the
constructor on tracers.
"""

import dataclasses
import difflib
import math
import types
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import jax
import numpy as np

from gen_models.errors import UserError
from gen_models.schedules import Schedule


class ConfigError(UserError):
    """A field that does not exist, or a value that its field does not allow."""


@dataclasses.dataclass(frozen=True)
class Between:
    """Closed bounds of a numeric field."""

    low: float  # smallest allowed value
    high: float  # largest allowed value

    def __str__(self) -> str:
        low, high = (x if isinstance(x, int) else f"{x:g}" for x in (self.low, self.high))
        return f"between {low} and {high}"


@dataclasses.dataclass(frozen=True)
class Logistics:
    """Marker of an option that changes a result by rounding at most, such as a path or how often
    to save."""


Real = float | Schedule  # a constant, or a schedule over the steps
Rate = Annotated[Real, Between(0, 1)]  # a fraction or a decay
Fraction = Annotated[float, Between(0, 1)]  # a fraction that cannot have a schedule
Decay = Annotated[Real, Between(0, 0.99999)]  # decay of a moment that is divided by 1 - decay
Positive = Annotated[Real, Between(1e-12, 1e6)]
Weight = Annotated[Real, Between(0, 1000)]  # weight of a term of a loss
Count = Annotated[int, Between(1, 1000)]  # repetitions per step
Size = Annotated[int, Between(1, 4096)]  # number of units, channels, latent dimensions
Seed = Annotated[int, Between(0, 2**31 - 1)]
Samples = Annotated[int, Between(1, 10_000_000)]  # number of images to draw


def hyperparameters(cls: type) -> type:
    """Class decorator that makes a frozen, keyword-only dataclass and registers it as a pytree."""
    cls = dataclasses.dataclass(frozen=True, kw_only=True)(cls)
    hints = get_type_hints(cls)
    leaves = [name for name, hint in hints.items() if is_real(hint)]
    static = [name for name in hints if name not in leaves]
    return jax.tree_util.register_dataclass(cls, data_fields=leaves, meta_fields=static)


def is_real(hint: object) -> bool:
    """Whether values of this type are traced: float, or a union of float with others."""
    return float in (get_args(hint) if _is_union(hint) else (hint,))


def _is_union(hint: object) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


def nearest(name: object, names: Iterable[str]) -> str:
    """Text for an error message: all of `names`, preceded by the one most similar to `name`."""
    names = list(names)
    text = name if isinstance(name, str) else shown(name)
    close = difflib.get_close_matches(text, names, n=1, cutoff=0.5)
    hint = f"perhaps you meant {close[0]!r}; " if close else ""
    return f"{hint}known are {', '.join(map(repr, names))}"


def check_known(kind: str, name: object, known: Collection[str]) -> None:
    """Raise ConfigError, with the nearest right name, unless `name` is a known one of its kind."""
    if not isinstance(name, str) or name not in known:
        raise ConfigError(f"no {kind} is called {shown(name)}; {nearest(name, known)}")


def shown(value: object) -> str:
    """A value as text for an error message, of at most 80 characters."""
    try:
        text = str(value) if isinstance(value, Schedule) else repr(value)
    except ValueError:  # Python refuses to print integers of over 4300 digits
        return "a huge number"
    return text if len(text) <= 80 else text[:79] + "…"


def counted(count: int, noun: str) -> str:
    """A number of things as text: "1 step", "2 steps"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def validate(config: Any) -> None:
    """Check each field's type and bounds. Raises ConfigError with field, value and expectation."""
    for name, hint in get_type_hints(type(config), include_extras=True).items():
        check(name, getattr(config, name), hint)


def check(name: str, value: object, hint: object) -> None:
    """Raise ConfigError with name, value and expectation unless the value fits its type hint."""
    expected = _violation(value, hint)
    if expected:
        raise ConfigError(f"{name} is {shown(value)}, expected {expected}")


def checked(name: str, value: object, hint: object) -> Any:
    """An argument converted to its hint's type as in `from_dict`, and checked. Raises
    ConfigError."""
    value = _plain(name, value, hint)
    check(name, value, hint)
    return value


def _violation(value: object, hint: object) -> str | None:
    """Text of what was expected, or None if the value fits its type hint."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        expected = _violation(value, args[0])
        numbers = value.values if isinstance(value, Schedule) else (value,)
        for bounds in (arg for arg in args[1:] if isinstance(arg, Between)):
            if expected is None and not all(bounds.low <= x <= bounds.high for x in numbers):
                expected = f"a number {bounds}"
        return expected
    if origin is Literal:
        known = {type(arg) is type(value) and arg == value for arg in args}
        return None if True in known else f"a known one: {nearest(value, map(str, args))}"
    if origin is tuple:  # tuple[T, ...]
        if not isinstance(value, tuple):
            return "a list"
        failures = [_violation(entry, args[0]) for entry in value]
        return next((failure for failure in failures if failure), None)
    if _is_union(hint):
        failures = [_violation(value, arg) for arg in args]
        return None if None in failures else " or ".join(f for f in failures if f)
    if hint is types.NoneType:
        return None if value is None else "None"
    if hint is float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        finite = number and (isinstance(value, int) or math.isfinite(value))
        return None if finite else "a finite number"
    if hint is Schedule:
        fits = isinstance(value, Schedule) and all(map(math.isfinite, value.values))
        return None if fits else "a schedule such as 0:1e-3,2000:3e-4"
    if hint is int:
        return None if isinstance(value, int) and not isinstance(value, bool) else "a whole number"
    words = {bool: "true or false", str: "a text", Path: "a path"}
    # No control characters and no lone surrogates, as a path must be.
    fits = isinstance(value, hint) and (hint is bool or str(value).isprintable())
    return None if fits else words[hint]


def to_dict(config: Any) -> dict[str, Any]:
    """Values by field name, in types that JSON preserves. Paths and schedules become text."""
    return {f.name: _jsonable(getattr(config, f.name)) for f in dataclasses.fields(config)}


def _jsonable(value: object) -> object:
    if isinstance(value, Path | Schedule):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def from_dict(cls: type, values: Mapping[str, Any]) -> Any:
    """The inverse of `to_dict`, validated. Missing fields keep their defaults."""
    hints = get_type_hints(cls)
    for name in values:
        check_known("option", name, hints)
    config = cls(**{name: _plain(name, value, hints[name]) for name, value in values.items()})
    validate(config)
    return config


def _plain(name: str, value: object, hint: object) -> object:
    """A JSON value converted to its hint's type: text to a path, text or a mapping to a schedule, a
    list to a tuple, an integer to a float; a NumPy number to Python's. Raises ConfigError for an
    invalid schedule."""
    if isinstance(value, np.generic):
        value = value.item()
    if Schedule in get_args(hint) and isinstance(value, str | Mapping):
        try:
            return Schedule.of(value) if isinstance(value, Mapping) else Schedule.parse(value)
        except (ValueError, TypeError, OverflowError) as error:
            raise ConfigError(f"{name} is {shown(value)}, no schedule: {error}") from error
    if isinstance(value, list) and get_origin(hint) is tuple:
        return tuple(value)
    if isinstance(value, str) and (hint is Path or Path in get_args(hint)):
        return Path(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    if whole and (hint is float or float in get_args(hint)) and abs(value) < 1e300:
        return float(value)
    return value
