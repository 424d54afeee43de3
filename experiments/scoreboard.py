"""Train, measure and tabulate all models: `python -m experiments.scoreboard`. Stop it any time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from experiments import command
from gen_models import assessment, render, runs
from gen_models.assessment import EvaluationExtent
from gen_models.comparison import entries, pictures
from gen_models.data.known import CATALOG
from gen_models.evaluation import features, record
from gen_models.evaluation.evaluator import Evaluator
from gen_models.fields import Between, ConfigError, check_known, validate
from gen_models.models import MODELS
from gen_models.runs import Run
from gen_models.runs.recipe import Steps, known_model
from gen_models.scoreboard import agenda, page, results
from gen_models.scoreboard.agenda import ALWAYS, Agenda
from gen_models.scoreboard.results import Cell, RunResult
from gen_models.storage.files import sole_writer, write_text
from gen_models.training import session
from gen_models.training.fit import DivergenceError
from gen_models.training.progress import Terminal

PAGE, NUMBERS, PEERS = "README.md", "scoreboard.json", "peers"


@dataclass(frozen=True)
class Options:
    """Train and measure, one at a time, the runs that the scoreboard lacks: with every seed every
    model on the first data set, and the best models, dcgan, cgan and vae on the others; the
    presets of configs/papers.py and fitted_priors.py once on the first data set. A run that
    diverged is tried again by other code only. To repeat a run, delete it from scoreboard.json and
    its folder from runs/ while the scoreboard is not running."""

    models: tuple[str, ...] = (*ALWAYS, *(model for model in MODELS if model not in ALWAYS))
    """Models to train, with their default options and their presets."""
    datasets: tuple[str, ...] = tuple(CATALOG)
    """Data sets to train on."""
    seeds: Annotated[int, Between(1, 1000)] = 3
    """Number of seeds, 0, 1, …, of every model; a preset has one."""
    best: Annotated[int, Between(0, 1000)] = 5
    """Number of models that count as the best, by FID on the first data set."""
    steps: Steps = 5000
    """Training steps of each run, the same for the whole scoreboard."""
    cas: bool = False
    """Also compute the classification accuracy score of conditional models, which takes minutes a
    run; a run whose folder is gone stays without it."""
    results: Path = Path("results")
    """Folder of the page, scoreboard.json and the pictures; runs are trained in its runs/."""

    @property
    def agenda(self) -> Agenda:
        """The runs that the scoreboard must contain."""
        models, presets = self.models, agenda.presets()
        return Agenda(models, self.datasets, self.seeds, self.best, self.steps, presets)

    def folder(self, cell: Cell) -> Path:
        """The folder of a cell's run."""
        return self.results / "runs" / cell.name


def make(cell: Cell, folder: Path, extent: EvaluationExtent) -> int:
    """Train and evaluate a cell's run in `folder`, as far as that is not done. Returns 0, or the
    exit code of the command if stopped. Raises DivergenceError."""
    recipe, splits = session.completed(agenda.recipe_of(cell, folder))
    if not agenda.is_trained(cell, folder):
        with Terminal(folder, cell.steps) as terminal:
            ended = session.train(recipe, splits, [terminal], terminal.say)
        if not ended.is_done:
            return ended.interruption.exit_code
        ended.run.check_steps()
    if not agenda.is_evaluated(cell, folder, cas=extent.cas):
        evaluator = Evaluator(features.of(cell.dataset), splits)
        evaluation = assessment.evaluate_run(runs.load(folder), evaluator, extent, command.report)
        record.write(folder / record.NAME, evaluation)
    return 0


def draw(run: Run, cell: Cell, options: Options) -> None:
    """Write samples of a run, one row per class, from the latents that all models share."""
    path = options.results / page.picture(cell.dataset, cell.row)
    path.parent.mkdir(exist_ok=True)
    images, names = entries.by_class(run, features.find(cell.dataset))
    render.save_png(pictures.grid(images, names), path)


def publish(options: Options) -> None:
    """Write the page of all valid results on disk, including those of other processes, and of what
    is missing, whichever part of the scoreboard `options` name."""
    whole = Options(results=options.results, steps=options.steps)
    with sole_writer(options.results / PAGE):
        board = results.read(options.results / NUMBERS)
        asked, others = options.agenda.missing_cells(board), whole.agenda.missing_cells(board)
        missing = dict.fromkeys([*asked, *others])
        steps = {cell: agenda.diverged_at(cell, options.folder(cell)) for cell in missing}
        peers = results.read_peers(options.results / PEERS)
        text = page.page(options.steps, agenda.valid_results(board, board), steps, peers)
        write_text(options.results / PAGE, text)


def main(args: Sequence[str]) -> int:
    """Make the missing runs, publishing the page after each. Returns the exit code."""
    options = command.parse("scoreboard", Options, args)
    validate(options)
    check(options)
    board = results.read(options.results / NUMBERS)
    if any(cell.steps != options.steps for cell in board):
        steps = ", ".join(str(number) for number in sorted({cell.steps for cell in board}))
        raise ConfigError(
            f"{options.results / NUMBERS} is of runs of {steps} steps, asked for {options.steps}; "
            "choose another folder with --results"
        )
    if any(cell.preset for cell in board) and not agenda.presets():
        raise ConfigError(
            f"{options.results / NUMBERS} has rows of presets, which {agenda.CONFIGS.absolute()} "
            "has not; run the command in the project's folder"
        )
    results.read_peers(options.results / PEERS)  # an error here costs no hours of work
    code = fill(options, board)
    publish(options)
    print(options.results / PAGE)
    return code


def check(options: Options) -> None:
    """Raise ConfigError for unknown models or data sets, and for an empty list of either."""
    for model in options.models:
        known_model(model)
    for dataset in options.datasets:
        check_known("data set", dataset, CATALOG)
    if not options.models or not options.datasets:
        raise ConfigError("name one model and one data set at least")


def fill(options: Options, board: dict[Cell, RunResult]) -> int:
    """Make every run that `board` lacks, and add its result to `board` and on disk. Skips runs that
    diverged, and those whose folder holds another run. Returns 0, or the exit code of the command
    if stopped."""
    path = options.results / NUMBERS
    for cell in options.agenda.cells(board):
        result = agenda.valid_results([cell], board).get(cell)
        if result and (not options.cas or agenda.has_score(result.evaluation)):
            continue
        folder = options.folder(cell)
        if result and not folder.exists():
            command.report(f"{cell.name} stays without CAS: {folder} is not there")
            continue
        step = agenda.diverged_at(cell, folder)
        if step is not None:
            command.report(
                f"{folder} is left out: it diverged after step {step}; to try it again with the "
                "same code, delete the folder"
            )
            continue
        try:
            code = make(cell, folder, EvaluationExtent(cas=options.cas))
        except DivergenceError as error:
            runs.load(folder).mark_diverged(error.step)
            command.report(f"{folder} is left out: {error}")
            continue
        except runs.BusyRunError as error:  # such as one that fills the same scoreboard
            command.report(f"{folder} is left to another process: {error}")
            continue
        except runs.OtherRunError as error:  # such as one with earlier defaults
            command.report(f"{folder} is left out; move it away to have it made: {error}")
            continue
        if code:
            return code
        run = runs.load(folder)
        if cell.seed == 0:
            draw(run, cell, options)
        board |= results.add(path, board, cell, agenda.result_of(run, cell.preset))
        publish(options)
    return 0


if __name__ == "__main__":
    command.run(main)
