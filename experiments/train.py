"""Train a model: `python -m experiments.train --model cgan --steps 5000`."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, make_dataclass
from pathlib import Path
from typing import Any

from experiments import command
from experiments.command import Processes
from gen_models import runs
from gen_models.fields import ConfigError, counted, validate
from gen_models.runs import Recipe, RunOptions
from gen_models.runs import recipe as recipes
from gen_models.training import session
from gen_models.training.progress import Terminal
from gen_models.training.session import Ended

PRODUCTS = {
    "samples.png": "samples",
    "reconstructions.png": "test images, each above its reconstruction",
    "curves.png": "losses",
    "animation.gif": "the samples as training went on",
    "gallery": "interpolations, and what else the model has learnt",
    "checkpoints": "states",
}


@dataclass(frozen=True)
class Start:
    """Source of the defaults of the options below."""

    config: Path | None = None
    """File to take options from: a preset in configs/, a row of a table of presets (FILE.py:ROW),
    or the config.json of a run."""
    resume: Path | None = None
    """Folder of a run to continue. Repeating the command that started the run continues it too."""


def parse(args: Sequence[str]) -> tuple[Recipe, Processes]:
    """The recipe and the processes that the command line asks for.

    Raises ConfigError and RunError.
    """
    default = defaults(args)
    model = default.options.model
    cls = make_dataclass(
        "Options",
        [
            ("start", Start, field(default=Start())),
            ("processes", Processes, field(default=Processes())),
            ("run", RunOptions, field(default=default.options)),
            (model, type(default.config), field(default=default.config)),
        ],
        frozen=True,
    )
    cls.__doc__ = "Train a generative model. `--model M --help` lists the options of model M."
    found: Any = command.parse("train", cls, args, model=model)
    recipe = Recipe(found.run, getattr(found, model))
    for part in recipe:
        validate(part)
    return recipe, found.processes


def defaults(args: Sequence[str]) -> Recipe:
    """Default options as given by --resume, --config and --model. Raises ConfigError, RunError."""
    given = {name: command.deciding(args, f"--{name}") for name in ("config", "resume", "model")}
    values = {}
    if given["resume"] is not None:
        values = resumed(Path(given["resume"]), args)
    elif given["config"] is not None:
        values = recipes.read(Path(given["config"]))
    return recipes.defaults(values, given["model"], given["resume"] or given["config"])


def resumed(folder: Path, args: Sequence[str]) -> dict[str, Any]:
    """The options of the run to continue. Raises ConfigError and RunError."""
    for option in ("--config", "--out"):
        if command.deciding(args, option) is not None:
            raise ConfigError(f"{option} and --resume contradict each other; leave one out")
    return runs.load(folder).recipe.to_flat() | {"out": str(folder)}


def report(ended: Ended) -> int:
    """Print what was written, or how to continue. Returns the exit code."""
    run, signalled = ended.run, ended.interruption
    if not ended.is_done:
        resume = f"python -m experiments.train --resume {shlex.quote(str(run.folder))}"
        by = signalled.by.name if signalled.by else "another process was told to stop"
        print(f"{by}: saved at step {ended.step}. To go on: {resume}")
        return signalled.exit_code
    print(f"{run.folder}: {counted(ended.step, 'step')} done. Look at")
    for name, what in PRODUCTS.items():
        if (run.folder / name).exists():
            print(f"  {run.folder / name}  {what}")
    print(f"more samples: python -m experiments.sample {shlex.quote(str(run.folder))}")
    return 0


def main(args: Sequence[str]) -> int:
    """Parse, train, report. Returns the exit code: 0, or 128 + signal when stopped."""
    recipe, processes = parse(args)
    processes.join()
    recipe, splits = session.completed(session.placed(recipe))
    if not processes.is_first:
        ended = session.train(recipe, splits)
        return 0 if ended.is_done else ended.interruption.exit_code
    with Terminal(recipe.options.out, recipe.options.steps) as terminal:
        ended = session.train(recipe, splits, [terminal], terminal.say)
    return report(ended)


if __name__ == "__main__":
    command.run(main, spare=["--batch-size", "--width"])
