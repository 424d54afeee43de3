"""The runs that the scoreboard must contain, and those that are missing."""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

from gen_models import assessment, runs
from gen_models.evaluation import record
from gen_models.evaluation.protocol import Protocol
from gen_models.evaluation.record import Evaluation
from gen_models.models import MODELS
from gen_models.runs import Recipe, Run, checkpoint, environment
from gen_models.runs import recipe as recipes
from gen_models.scoreboard.results import Cell, RunResult

CONFIGS = Path("configs")
TABLES = (CONFIGS / "papers.py", CONFIGS / "fitted_priors.py")
ALWAYS = ("dcgan", "cgan", "vae")  # models that are trained on every data set in any case

Results = Mapping[Cell, RunResult]


class Agenda(NamedTuple):
    """For each seed every model on the first data set and the best models on the others; then every
    preset once, on the first data set."""

    models: Sequence[str]  # names of models
    datasets: Sequence[str]  # names of data sets
    seeds: int  # number of seeds, 0, 1, …
    best: int  # number of models that count as the best, by FID on the first data set
    steps: int  # training steps of each run
    presets: Mapping[str, str] = {}  # rows of tables in configs/, with the model of each

    def cells(self, results: Results) -> Iterator[Cell]:
        """All runs, in the order in which to make them. The best models are determined from
        `results` after one run of every model."""
        first, *others = self.datasets
        for seed in range(self.seeds):
            yield from (Cell(first, model, seed, self.steps) for model in self.models)
            if seed == 0:
                leading = self.leading_models(results)
            for dataset, model in product(others, leading):
                yield Cell(dataset, model, seed, self.steps)
        for preset, model in self.presets.items():
            if model in self.models:
                yield Cell(first, model, 0, self.steps, preset)

    def leading_models(self, results: Results) -> list[str]:
        """The agenda's models that are in ALWAYS or among the `best` of all measured models, by the
        FID of seed 0 on the first data set."""
        first = (self.datasets[0], 0, "")
        once = [cell for cell in results if (cell.dataset, cell.seed, cell.preset) == first]
        measured = valid_results(once, results)
        ranked = sorted(measured, key=lambda cell: measured[cell].fid)[: self.best]
        best = [*ALWAYS, *(cell.model for cell in ranked)]
        return [model for model in self.models if model in best]

    def missing_cells(self, results: Results) -> list[Cell]:
        """The runs without a valid result."""
        made = valid_results(results, results)
        return [cell for cell in self.cells(results) if cell not in made]


def valid_results(cells: Iterable[Cell], results: Results) -> dict[Cell, RunResult]:
    """The valid results of `cells`: of existing models and presets, with today's options and
    protocol."""
    preset_models = presets()
    return {
        cell: results[cell]
        for cell in cells
        if cell in results
        and cell.model in MODELS
        and (not cell.preset or preset_models.get(cell.preset) == cell.model)
        and recipes.with_added_options(results[cell].options) == recipe_of(cell).identity
        and results[cell].evaluation.protocol == protocol(cell.dataset)
    }


def recipe_of(cell: Cell, out: Path | None = None) -> Recipe:
    """The recipe of a cell's run, with the options of its preset or the default ones of its
    model. Raises ConfigError."""
    values = {name: getattr(cell, name) for name in ("dataset", "model", "seed", "steps")}
    if cell.preset:
        values = recipes.read(CONFIGS / cell.preset) | values
    recipe = recipes.defaults(values, None, cell.preset or None)
    return recipe.with_options(out=out)


def presets() -> dict[str, str]:
    """The presets in the scoreboard, with the model of each; none if their files do not exist."""
    rows = [row for table in TABLES if table.exists() for row in recipes.rows(table)]
    return {row.name: recipes.read(row)["model"] for row in rows}


@functools.cache
def protocol(dataset: str) -> Protocol:
    """The protocol of the scoreboard's measures on a data set."""
    return assessment.protocol(dataset, assessment.EvaluationExtent())


def is_trained(cell: Cell, folder: Path) -> bool:
    """Whether `folder` holds the completed run of a cell. Raises UserError."""
    if max(checkpoint.steps(folder / runs.CHECKPOINTS), default=0) != cell.steps:
        return False
    return runs.load(folder).recipe.identity == recipe_of(cell).identity


def diverged_at(cell: Cell, folder: Path) -> int | None:
    """The last finite step of a cell's run that diverged with today's options and code, else None.
    Raises UserError."""
    if not (folder / runs.DIVERGED).exists() or is_trained(cell, folder):
        return None
    run = runs.load(folder)
    is_same = run.recipe.identity == recipe_of(cell).identity
    codes = [session.get("code") for session in run.sessions()]
    return run.diverged_at if is_same and codes[-1:] == [environment.code_version()] else None


def is_evaluated(cell: Cell, folder: Path, *, cas: bool) -> bool:
    """Whether the last state of a cell's run has a full evaluation under the right protocol, with
    the classification accuracy score of a conditional model if `cas`."""
    path, extent = folder / record.NAME, assessment.EvaluationExtent()
    evaluation = assessment.match_evaluation(path, cell.steps, protocol(cell.dataset), extent)
    if evaluation is None or "authenticity" not in evaluation.measures:
        return False
    return has_score(evaluation) or not cas


def has_score(evaluation: Evaluation) -> bool:
    """Whether an evaluation has the classification accuracy score, if it can have one."""
    names = evaluation.measures.keys()
    return "classification_score" in names or "label_accuracy" not in names


def result_of(run: Run, preset: str = "") -> RunResult:
    """The result of a trained and evaluated run, of a preset or not. Raises UserError."""
    sessions = run.sessions()
    if not sessions:
        raise runs.RunError(
            f"{run.folder / runs.ENVIRONMENT} does not say what the run was trained on; move the "
            "run away to have it made again"
        )
    return RunResult(
        options=run.recipe.identity,
        evaluation=record.read(run.folder / record.NAME),
        seconds=run.seconds,
        machine=", then ".join(dict.fromkeys(environment.machine(s) for s in sessions)),
        code=", then ".join(dict.fromkeys(s["code"] for s in sessions)),
        preset=preset,
    )
