"""Train, measure and tabulate every model: `python -m experiments.scoreboard`. Stop it any time."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from experiments import command, evaluate, train
from experiments.compare import feature_net
from gen_models import render
from gen_models.comparison import board, entries, pictures
from gen_models.config import Between, validate
from gen_models.data.known import CATALOG
from gen_models.evaluation import record
from gen_models.evaluation.protocol import Protocol
from gen_models.models import MODELS
from gen_models.training import checkpoint, environment
from gen_models.training import config as configs
from gen_models.training import run as runs
from gen_models.training.config import known_model

PAGE, NUMBERS, PICTURES = "README.md", "scoreboard.json", "scoreboard"


@dataclass(frozen=True)
class Options:
    """Train what is missing, evaluate what is missing, write the page. Goes on where it was."""

    models: tuple[str, ...] = tuple(MODELS)
    """Which models, with their default options."""
    datasets: tuple[str, ...] = tuple(CATALOG)
    """Which data sets."""
    seeds: Annotated[int, Between(1, 1000)] = 3
    """Runs of each, seeds 0, 1, …"""
    steps: configs.Steps = 5000
    """Training steps of each."""
    results: Path = Path("results")
    """Where the page goes; its runs are below in runs/."""


def planned(options: Options) -> list[tuple[str, str, int, Path]]:
    """(data set, model, seed, folder) of every run, all models of a seed before the next seed."""
    return [
        (name, model, seed, options.results / "runs" / f"{name}-{model}-{seed}")
        for seed in range(options.seeds)
        for name in options.datasets
        for model in options.models
    ]


def trained(folder: Path, steps: int) -> bool:
    """Whether a run is done."""
    return steps in checkpoint.steps(folder / runs.CHECKPOINTS)


def evaluated(folder: Path, steps: int, protocol: Protocol) -> bool:
    """Whether its last state has been evaluated in full, and under this protocol."""
    try:
        found = record.read(folder / record.NAME)
    except record.RecordError:
        return False
    in_full = found.subject.get("step") == steps and "authenticity" in found.measures
    return in_full and found.protocol == protocol


def bring_about(options: Options) -> int:
    """Train and evaluate all that is missing. Returns the exit code of the first that stopped."""
    for name, model, seed, folder in planned(options):
        if not trained(folder, options.steps):
            args = ["--model", model, "--dataset", name, "--seed", seed, "--steps", options.steps]
            code = train.main([*map(str, args), "--out", str(folder)])
            if code:
                return code
        wanted = evaluate.protocol(name, evaluate.Options())
        if not evaluated(folder, options.steps, wanted):
            evaluate.main([str(folder), "--cas"])
    return 0


def collected(options: Options) -> dict[str, list[entries.Entry]]:
    """The entries of each data set."""
    found: dict[str, list[runs.Run]] = {}
    for name, _, _, folder in planned(options):
        found.setdefault(name, []).append(runs.load(folder))
    return {
        name: entries.entries(these, {r.folder: record.read(r.folder / record.NAME) for r in these})
        for name, these in found.items()
    }


def main(args: Sequence[str]) -> int:
    """Bring about, collect, write, say where. Returns the exit code."""
    options = command.parse("scoreboard", Options, args)
    validate(options)
    for model in options.models:
        known_model(model)
    code = bring_about(options)
    if code:
        return code
    found = collected(options)
    words = f"python -m experiments.scoreboard {shlex.join(args)}".strip()
    machine = environment.in_words(environment.describe())
    runs.write_text(options.results / PAGE, board.board(words, machine, found))
    runs.write_text(options.results / NUMBERS, board.as_json(words, machine, found))
    (options.results / PICTURES).mkdir(exist_ok=True)
    for name, columns in found.items():
        net = feature_net(name)
        grids = {e.name: pictures.grid(*entries.by_class(e.drawn, net)) for e in columns}
        render.save_png(pictures.captioned(grids), options.results / PICTURES / f"{name}.png")
    print(options.results / PAGE)
    return 0


if __name__ == "__main__":
    command.run(main)
