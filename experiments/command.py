"""Code that all commands share: options, error messages, the compilation cache."""

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import jax
import tyro
from tyro.constructors import (
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
    StructConstructorSpec,
    StructFieldSpec,
    StructTypeInfo,
)

from gen_models.errors import UserError
from gen_models.fields import ConfigError, check, checked, nearest
from gen_models.models import MODELS
from gen_models.runs import environment
from gen_models.schedules import Schedule
from gen_models.storage import compilations
from gen_models.training import machines
from gen_models.training.interrupt import Interrupted

OPTIONS = (tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff)
REGISTRY = ConstructorRegistry()


@REGISTRY.primitive_rule
def _real(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec | None:
    """Rule by which tyro reads a number, a schedule or, where the option allows it, None."""
    kinds = _kinds(info.type)
    if not {float, Schedule} <= kinds:
        return None

    def read(args: list[str]) -> float | Schedule | None:
        if args == ["None"] and NoneType in kinds:
            return None
        return Schedule.parse(args[0]) if ":" in args[0] else float(args[0])

    absent = "|None" if NoneType in kinds else ""
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=f"FLOAT|SCHEDULE{absent}",
        instance_from_str=read,
        is_instance=lambda value: isinstance(value, tuple(kinds | {int})),
        str_from_instance=lambda value: [str(value)],
    )


@REGISTRY.struct_rule
def _group(info: StructTypeInfo) -> StructConstructorSpec | None:
    """Rule by which the help of a group of options shows each default once."""
    if _group in info.markers:  # asked for what tyro's own rules make of it
        return None
    spec = ConstructorRegistry.get_struct_spec(replace(info, markers=(*info.markers, _group)))
    return spec and replace(spec, fields=tuple(map(_with_default_shown_once, spec.fields)))


def _with_default_shown_once(option: StructFieldSpec) -> StructFieldSpec:
    """The option, with its default added to its help unless it is absent and its docstring says
    what then holds."""

    def shown(default: str) -> str:
        text = option.helptext() if callable(option.helptext) else option.helptext
        stated = default == "None" and "Default: " in (text or "")
        return f"(default: {default})" if default and not stated else ""

    return replace(option, type=Annotated[option.type, tyro.conf.arg(help_behavior_hint=shown)])


def _kinds(hint: object) -> set[object]:
    """The types in a union, also within other unions and annotations; of any other type, itself."""
    if get_origin(hint) is Annotated:
        return _kinds(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return set().union(*map(_kinds, get_args(hint)))
    return {hint}


def run(main: Callable[[Sequence[str]], int], spare: Sequence[str] = ()) -> None:
    """Run a command and exit with its code. User errors give one message and status 2.

    `spare` are the command's options that take less memory if they are smaller.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        # Imports are over: from here on Ctrl-C raises KeyboardInterrupt.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # A terminal or a log that cannot show "β" or "±" gets an escape in its place, as stderr does.
    sys.stdout.reconfigure(errors="backslashreplace")
    for name, value in environment.fix_settings().items():
        usual = environment.FIXED_SETTINGS[name]
        ignored = f"{name.upper()}={value} is ignored; commands compute with {usual}"
        print(ignored, file=sys.stderr)
    environment.prepare_gpu()
    compilations.keep()
    out_of_memory, code, failed = _out_of_memory(spare), 1, True
    try:
        code = _started(main)
        sys.stdout.flush()  # here, where a full disk can still be reported
        failed = False
    except UserError as error:
        code = _fail(str(error))
    except BrokenPipeError:  # the reader of the output has ended, as `head` does
        code = 128 + 13  # 13 is SIGPIPE, which not every system defines
        _discard_output()
    except OSError as error:
        code = _fail(f"{error.filename or 'the output'}: {error.strerror or error}")
        _discard_output()
    except MemoryError:
        code = _fail(out_of_memory)
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        code = _fail(f"{out_of_memory}: {str(error).splitlines()[0]:.200}")
    except FloatingPointError as error:
        code = _fail(
            f"{str(error).splitlines()[0]:.200}; JAX_DEBUG_NANS or JAX_DEBUG_INFS is set: "
            "without it, a training names the metric and the step of a NaN"
        )
    except Interrupted as interrupted:
        print(interrupted, file=sys.stderr)
        code = interrupted.exit_code
    except KeyboardInterrupt:
        code = 130
    finally:
        if failed and machines.joined():
            if sys.exception() is not None:  # one that nothing here has caught
                traceback.print_exc()
            machines.leave(code)
    sys.exit(code)


def _started(main: Callable[[Sequence[str]], int]) -> int:
    """The command's exit code. Raises UserError if it failed because JAX has no device."""
    try:
        return main(sys.argv[1:])
    except (RuntimeError, AssertionError):
        environment.devices()
        raise


def _out_of_memory(spare: Sequence[str]) -> str:
    """Message for running out of memory."""
    smaller = f"try a smaller {' or '.join(spare)}, or " if spare else ""
    return f"out of memory; {smaller}end other programs that use this device"


def report(line: str) -> None:
    """Print a line on standard error, above the progress bar if there is one."""
    print(line, file=sys.stderr)


def _fail(message: str) -> int:
    report(f"error: {message}")
    return 2


def _discard_output() -> None:
    """Discard the output that Python would flush at its exit, where it would fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@dataclass(frozen=True)
class Processes:
    """Cooperating processes, on one machine or several. Not needed in a Slurm step (srun), under
    mpirun of Open MPI 4 or on TPU pods, where they are detected. Under other mpiruns (Open MPI 5,
    MPICH, Intel MPI) only --coordinator is needed."""

    coordinator: str | None = None
    """Address of process 0, as HOST:PORT."""
    process_id: int | None = None
    """Index of this process, from 0."""
    process_count: int | None = None
    """Number of processes. 1: this process trains alone, wherever it was started."""

    def join(self) -> None:
        """Join the other processes, before JAX is used. Raises UserError if they do not appear."""
        machines.join(self.coordinator, self.process_id, self.process_count)

    @property
    def is_first(self) -> bool:
        """Whether this process, once joined, is the one that writes files and output."""
        return jax.process_index() == 0


def parse(command: str, cls: type, args: Sequence[str], model: str | None = None) -> Any:
    """Parse `args` into the dataclass `cls`, whose nested dataclasses are option groups. `model` is
    the model whose options are among them.

    Raises ConfigError for an option that is given twice, for a value that is none of an option's
    choices, with the nearest right one, or no number where one is expected, and for an option of
    other models, with their names; exits with status 2 for anything else that tyro refuses, such as
    a misspelt option.
    """
    hints = _hints(cls)
    for option, value in _given(args).items():
        if option in hints and value is not None:
            _check_value(option, value, hints[option])
        elif model and option not in hints:
            _check_foreign(option, model)
    prog = f"python -m experiments.{command}" + (f" --model {model}" if model else "")
    with REGISTRY, warnings.catch_warnings():
        # tyro looks for the default's type in a union before it asks the rule above.
        warnings.filterwarnings("ignore", "<class 'float'> does not match any type in Union")
        return tyro.cli(cls, args=list(args), prog=prog, config=OPTIONS)


def _given(args: Sequence[str]) -> dict[str, str | None]:
    """The first value of each option in `args`, from --option VALUE and --option=VALUE; None for an
    option without a value. Raises ConfigError for an option that is given twice, of which tyro
    would take the last."""
    given: dict[str, str | None] = {}
    for arg, following in zip_longest(args, args[1:]):
        if arg.startswith("--"):
            name, equals, value = arg.partition("=")
            option = name.replace("_", "-")
            if option in given:
                raise ConfigError(
                    f"{option} is given twice; give it once, followed by its value or values"
                )
            follows = None if following is None or following.startswith("--") else following
            given[option] = value if equals else follows
    return given


def deciding(args: Sequence[str], option: str) -> str | None:
    """The value of an option that determines which other options exist. Raises ConfigError if an
    option is given twice."""
    return _given(args).get(option)


def _check_value(option: str, value: str, hint: object) -> None:
    """Raise ConfigError for a value that is none of a type's choices, or none of its numbers and
    schedules. Other types are left to tyro."""
    if get_origin(hint) is tuple:
        hint = get_args(hint)[0]
    choices, kinds = _choices(hint), _kinds(hint)
    if choices and value not in choices:
        raise ConfigError(f"{option} is {value!r}; {nearest(value, choices)}")
    if Schedule in kinds and ":" in value:
        checked(option, value, hint)
    elif kinds & {int, float} and not (value == "None" and NoneType in kinds):
        try:
            (int if int in kinds else float)(value)
        except ValueError:
            check(option, value, hint)


def _hints(cls: type) -> dict[str, Any]:
    """Types by option, of a dataclass and of its groups."""
    found: dict[str, Any] = {}
    for name, hint in get_type_hints(cls).items():
        if hasattr(hint, "__dataclass_fields__"):
            found |= _hints(hint)
        else:
            found["--" + name.replace("_", "-")] = hint
    return found


def _choices(hint: object) -> tuple[str, ...]:
    """Allowed values of a `Literal`, () for other types."""
    return tuple(map(str, get_args(hint))) if get_origin(hint) is Literal else ()


def _check_foreign(option: str, model: str) -> None:
    """Raise ConfigError if a model lacks an option that others have."""
    owners = [name for name, module in MODELS.items() if option in _hints(module.Config)]
    if owners:
        raise ConfigError(f"{model} has no {option}, an option of {', '.join(owners)}")
