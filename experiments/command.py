"""What every command has in common: options, errors for people, the compilation cache."""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, get_args, get_origin, get_type_hints

import jax
import tyro

from gen_models.errors import UserError
from gen_models.fields import ConfigError, nearest
from gen_models.storage import compilations
from gen_models.training import machines

OUT_OF_MEMORY = "out of memory; try a smaller --batch-size or --width"
OPTIONS = (tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff)


def run(main: Callable[[Sequence[str]], int]) -> None:
    """Run a command to its exit code. What the user can mend is one message and status 2."""
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # imports are over: tidy up from now on
    compilations.keep()
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()  # while a full disk can still be told
    except UserError as error:
        code = _fail(str(error))
    except BrokenPipeError:  # whoever read the output has gone, as `head` does
        code = 128 + 13  # SIGPIPE, which not every system has
        _discard_output()
    except OSError as error:
        code = _fail(f"{error.filename or 'the output'}: {error.strerror or error}")
        _discard_output()
    except MemoryError:
        code = _fail(OUT_OF_MEMORY)
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        code = _fail(f"{OUT_OF_MEMORY}: {str(error).splitlines()[0]:.200}")
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 2


def _discard_output() -> None:
    """What Python would still write at its end goes nowhere, instead of failing again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@dataclass(frozen=True)
class Processes:
    """Several processes, on one machine or many, that work together. Under Slurm, Open MPI and on
    TPU pods none of this need be given."""

    coordinator: str | None = None
    """Address of process 0, HOST:PORT."""
    process_id: int | None = None
    """Index of this process, from 0."""
    process_count: int | None = None
    """Number of processes."""

    def join(self) -> None:
        """Join the others, before JAX is used. Raises UserError if they do not appear."""
        machines.join(self.coordinator, self.process_id, self.process_count)

    @property
    def is_first(self) -> bool:
        """Whether this process writes, once they have joined."""
        return jax.process_index() == 0


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


def deciding(args: Sequence[str], option: str) -> str | None:
    """The value of an option that decides what the other options are. Raises ConfigError if it is
    given twice: two readings of one command line would be possible."""
    values = [value for name, value in _given(args) if name == option]
    if len(values) > 1:
        raise ConfigError(
            f"{option} is given twice: {values[0]!r} and {values[1]!r}; leave one out"
        )
    return values[0] if values else None


def _choices(cls: type) -> dict[str, tuple[str, ...]]:
    """Option -> its allowed values, over the dataclass and its groups."""
    found: dict[str, tuple[str, ...]] = {}
    for name, hint in get_type_hints(cls).items():
        if hasattr(hint, "__dataclass_fields__"):
            found |= _choices(hint)
        elif get_origin(hint) is Literal:
            found["--" + name.replace("_", "-")] = tuple(map(str, get_args(hint)))
    return found
