"""What every command has in common: options, errors for people, the compilation cache."""

import os
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import jax
import tyro

from gen_models.config import ConfigError, nearest
from gen_models.errors import UserError

OPTIONS = (tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff)


def run(main: Callable[[Sequence[str]], int]) -> None:
    """Run a command to its exit code. What the user can mend is one message and status 2."""
    keep_compilations()
    try:
        code = main(sys.argv[1:])
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def keep_compilations() -> None:
    """Keep compiled programs in the user's cache, so that the next start is quick."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    jax.config.update("jax_compilation_cache_dir", str(home / "gen_models" / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


def parse(command: str, cls: type, args: Sequence[str], default: Any = None) -> Any:  # noqa: ANN401
    """Options of the dataclass `cls`, whose nested dataclasses are option groups.

    Raises ConfigError for a value that is none of an option's choices, with the nearest right one;
    exits with status 2 for what else tyro refuses, a misspelt option among it.
    """
    for option, value in _given(args):
        choices = _choices(cls).get(option)
        if choices and value not in choices:
            raise ConfigError(f"{option} is {value!r}; {nearest(value, choices)}")
    prog = f"python -m experiments.{command}"
    return tyro.cli(cls, args=list(args), default=default, prog=prog, config=OPTIONS)


def _given(args: Sequence[str]) -> list[tuple[str, str]]:
    """(option, its first value) for each --option VALUE and --option=VALUE."""
    pairs = [arg.split("=", 1) for arg in args if arg.startswith("--") and "=" in arg]
    pairs += pairwise(args)
    return [(option.replace("_", "-"), value) for option, value in pairs if option[:2] == "--"]


def first_value(args: Sequence[str], option: str) -> str | None:
    """The value given for an option that decides what the other options are."""
    return next((value for name, value in _given(args) if name == option), None)


def _choices(cls: type) -> dict[str, tuple[str, ...]]:
    """Option -> its allowed values, over the dataclass and its groups."""
    found: dict[str, tuple[str, ...]] = {}
    for name, hint in get_type_hints(cls).items():
        if hasattr(hint, "__dataclass_fields__"):
            found |= _choices(hint)
        elif get_origin(hint) is Literal:
            found["--" + name.replace("_", "-")] = tuple(map(str, get_args(hint)))
    return found
