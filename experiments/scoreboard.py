"""Train, measure and tabulate every model: `python -m experiments.scoreboard`. Stop it any time."""

import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

from experiments import command, evaluate, train
from experiments.compare import feature_net
from gen_models import render
from gen_models.comparison import board, entries, ledger, pictures
from gen_models.comparison.ledger import Cell, Result
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

PAGE, NUMBERS = "README.md", "scoreboard.json"
ALWAYS = ("dcgan", "cgan", "vae")  # these are given every seed and data set, the best or not

Results = Mapping[Cell, Result]


@dataclass(frozen=True)
class Options:
    """Every model once on the first data set; the best, and dcgan, cgan and vae, with every seed on
    every data set. Trains and measures what the scoreboard lacks, a run at a time. To have a run
    made anew, take it out of scoreboard.json."""

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
    """Where page, numbers and pictures go; runs are trained below it, in runs/."""


def cells(options: Options, results: Results) -> Iterator[Cell]:
    """Every run, in the order in which they are to be made. Which models are the best is asked when
    each has been asked for once."""
    once = [Cell(options.datasets[0], model, 0, options.steps) for model in options.models]
    yield from once
    chosen = leading(once, results, options.best)
    for seed in range(options.seeds):
        for dataset, model in product(options.datasets, chosen):
            cell = Cell(dataset, model, seed, options.steps)
            if cell not in once:
                yield cell


def leading(once: Sequence[Cell], results: Results, best: int) -> list[str]:
    """The models that always are, and those of the lowest FID among all that have been measured."""
    found = filled(once, results)
    ranked = sorted(found, key=lambda cell: found[cell].fid)[:best]
    return [cell.model for cell in once if cell.model in ALWAYS or cell in ranked]


def filled(wanted: Iterable[Cell], results: Results) -> dict[Cell, Result]:
    """The results that count: of today's default options, measured as is done today."""
    return {
        cell: results[cell]
        for cell in wanted
        if cell in results
        and results[cell].options == default_options(cell)
        and results[cell].evaluation.protocol == protocol(cell.dataset)
    }


def default_options(cell: Cell) -> dict[str, object]:
    """Every option that decides the result of a run of this cell."""
    named = {"model": cell.model, "dataset": cell.dataset, "seed": cell.seed}
    return configs.identity(configs.from_flat(named))


def protocol(dataset: str) -> Protocol:
    """What the board measures under."""
    return assess.protocol(dataset, assess.Extent())


def folder_of(cell: Cell, options: Options) -> Path:
    """Where the run of a cell is trained."""
    return options.results / "runs" / cell.name


def make(cell: Cell, folder: Path) -> int:
    """Train and evaluate what `folder` lacks of it. Returns the exit code of what stopped, or 0.

    Raises DivergenceError.
    """
    if cell.steps not in checkpoint.steps(folder / runs.CHECKPOINTS):
        args = ["--model", cell.model, "--dataset", cell.dataset, "--seed", cell.seed]
        code = train.main([*map(str, args), "--steps", str(cell.steps), "--out", str(folder)])
        if code:
            return code
    if not evaluated(folder, cell.steps, protocol(cell.dataset)):
        return evaluate.main([str(folder), "--cas"])
    return 0


def evaluated(folder: Path, steps: int, wanted: Protocol) -> bool:
    """Whether its last state has been evaluated in full, and under this protocol."""
    found = record.current(folder / record.NAME, steps, wanted)
    names = found.measures.keys() if found else ()
    scored = "classification_score" in names or "label_accuracy" not in names
    return "authenticity" in names and scored


def result(run: runs.Run) -> Result:
    """What a run that is trained and evaluated came to."""
    session = run.sessions()[-1]
    evaluation = record.read(run.folder / record.NAME)
    options, machine = configs.identity(run.config), environment.machine(session)
    return Result(options, evaluation, run.seconds, machine, session["code"])


def draw(run: runs.Run, cell: Cell, options: Options) -> None:
    """Its samples, a class a row, from the latents that every model is given."""
    path = options.results / board.picture(cell.dataset, cell.model)
    path.parent.mkdir(exist_ok=True)
    images, names = entries.by_class(run, feature_net(cell.dataset))
    render.save_png(pictures.grid(images, names), path)


def publish(words: str, options: Options, results: Results) -> None:
    """Write the page of all that counts."""
    wanted = list(cells(options, results))
    found = filled(wanted, results)
    missing = [cell.name for cell in wanted if cell not in found]
    write_text(options.results / PAGE, board.board(words, found, missing))


def main(args: Sequence[str]) -> int:
    """Make what is missing, publishing after each run. Returns the exit code."""
    options = command.parse("scoreboard", Options, args)
    validate(options)
    for model in options.models:
        known_model(model)
    words = f"python -m experiments.scoreboard {shlex.join(args)}".strip()
    results = ledger.read(options.results / NUMBERS)
    code = fill(words, options, results)
    publish(words, options, results)
    print(options.results / PAGE)
    return code


def fill(words: str, options: Options, results: dict[Cell, Result]) -> int:
    """Make every run that `results` lacks, and add it there and on disk. Returns the exit code of
    what stopped, or 0."""
    for cell in cells(options, results):
        if filled([cell], results):
            continue
        folder = folder_of(cell, options)
        try:
            code = make(cell, folder)
        except DivergenceError as error:
            print(f"{folder} is left out: {error}", file=sys.stderr)
            continue
        if code:
            return code
        run = runs.load(folder)
        if cell.seed == 0:
            draw(run, cell, options)
        results[cell] = result(run)
        ledger.write(options.results / NUMBERS, results)
        publish(words, options, results)
    return 0


if __name__ == "__main__":
    command.run(main)
