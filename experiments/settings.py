"""The command lines of `sweep` and `search`: options of a model that take several values."""

from collections.abc import Sequence
from dataclasses import field, fields, make_dataclass
from pathlib import Path
from typing import Any, NamedTuple, get_origin, get_type_hints

from experiments import command
from experiments.command import Processes
from gen_models.fields import validate
from gen_models.runs import Recipe, RunOptions
from gen_models.runs import recipe as recipes
from gen_models.runs.recipe import TrainingOptions


class Asked(NamedTuple):
    """What a command line asks for."""

    options: Any  # options that all runs share, of the class that was asked for
    processes: Processes  # cooperating processes
    base: Recipe  # recipe that all runs start from
    given: dict[str, tuple[Any, ...]]  # values of each option of the model


def parse(name: str, options: type[TrainingOptions], about: str, args: Sequence[str]) -> Asked:
    """Parse the command line of the command `name`, and its --config. `about` is its help. Raises
    ConfigError."""
    source, model = (command.deciding(args, option) for option in ("--config", "--model"))
    values = recipes.read(Path(source)) if source else {}
    start = recipes.defaults(values, model, source)
    model, defaults = start.options.model, start.config
    shared = {*(f.name for f in fields(TrainingOptions)), "seed"} - {"hold_out"}
    read = {name: getattr(start.options, name) for name in shared if name in values}
    hints = get_type_hints(type(defaults), include_extras=True)
    # Each option of the model becomes a tuple of its type, to take several values. An option that
    # is a tuple already takes one value.
    several = {f.name for f in fields(defaults) if get_origin(hints[f.name]) is not tuple}
    axes = make_dataclass(
        "Axes",
        [
            (f.name, tuple[hints[f.name], ...], field(default=(getattr(defaults, f.name),)))
            if f.name in several
            else (f.name, hints[f.name], field(default=getattr(defaults, f.name)))
            for f in fields(defaults)
        ],
        frozen=True,
    )
    axes.__doc__ = (
        "Options of the model, each with one value or several; "
        f"`train --model {model} --help` says what each is."
    )
    groups = [
        ("common", options, field(default=options(**read | {"model": model}))),
        ("processes", Processes, field(default=Processes())),
        (model, axes, field(default=axes())),
    ]
    both = make_dataclass("Settings", groups, frozen=True)
    both.__doc__ = about
    found: Any = command.parse(name, both, args, model=model)
    validate(found.common)
    common = {f.name: getattr(found.common, f.name) for f in fields(TrainingOptions)}
    base = RunOptions(**common, keep_checkpoints=start.options.keep_checkpoints)
    values = {f.name: getattr(getattr(found, model), f.name) for f in fields(axes)}
    given = {name: x if name in several else (x,) for name, x in values.items()}
    return Asked(found.common, found.processes, Recipe(base, defaults), given)
