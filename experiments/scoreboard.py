"""Train, measure and tabulate every model: `python -m experiments.scoreboard`. Stop it any time."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

from experiments import command
from gen_models import assessment, render, runs
from gen_models.assessment import Extent
from gen_models.comparison import entries, pictures
from gen_models.data.known import CATALOG
from gen_models.evaluation import features, record
from gen_models.evaluation.evaluator import Evaluator
from gen_models.fields import Between, ConfigError, nearest, validate
from gen_models.models import MODELS
from gen_models.runs import Run
from gen_models.runs.recipe import Steps, known_model
from gen_models.scoreboard import agenda, page, results
from gen_models.scoreboard.agenda import ALWAYS, Agenda
from gen_models.scoreboard.results import Cell, Result
from gen_models.storage.files import write_text
from gen_models.training import session
from gen_models.training.fit import DivergenceError
from gen_models.training.progress import Terminal

PAGE, NUMBERS = "README.md", "scoreboard.json"


@dataclass(frozen=True)
class Options:
    """Every model once on the first data set; the best, and dcgan, cgan and vae, with every seed on
    every data set. Trains and measures what the scoreboard lacks, a run at a time; one that
    diverges is tried again each time. To have a run made again, take it out of scoreboard.json and
    its folder out of runs/, while no scoreboard is being made."""

    models: tuple[str, ...] = (*ALWAYS, *(model for model in MODELS if model not in ALWAYS))
    """Models to train, with their default options."""
    datasets: tuple[str, ...] = tuple(CATALOG)
    """Data sets to train on."""
    seeds: Annotated[int, Between(1, 1000)] = 3
    """Runs of the best, seeds 0, 1, …"""
    best: Annotated[int, Between(0, 1000)] = 5
    """Number of models that are the best, by FID on the first data set."""
    steps: Steps = 5000
    """Training steps of each run; a board has one number of them."""
    results: Path = Path("results")
    """Folder of the page, the numbers and the pictures; runs are trained below it, in runs/."""

    @property
    def agenda(self) -> Agenda:
        """The runs that the scoreboard is to have."""
        return Agenda(self.models, self.datasets, self.seeds, self.best, self.steps)


def make(cell: Cell, folder: Path) -> int:
    """Train and evaluate what `folder` lacks of a cell's run. Returns the exit code of what
    stopped, or 0. Raises DivergenceError."""
    recipe, splits = session.completed(agenda.recipe_of(cell, folder))
    if not agenda.is_trained(cell, folder):
        with Terminal(folder, cell.steps) as terminal:
            ended = session.train(recipe, splits, [terminal], terminal.say)
        if not ended.is_done:
            return ended.interruption.exit_code
    if not agenda.is_evaluated(cell, folder):
        evaluator = Evaluator(features.of(cell.dataset), splits)
        report = partial(print, file=sys.stderr)
        found = assessment.evaluate_run(runs.load(folder), evaluator, Extent(cas=True), report)
        record.write(folder / record.NAME, found)
    return 0


def draw(run: Run, cell: Cell, options: Options) -> None:
    """Its samples, a class a row, from the latents that every model is given."""
    path = options.results / page.picture(cell.dataset, cell.model)
    path.parent.mkdir(exist_ok=True)
    images, names = entries.by_class(run, features.find(cell.dataset))
    render.save_png(pictures.grid(images, names), path)


def publish(options: Options, found: dict[Cell, Result]) -> None:
    """Write the page of all that counts, whether it was asked for now or not."""
    missing = [cell.name for cell in options.agenda.missing(found)]
    text = page.page(options.steps, agenda.valid(found, found), missing)
    write_text(options.results / PAGE, text)


def main(args: Sequence[str]) -> int:
    """Make what is missing, publishing after each run. Returns the exit code."""
    options = command.parse("scoreboard", Options, args)
    validate(options)
    check(options)
    found = results.read(options.results / NUMBERS)
    if any(cell.steps != options.steps for cell in found):
        steps = ", ".join(str(number) for number in sorted({cell.steps for cell in found}))
        raise ConfigError(
            f"{options.results / NUMBERS} is of runs of {steps} steps, asked for {options.steps}; "
            "choose another folder with --results"
        )
    code = fill(options, found)
    publish(options, found)
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


def fill(options: Options, found: dict[Cell, Result]) -> int:
    """Make every run that `found` lacks, and add it there and on disk. Returns the exit code of
    what stopped, or 0."""
    path = options.results / NUMBERS
    for cell in options.agenda.cells(found):
        if agenda.valid([cell], found):
            continue
        folder = options.results / "runs" / cell.name
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
        found |= results.read(path)  # what others made meanwhile
        found[cell] = agenda.result_of(run)
        results.write(path, found)
        publish(options, found)
    return 0


if __name__ == "__main__":
    command.run(main)
