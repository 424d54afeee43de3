"""Train a model: `python -m experiments.train --model cgan --steps 5000`."""

import os
import shlex
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, make_dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments import command
from experiments.command import Processes
from experiments.progress import Terminal
from gen_models import render
from gen_models.config import ConfigError, validate
from gen_models.data import catalog
from gen_models.data.known import CATALOG
from gen_models.evaluation import assess
from gen_models.models import MODELS
from gen_models.training import config as configs
from gen_models.training import drawing, environment, fit, gallery
from gen_models.training import run as runs
from gen_models.training.config import Config, RunConfig
from gen_models.training.interrupt import interruptible
from gen_models.training.placement import Placement

MAX_IN_MEMORY_BYTES = 2**30
STOPPED = 128 + signal.SIGTERM  # a signal reached another process, not this one
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
    """Where the options below get their defaults."""

    config: Path | None = None
    """A preset in configs/, or the config.json of a run."""
    resume: Path | None = None
    """The folder of a run to go on with. Running the same command again does so too."""


def parse(args: Sequence[str]) -> tuple[Config, Processes]:
    """The config that the command line asks for, and who works on it.

    Raises ConfigError and RunError.
    """
    default = defaults(args)
    cls = make_dataclass(
        "Options",
        [
            ("start", Start, field(default=Start())),
            ("processes", Processes, field(default=Processes())),
            ("run", RunConfig, field(default=default.run)),
            (default.run.model, type(default.options), field(default=default.options)),
        ],
        frozen=True,
    )
    cls.__doc__ = "Train a generative model. `--model M --help` lists the options of model M."
    options: Any = command.parse("train", cls, args)
    config = Config(options.run, getattr(options, default.run.model))
    for part in config:
        validate(part)
    return config, options.processes


def defaults(args: Sequence[str]) -> Config:
    """What the options are where they are not given, by --resume, --config and --model."""
    given = {name: command.deciding(args, f"--{name}") for name in ("config", "resume", "model")}
    values = {}
    if given["resume"] is not None:
        values = resumed(Path(given["resume"]), args)
    elif given["config"] is not None:
        values = configs.read(Path(given["config"]))
    if given["model"] is not None:
        if configs.known_model(given["model"]) != values.get("model", given["model"]):
            fields = (RunConfig, MODELS[given["model"]].Config)
            known = {name for cls in fields for name in cls.__dataclass_fields__}
            values = {name: value for name, value in values.items() if name in known}
        values["model"] = given["model"]
    try:
        return configs.from_flat(values)
    except ConfigError as error:
        where = given["resume"] or given["config"]
        raise ConfigError(f"{where}: {error}" if where else str(error)) from error


def resumed(folder: Path, args: Sequence[str]) -> dict[str, Any]:
    """The options of the run to go on with. Raises ConfigError and RunError."""
    for option in ("--config", "--out"):
        if command.deciding(args, option) is not None:
            raise ConfigError(f"{option} and --resume contradict each other; leave one out")
    return configs.to_flat(runs.load(folder).config) | {"out": str(folder)}


def load_data(config: Config) -> tuple[Config, catalog.Dataset, catalog.Dataset]:
    """The training and the test split; the config with all that was left to be found out.

    That is the data set's name, its folder if the environment named it, and the run's folder.
    """
    run = config.run
    named = run.data_dir or os.environ.get(catalog.DATA_DIR_VARIABLE)
    folder = Path(named) if named else None
    if folder and not str(folder).startswith("~"):
        folder = folder.absolute()  # so that the run can be resumed from elsewhere
    # A run on a folder of one's own records the name that the folder gave it: no catalogue has it.
    name = run.dataset if run.dataset in CATALOG or folder is None else None
    given = folder if run.data_dir else None  # the environment's folder may be passed over
    train, test = (in_memory(catalog.load(name, split, given)) for split in ("train", "test"))
    if run.dataset not in (None, train.name):
        raise catalog.DataError(
            f"{folder} holds {train.name!r}, not {run.dataset!r}; leave out --dataset"
        )
    config = config._replace(run=replace(run, dataset=train.name, data_dir=folder))
    out = run.out or runs.RUNS / configs.run_name(config)
    return config._replace(run=replace(config.run, out=out)), train, test


def in_memory(dataset: catalog.Dataset) -> catalog.Dataset:
    """The data set, read into memory unless it is huge.

    A mapped file that another program cuts short kills this process, and one that it overwrites
    changes the data under training.
    """
    is_mapped = isinstance(dataset.images, np.memmap)
    if not is_mapped or dataset.images.nbytes > MAX_IN_MEMORY_BYTES:
        return dataset
    return dataset._replace(images=np.array(dataset.images))


def train(run: runs.Run, data: tuple[catalog.Dataset, catalog.Dataset]) -> int:
    """Train a run to its end or to a signal, and say where to look. Returns the exit code."""
    options = run.config.run
    began = time.perf_counter()
    before, session = run.sessions(), environment.describe()
    run.record_sessions([*before, session])
    with (
        interruptible() as interruption,
        Terminal(run.folder, options.steps, resumed=bool(before)) as terminal,
    ):
        for change in environment.changes(before[-1], session) if before else ():
            terminal.say(f"the last bits of the result may differ: {change}")
        observers: list[fit.Observer] = [terminal]
        if options.tensorboard:
            from experiments.event_files import EventFiles  # slow to import, and seldom wanted

            observers.append(EventFiles(run.folder / "tensorboard"))
        trainer = fit.Trainer(run, *data)
        evaluate = assess.evaluator(run, data) if options.eval_every else None
        step = fit.fit(
            trainer, observers, lambda: interruption.by is not None, terminal.say, evaluate
        )
    session |= {"reached": step, "seconds": round(time.perf_counter() - began, 1)}
    run.record_sessions([*before, session])
    if step < options.steps:
        resume = f"python -m experiments.train --resume {shlex.quote(str(run.folder))}"
        by = interruption.by.name if interruption.by else "another process was told to stop"
        print(f"{by}: saved at step {step}. To go on: {resume}")
        return interruption.exit_code or STOPPED
    exhibit(run, data[1])
    report(run, step)
    return 0


def exhibit(run: runs.Run, test: catalog.Dataset) -> None:
    """Draw the gallery of a run that is done."""
    state = drawing.newest_state(run, print)
    folder = run.folder / "gallery"
    folder.mkdir(exist_ok=True)
    for name, picture in gallery.gallery(run, state, test).items():
        render.save_png(picture, folder / f"{name}.png")


def report(run: runs.Run, step: int) -> None:
    """The paths to look at."""
    print(f"{run.folder}: {step} steps done. Look at")
    for name, what in PRODUCTS.items():
        if (run.folder / name).exists():
            print(f"  {run.folder / name}  {what}")
    print(f"more samples: python -m experiments.sample {run.folder}")


def follow(config: Config, data: tuple[catalog.Dataset, catalog.Dataset]) -> int:
    """Train along with process 0, which does all the writing. Returns the exit code."""
    run = runs.Run(config.run.out, config, runs.data_of(data[0]))
    with interruptible() as interruption:
        step = fit.fit(
            fit.Follower(run, *data),
            should_stop=lambda: interruption.by is not None,
            report=lambda _: None,
            evaluate=lambda _: {},
        )
    return 0 if step == config.run.steps else interruption.exit_code or STOPPED


def together(config: Config, processes: Processes) -> Config:
    """Join the other processes, if there are any; the config with the devices of all. Raises
    UserError."""
    processes.join()
    if jax.process_count() > 1 and config.run.devices == RunConfig.devices:
        config = config._replace(run=replace(config.run, devices=jax.device_count()))
    Placement(config.run.devices, config.run.batch_size)  # refuses what cannot be, in time
    return config


def main(args: Sequence[str]) -> int:
    """Parse, open the run, train it. Returns the exit code: 0, or 128 + signal when stopped."""
    config = together(*parse(args))
    config, *data = load_data(config)
    if jax.process_index() > 0:
        return follow(config, data)
    with runs.opened(config.run.out, config, data[0]) as run:
        return train(run, data)


if __name__ == "__main__":
    command.run(main)
