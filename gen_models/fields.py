"""Typed options: frozen dataclasses that are pytrees, with their bounds in their types.

    @hyperparameters
    class Config:
        width: Annotated[int, Between(1, 1024)] = 64        # static: changes shapes
        learning_rate: Annotated[float, Between(0, 1)] = 2e-4   # a leaf: one compilation serves all

Real-valued fields (`float`, `float | None`) are leaves of the pytree, everything else is static:
a sweep over learning rates compiles once. Bounds are checked by `validate` at the edge, never in
`__post_init__`: unflattening a pytree reruns the constructor on tracers.
"""

import dataclasses
import difflib
import math
import types
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import jax

from gen_models.errors import UserError


class ConfigError(UserError):
    """A field that does not exist, or a value outside of what its field allows."""


@dataclasses.dataclass(frozen=True)
class Between:
    """Closed bounds of a numeric field."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"between {self.low:g} and {self.high:g}"


@dataclasses.dataclass(frozen=True)
class Logistics:
    """Marks an option that changes no byte of a result: where it goes, how often it is saved."""


Rate = Annotated[float, Between(0, 1)]  # a fraction or a decay
Decay = Annotated[float, Between(0, 0.99999)]  # of a moment that is divided by 1 - decay
Positive = Annotated[float, Between(1e-12, 1e6)]
Weight = Annotated[float, Between(0, 1000)]  # of a term of a loss
Count = Annotated[int, Between(1, 1000)]  # of something done so often a step
Size = Annotated[int, Between(1, 4096)]  # units, channels, latent dimensions


def hyperparameters(cls: type) -> type:
    """Class decorator: a frozen, keyword-only dataclass, registered as a pytree."""
    cls = dataclasses.dataclass(frozen=True, kw_only=True)(cls)
    hints = get_type_hints(cls)
    leaves = [name for name, hint in hints.items() if hint in (float, float | None)]
    static = [name for name in hints if name not in leaves]
    return jax.tree_util.register_dataclass(cls, data_fields=leaves, meta_fields=static)


def nearest(name: object, names: Iterable[str]) -> str:
    """`names` as text for an error message, led by the one most like `name` if there is such."""
    names = list(names)
    text = name if isinstance(name, str) else shown(name)
    close = difflib.get_close_matches(text, names, n=1, cutoff=0.5)
    hint = f"perhaps you meant {close[0]!r}; " if close else ""
    return f"{hint}known are {', '.join(map(repr, names))}"


def shown(value: object) -> str:
    """A value for an error message, in no more than 80 characters."""
    try:
        text = repr(value)
    except ValueError:  # Python prints no whole number of over 4300 digits
        return "a huge number"
    return text if len(text) <= 80 else text[:79] + "…"


def validate(config: Any) -> None:  # noqa: ANN401
    """Check each field's type and bounds. Raises ConfigError naming both and what was expected."""
    for name, hint in get_type_hints(type(config), include_extras=True).items():
        expected = _violation(getattr(config, name), hint)
        if expected:
            raise ConfigError(f"{name} is {shown(getattr(config, name))}, expected {expected}")


def _violation(value: object, hint: object) -> str | None:
    """What was expected, or None if the value fits its type hint."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        expected = _violation(value, args[0])
        for bounds in (arg for arg in args[1:] if isinstance(arg, Between)):
            if expected is None and not bounds.low <= value <= bounds.high:
                expected = f"a number {bounds}"
        return expected
    if origin is Literal:
        known = {type(arg) is type(value) and arg == value for arg in args}
        return None if True in known else nearest(value, map(str, args))
    if origin is tuple:  # tuple[T, ...]
        if not isinstance(value, tuple):
            return "a list"
        failures = [_violation(entry, args[0]) for entry in value]
        return next((failure for failure in failures if failure), None)
    if origin in (Union, types.UnionType):
        failures = [_violation(value, arg) for arg in args]
        return None if None in failures else " or ".join(f for f in failures if f)
    if hint is types.NoneType:
        return None if value is None else "nothing"
    if hint is float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        finite = number and (isinstance(value, int) or math.isfinite(value))
        return None if finite else "a finite number"
    if hint is int:
        return None if isinstance(value, int) and not isinstance(value, bool) else "a whole number"
    words = {bool: "true or false", str: "a text", Path: "a path"}
    fits = isinstance(value, hint) and (hint is bool or _printable(str(value)))
    return None if fits else words[hint]


def _printable(text: str) -> bool:
    """Whether it can be part of a path: no control characters, no lone surrogates."""
    return all(c.isprintable() for c in text)


def to_dict(config: Any) -> dict[str, Any]:  # noqa: ANN401
    """Field name -> plain value, ready for JSON. Paths become text."""
    fields = ((f.name, getattr(config, f.name)) for f in dataclasses.fields(config))
    return {name: str(value) if isinstance(value, Path) else value for name, value in fields}


def from_dict(cls: type, values: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """The inverse of `to_dict`, validated. Fields left out keep their defaults."""
    hints = get_type_hints(cls)
    for name in values:
        if name not in hints:
            raise ConfigError(f"no option is called {shown(name)}; {nearest(name, hints)}")
    config = cls(**{name: _plain(value, hints[name]) for name, value in values.items()})
    validate(config)
    return config


def _plain(value: object, hint: object) -> object:
    """What JSON cannot say: paths, tuples, and that 1 is a float where a float is meant."""
    if isinstance(value, list) and get_origin(hint) is tuple:
        return tuple(value)
    if isinstance(value, str) and (hint is Path or Path in get_args(hint)):
        return Path(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    if whole and (hint is float or float in get_args(hint)) and abs(value) < 1e300:
        return float(value)
    return value
