"""Which runs the scoreboard is to have, and which of them it has."""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

from gen_models import assessment, runs
from gen_models.evaluation import record
from gen_models.evaluation.protocol import Protocol
from gen_models.models import MODELS
from gen_models.runs import Recipe, Run, checkpoint, environment
from gen_models.scoreboard.results import Cell, Result

ALWAYS = ("dcgan", "cgan", "vae")  # these are given every seed and data set, the best or not

Results = Mapping[Cell, Result]


class Agenda(NamedTuple):
    """Every model once on the first data set, then the best with every seed on every data set."""

    models: Sequence[str]
    datasets: Sequence[str]
    seeds: int  # runs of the best, seeds 0, 1, …
    best: int  # how many models are the best, by FID on the first data set
    steps: int  # training steps of each run

    def cells(self, results: Results) -> Iterator[Cell]:
        """Every run, in the order in which they are to be made. Which models are the best is asked
        when each has been asked for once."""
        once = [Cell(self.datasets[0], model, 0, self.steps) for model in self.models]
        yield from once
        chosen = self.leading(results)
        for seed in range(self.seeds):
            for dataset, model in product(self.datasets, chosen):
                cell = Cell(dataset, model, seed, self.steps)
                if cell not in once:
                    yield cell

    def leading(self, results: Results) -> list[str]:
        """Of the models asked for, those that always are and those among the `best` of all models
        that have been measured, by the FID of seed 0 on the first data set."""
        once = [cell for cell in results if (cell.dataset, cell.seed) == (self.datasets[0], 0)]
        found = valid(once, results)
        ranked = sorted(found, key=lambda cell: found[cell].fid)[: self.best]
        best = [*ALWAYS, *(cell.model for cell in ranked)]
        return [model for model in self.models if model in best]

    def missing(self, results: Results) -> list[Cell]:
        """The runs that are still to be made."""
        found = valid(results, results)
        return [cell for cell in self.cells(results) if cell not in found]


def valid(wanted: Iterable[Cell], results: Results) -> dict[Cell, Result]:
    """The results that count: of today's models and default options, measured as is done today."""
    return {
        cell: results[cell]
        for cell in wanted
        if cell in results
        and cell.model in MODELS
        and results[cell].options == recipe_of(cell).identity
        and results[cell].evaluation.protocol == protocol(cell.dataset)
    }


def recipe_of(cell: Cell, out: Path | None = None) -> Recipe:
    """The recipe of a cell's run: the defaults of its model."""
    return Recipe.from_flat(cell._asdict()).with_options(out=out)


@functools.cache
def protocol(dataset: str) -> Protocol:
    """What the scoreboard measures under."""
    return assessment.protocol(dataset, assessment.Extent())


def is_trained(cell: Cell, folder: Path) -> bool:
    """Whether `folder` holds the whole run of a cell, and no other. Raises UserError."""
    if max(checkpoint.steps(folder / runs.CHECKPOINTS), default=0) != cell.steps:
        return False
    return runs.load(folder).recipe.identity == recipe_of(cell).identity


def is_evaluated(cell: Cell, folder: Path) -> bool:
    """Whether its last state has been evaluated in full, and under the scoreboard's protocol."""
    found = record.current(folder / record.NAME, cell.steps, protocol(cell.dataset))
    names = found.measures.keys() if found else ()
    scored = "classification_score" in names or "label_accuracy" not in names
    return "authenticity" in names and scored


def result_of(run: Run) -> Result:
    """What a run that is trained and evaluated came to. Raises UserError."""
    sessions = run.sessions()
    if not sessions:
        raise runs.RunError(
            f"{run.folder / runs.ENVIRONMENT} does not say what the run was trained on; move the "
            "run away to have it made again"
        )
    return Result(
        options=run.recipe.identity,
        evaluation=record.read(run.folder / record.NAME),
        seconds=run.seconds,
        machine=", then ".join(dict.fromkeys(environment.machine(s) for s in sessions)),
        code=", then ".join(dict.fromkeys(s["code"] for s in sessions)),
    )
