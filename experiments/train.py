"""Train a model: `python -m experiments.train --model cgan --steps 5000`."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, make_dataclass, replace
from pathlib import Path
from typing import Any

from experiments import command
from experiments.progress import EventFiles, Terminal
from gen_models.config import validate
from gen_models.data import catalog
from gen_models.data.known import CATALOG
from gen_models.training import config as configs
from gen_models.training import environment, fit
from gen_models.training import run as runs
from gen_models.training.config import Config, RunConfig
from gen_models.training.interrupt import interruptible

PRODUCTS = {
    "samples.png": "samples",
    "reconstructions.png": "test images, each above its reconstruction",
    "curves.png": "losses",
    "animation.gif": "the samples as training went on",
    "checkpoints": "states",
}


@dataclass(frozen=True)
class Start:
    """Where the options below get their defaults."""

    config: Path | None = None
    """A preset in configs/, or the config.json of a run."""
    resume: Path | None = None
    """The folder of a run to go on with. Running the same command again does so too."""


def parse(args: Sequence[str]) -> Config:
    """The config that the command line asks for. Raises ConfigError and RunError."""
    given = {name: command.first_value(args, f"--{name}") for name in ("config", "resume", "model")}
    base = given["resume"] or given["config"]
    values = configs.read(Path(base)) if base else {}
    if given["resume"]:
        runs.load(Path(base))  # so that a folder that is no run is called so
        values["out"] = base
    if given["model"]:
        if configs.known_model(given["model"]) != values.get("model", given["model"]):
            values = {k: v for k, v in values.items() if k in RunConfig.__dataclass_fields__}
        values["model"] = given["model"]
    default = configs.from_flat(values)
    cls = make_dataclass(
        "Options",
        [
            ("start", Start, field(default=Start())),
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
    return config


def load_data(config: Config) -> tuple[Config, catalog.Dataset, catalog.Dataset]:
    """The training and the test split; the config with the data set's name and the run's folder."""
    run = config.run
    # A run on a folder of one's own records the name that the folder gave it: no catalogue has it.
    name = run.dataset if run.dataset in CATALOG or run.data_dir is None else None
    train, test = (catalog.load(name, split, run.data_dir) for split in ("train", "test"))
    if run.dataset not in (None, train.name):
        raise catalog.DataError(
            f"{run.data_dir} holds {train.name!r}, not {run.dataset!r}; leave out --dataset"
        )
    config = config._replace(run=replace(run, dataset=train.name))
    out = run.out or runs.RUNS / configs.run_name(config)
    return config._replace(run=replace(config.run, out=out)), train, test


def train(run: runs.Run, data: tuple[catalog.Dataset, catalog.Dataset]) -> int:
    """Train a run to its end or to a signal, and say where to look. Returns the exit code."""
    options = run.config.run
    began = time.perf_counter()
    session = environment.describe()
    with interruptible() as interruption, Terminal(run.folder, options.steps) as terminal:
        observers: list[fit.Observer] = [terminal]
        if options.tensorboard:
            observers.append(EventFiles(run.folder / "tensorboard"))
        trainer = fit.Trainer(run, *data)
        step = fit.fit(trainer, observers, lambda: interruption.by is not None, terminal.say)
    session |= {"reached": step, "seconds": round(time.perf_counter() - began, 1)}
    run.record_session(session)
    if interruption.by:
        resume = f"python -m experiments.train --resume {run.folder}"
        print(f"{interruption.by.name}: saved at step {step}. To go on: {resume}")
        return interruption.exit_code
    report(run, step)
    return 0


def report(run: runs.Run, step: int) -> None:
    """The paths to look at."""
    print(f"{run.folder}: {step} steps done. Look at")
    for name, what in PRODUCTS.items():
        if (run.folder / name).exists():
            print(f"  {run.folder / name}  {what}")
    print(f"more samples: python -m experiments.sample {run.folder}")


def main(args: Sequence[str]) -> int:
    """Parse, open the run, train it. Returns the exit code: 0, or 128 + signal when stopped."""
    config, *data = load_data(parse(args))
    with runs.opened(config.run.out, config, data[0]) as run:
        return train(run, data)


if __name__ == "__main__":
    command.run(main)
