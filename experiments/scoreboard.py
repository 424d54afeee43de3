"""Train, measure and tabulate every model: `python -m experiments.scoreboard`. Stop it any time."""

import functools
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
from gen_models.config import Between, ConfigError, nearest, validate
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
    every data set. Trains and measures what the scoreboard lacks, a run at a time; one that
    diverges is tried anew each time. To have a run made anew, take it out of scoreboard.json and
    its folder out of runs/, while no scoreboard is being made."""

    models: tuple[str, ...] = (*ALWAYS, *(model for model in MODELS if model not in ALWAYS))
    """Which models, with their default options."""
    datasets: tuple[str, ...] = tuple(CATALOG)
    """Which data sets."""
    seeds: Annotated[int, Between(1, 1000)] = 3
    """Runs of the best, seeds 0, 1, …"""
    best: Annotated[int, Between(0, 1000)] = 5
    """How many models are the best, by FID on the first data set."""
    steps: configs.Steps = 5000
    """Training steps of each run; a board has one number of them."""
    results: Path = Path("results")
    """Where page, numbers and pictures go; runs are trained below it, in runs/."""


def cells(options: Options, results: Results) -> Iterator[Cell]:
    """Every run, in the order in which they are to be made. Which models are the best is asked when
    each has been asked for once."""
    once = [Cell(options.datasets[0], model, 0, options.steps) for model in options.models]
    yield from once
    chosen = leading(options, results)
    for seed in range(options.seeds):
        for dataset, model in product(options.datasets, chosen):
            cell = Cell(dataset, model, seed, options.steps)
            if cell not in once:
                yield cell


def leading(options: Options, results: Results) -> list[str]:
    """Of the models asked for, those that always are and those among the `best` of all models that
    have been measured, by the FID of seed 0 on the first data set."""
    once = [cell for cell in results if (cell.dataset, cell.seed) == (options.datasets[0], 0)]
    found = filled(once, results)
    ranked = sorted(found, key=lambda cell: found[cell].fid)[: options.best]
    best = [*ALWAYS, *(cell.model for cell in ranked)]
    return [model for model in options.models if model in best]


def filled(wanted: Iterable[Cell], results: Results) -> dict[Cell, Result]:
    """The results that count: of today's models and default options, measured as is done today."""
    return {
        cell: results[cell]
        for cell in wanted
        if cell in results
        and cell.model in MODELS
        and results[cell].options == default_options(cell)
        and results[cell].evaluation.protocol == protocol(cell.dataset)
    }


def default_options(cell: Cell) -> dict[str, object]:
    """Every option that decides the result of a run of this cell."""
    named = {"model": cell.model, "dataset": cell.dataset, "seed": cell.seed}
    return configs.identity(configs.from_flat(named))


@functools.cache
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
    if not trained(cell, folder):
        args = ["--model", cell.model, "--dataset", cell.dataset, "--seed", cell.seed]
        code = train.main([*map(str, args), "--steps", str(cell.steps), "--out", str(folder)])
        if code:
            return code
    if not evaluated(folder, cell.steps, protocol(cell.dataset)):
        return evaluate.main([str(folder), "--cas"])
    return 0


def trained(cell: Cell, folder: Path) -> bool:
    """Whether `folder` holds the whole run of a cell, and no other. Raises UserError."""
    if max(checkpoint.steps(folder / runs.CHECKPOINTS), default=0) != cell.steps:
        return False
    return configs.identity(runs.load(folder).config) == default_options(cell)


def evaluated(folder: Path, steps: int, wanted: Protocol) -> bool:
    """Whether its last state has been evaluated in full, and under this protocol."""
    found = record.current(folder / record.NAME, steps, wanted)
    names = found.measures.keys() if found else ()
    scored = "classification_score" in names or "label_accuracy" not in names
    return "authenticity" in names and scored


def result(run: runs.Run) -> Result:
    """What a run that is trained and evaluated came to. Raises UserError."""
    sessions = run.sessions()
    if not sessions:
        raise runs.RunError(
            f"{run.folder / runs.ENVIRONMENT} does not say what the run was trained on; move the "
            "run away to have it made anew"
        )
    return Result(
        options=configs.identity(run.config),
        evaluation=record.read(run.folder / record.NAME),
        seconds=run.seconds,
        machine=", then ".join(dict.fromkeys(environment.machine(s) for s in sessions)),
        code=", then ".join(dict.fromkeys(s["code"] for s in sessions)),
    )


def draw(run: runs.Run, cell: Cell, options: Options) -> None:
    """Its samples, a class a row, from the latents that every model is given."""
    path = options.results / board.picture(cell.dataset, cell.model)
    path.parent.mkdir(exist_ok=True)
    images, names = entries.by_class(run, feature_net(cell.dataset))
    render.save_png(pictures.grid(images, names), path)


def publish(options: Options, results: Results) -> None:
    """Write the page of all that counts, whether it was asked for now or not."""
    found = filled(results, results)
    missing = [cell.name for cell in cells(options, results) if cell not in found]
    write_text(options.results / PAGE, board.board(options.steps, found, missing))


def main(args: Sequence[str]) -> int:
    """Make what is missing, publishing after each run. Returns the exit code."""
    options = command.parse("scoreboard", Options, args)
    validate(options)
    check(options)
    results = ledger.read(options.results / NUMBERS)
    if any(cell.steps != options.steps for cell in results):
        steps = ", ".join(str(number) for number in sorted({cell.steps for cell in results}))
        raise ConfigError(
            f"{options.results / NUMBERS} is of runs of {steps} steps, asked for {options.steps}; "
            "choose another folder with --results"
        )
    code = fill(options, results)
    publish(options, results)
    print(options.results / PAGE)
    return code


def check(options: Options) -> None:
    """Raises ConfigError for models and data sets that are not known, or none."""
    for model in options.models:
        known_model(model)
    for dataset in options.datasets:
        if dataset not in CATALOG:
            raise ConfigError(f"no data set is called {dataset!r}; {nearest(dataset, CATALOG)}")
    if not options.models or not options.datasets:
        raise ConfigError("name one model and one data set at least")


def fill(options: Options, results: dict[Cell, Result]) -> int:
    """Make every run that `results` lacks, and add it there and on disk. Returns the exit code of
    what stopped, or 0."""
    path = options.results / NUMBERS
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
        results |= ledger.read(path)  # what others made meanwhile
        results[cell] = result(run)
        ledger.write(path, results)
        publish(options, results)
    return 0


if __name__ == "__main__":
    command.run(main)
