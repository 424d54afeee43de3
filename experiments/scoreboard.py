"""Train, measure and tabulate every model: `python -m experiments.scoreboard`. Stop it any time."""

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, NamedTuple

from experiments import command, evaluate, train
from experiments.compare import feature_net
from gen_models import render
from gen_models.comparison import board, entries, pictures
from gen_models.config import Between, validate
from gen_models.data.known import CATALOG
from gen_models.evaluation import assess, record
from gen_models.evaluation.protocol import Protocol
from gen_models.files import write_text
from gen_models.models import MODELS
from gen_models.training import checkpoint, environment
from gen_models.training import config as configs
from gen_models.training import run as runs
from gen_models.training.config import known_model
from gen_models.training.fit import DivergenceError

PAGE, NUMBERS, PICTURES = "README.md", "scoreboard.json", "scoreboard"
ALWAYS = ("dcgan", "cgan", "vae")  # these are given every seed and data set, the best or not


@dataclass(frozen=True)
class Options:
    """Every model once on the first data set; the best, and dcgan, cgan and vae, with every seed on
    every data set. Trains and measures what is missing, writes the page of what there is."""

    models: tuple[str, ...] = (*ALWAYS, *(model for model in MODELS if model not in ALWAYS))
    """Which models, with their default options."""
    datasets: tuple[str, ...] = tuple(CATALOG)
    """Which data sets."""
    seeds: Annotated[int, Between(1, 1000)] = 3
    """Runs of the best, seeds 0, 1, …"""
    best: Annotated[int, Between(0, 1000)] = 5
    """How many models are the best, by FID on the first data set."""
    steps: configs.Steps = 5000
    """Training steps of each run."""
    results: Path = Path("results")
    """Where the page goes; its runs are below in runs/."""


class Cell(NamedTuple):
    """One run of the board."""

    dataset: str
    model: str
    seed: int
    folder: Path


def cells(options: Options) -> Iterator[Cell]:
    """Every run, in the order in which they are to be made. Which models are the best is asked when
    each has been asked for once."""

    def cell(dataset: str, model: str, seed: int) -> Cell:
        folder = options.results / "runs" / f"{dataset}-{model}-{seed}"
        return Cell(dataset, model, seed, folder)

    once = [cell(options.datasets[0], model, 0) for model in options.models]
    yield from once
    chosen = leading(once, options.best)
    for seed in range(options.seeds):
        for dataset, model in product(options.datasets, chosen):
            found = cell(dataset, model, seed)
            if found not in once:
                yield found


def leading(once: Sequence[Cell], best: int) -> list[str]:
    """The models that always are, and those of the lowest FID among all that have been measured."""
    fids = {cell.model: fid for cell in once if (fid := fid_of(cell.folder)) is not None}
    ranked = sorted(fids, key=fids.__getitem__)[:best]
    given = [cell.model for cell in once]
    return [model for model in given if model in ALWAYS or model in ranked]


def fid_of(folder: Path) -> float | None:
    """The FID in a run's evaluation, None without one."""
    try:
        return record.read(folder / record.NAME).measures["fid"]["value"]
    except record.RecordError:
        return None


def trained(folder: Path, steps: int) -> bool:
    """Whether a run is done."""
    return steps in checkpoint.steps(folder / runs.CHECKPOINTS)


def evaluated(folder: Path, steps: int, protocol: Protocol) -> bool:
    """Whether its last state has been evaluated in full, and under this protocol."""
    found = record.current(folder / record.NAME, steps, protocol)
    names = found.measures.keys() if found else ()
    scored = "classification_score" in names or "label_accuracy" not in names
    return "authenticity" in names and scored


def bring_about(options: Options) -> int:
    """Train and evaluate all that is missing. Returns the exit code of the first that stopped."""
    for name, model, seed, folder in cells(options):
        if not trained(folder, options.steps):
            args = ["--model", model, "--dataset", name, "--seed", seed, "--steps", options.steps]
            try:
                code = train.main([*map(str, args), "--out", str(folder)])
            except DivergenceError as error:
                print(f"{folder} is left out: {error}", file=sys.stderr)
                continue
            if code:
                return code
        wanted = assess.protocol(name, assess.Extent())
        if not evaluated(folder, options.steps, wanted):
            evaluate.main([str(folder), "--cas"])
    return 0


def done(folder: Path, steps: int) -> bool:
    """Whether a run is trained and measured."""
    return trained(folder, steps) and fid_of(folder) is not None


def missing(options: Options) -> list[str]:
    """The names of the runs that are not."""
    return [c.folder.name for c in cells(options) if not done(c.folder, options.steps)]


def collected(options: Options) -> dict[str, list[entries.Entry]]:
    """The entries of each data set, of runs that are done, the lowest FID first."""
    found: dict[str, list[runs.Run]] = {}
    for name, _, _, folder in cells(options):
        if done(folder, options.steps):
            found.setdefault(name, []).append(runs.load(folder))
    boards = {
        name: entries.entries(these, {r.folder: record.read(r.folder / record.NAME) for r in these})
        for name, these in found.items()
    }
    by_fid = lambda entry: entry.summary["fid"].value  # noqa: E731
    return {name: sorted(board, key=by_fid) for name, board in boards.items()}


def publish(words: str, options: Options, found: Mapping[str, Sequence[entries.Entry]]) -> None:
    """Write the page, the numbers and the pictures."""
    machine = environment.in_words(environment.describe())
    write_text(options.results / PAGE, board.board(words, machine, found, missing(options)))
    write_text(options.results / NUMBERS, board.as_json(words, machine, found))
    (options.results / PICTURES).mkdir(exist_ok=True)
    for name, columns in found.items():
        net = feature_net(name)
        grids = {e.name: pictures.grid(*entries.by_class(e.drawn, net)) for e in columns}
        picture = pictures.captioned(grids, columns=4)
        render.save_png(picture, options.results / PICTURES / f"{name}.png")


def main(args: Sequence[str]) -> int:
    """Bring about, collect, publish, say where. Returns the exit code."""
    options = command.parse("scoreboard", Options, args)
    validate(options)
    for model in options.models:
        known_model(model)
    code = bring_about(options)
    found = collected(options)
    if found:
        publish(f"python -m experiments.scoreboard {shlex.join(args)}".strip(), options, found)
        print(options.results / PAGE)
    return code


if __name__ == "__main__":
    command.run(main)
