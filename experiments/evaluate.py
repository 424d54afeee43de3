"""Measure models, or another program's images: `python -m experiments.evaluate RUN [RUN …]`."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import tyro
from rich.console import Console

from experiments import command
from gen_models import assessment, render, runs, trained
from gen_models.assessment import EvaluationExtent
from gen_models.data import catalog
from gen_models.data.catalog import Splits
from gen_models.data.known import CATALOG
from gen_models.errors import UserError
from gen_models.evaluation import features, record
from gen_models.evaluation.evaluator import Evaluator
from gen_models.evaluation.record import Evaluation
from gen_models.fields import Between, ConfigError, validate
from gen_models.runs import Run
from gen_models.sampling import drawing
from gen_models.storage.names import distinct_names
from gen_models.trained import Trained

OF_RUNS = "best", "ema_decay", "samples", "seed", "draws", "likelihood_images"  # options


@dataclass(frozen=True)
class Options(EvaluationExtent):
    """Measure samples against real images: fidelity, diversity, labels, copying, likelihood."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Run folders, saved model files, or names of shipped models. An evaluation.json is written
    into each run; MODEL.evaluation.json, for other models, into the working folder."""
    best: bool = False
    """Use the best checkpoint that --evaluate-every-steps kept instead of the last one."""
    ema_decay: Annotated[float, Between(0, 1)] | None = None
    """Decay of the averaged weights to draw from, for runs that kept several (--ema-decays)."""
    images: Path | None = None
    """Generated images to measure instead of a run: IDX, .npy, .npz, or a folder or zip of PNGs."""
    labels: Path | None = None
    """Requested class of each of --images, one integer per image: IDX, .npy, .npz, .txt or .csv."""
    name: str | None = None
    """Name of what drew --images, for tables. Default: the name of the file."""
    unlabelled: bool = False
    """Ignore labels in the file of --images, for images from an unconditional model."""
    dataset: str | None = None
    """Data set to measure --images against: fashion_mnist or mnist. Default: that of --data-dir."""
    data_dir: Path | None = None
    """Folder with the four IDX files. Not needed for a run, unless its data have moved, nor for a
    model of a known data set."""
    features: Path | None = None
    """Weights file of a feature net. Default: the data set's, shipped or in results/features/."""


def make_evaluator(splits: Splits, options: Options) -> Evaluator:
    """The evaluator with the feature net that the options name. Raises UserError."""
    path = options.features or features.net_path(splits.train.name)
    return Evaluator(features.load(path), splits, options.reference)


@contextmanager
def progress(name: str) -> Iterator[None]:
    """While the block measures, a bar on standard error shows what and for how long."""
    with render.Stages() as stages:
        stages.report(f"measuring {name}", None)
        yield


class UnwrittenEvaluation(NamedTuple):
    """An evaluation that is not yet written."""

    name: str  # heading of its column
    path: Path  # path of the file to write
    evaluation: Evaluation


def evaluate_images(options: Options, report: Callable[[str], None]) -> UnwrittenEvaluation:
    """Measure another program's images. Raises UserError."""
    path = options.images.absolute()
    dataset = catalog.name_to_look_for(options.dataset, options.data_dir)
    splits = catalog.load_splits(dataset, options.data_dir)
    samples = assessment.read_samples(
        path, options.labels, splits.train, unlabelled=options.unlabelled
    )
    evaluator = make_evaluator(splits, options)
    picture = path.with_name(f"{path.name}.memorisation.png")
    name = options.name or path.name
    with progress(path.name):
        if options.fd_infinity:
            evaluator.check_extrapolation(len(samples.images), str(path))
        evaluation = assessment.evaluate_images(samples, evaluator, options, name, picture, report)
    return UnwrittenEvaluation(name, path.with_name(f"{path.name}.{record.NAME}"), evaluation)


def evaluate(options: Options, report: Callable[[str], None]) -> Iterator[UnwrittenEvaluation]:
    """Each evaluation that the options ask for, as soon as it is done. Raises UserError."""
    if options.images is not None:
        yield evaluate_images(options, report)
    evaluators: dict[str, Evaluator] = {}
    models = [load_model(path, options) for path in options.runs]  # errors before minutes of work
    check_file_names([model.name for model in models if isinstance(model, Trained)])
    names = distinct_names(options.runs)
    for index, (name, model) in enumerate(zip(names, models, strict=True), 1):
        if model.data.digest not in evaluators:
            splits = assessment.load_run_data(model.recipe.options, model.data, options.data_dir)
            evaluators[model.data.digest] = make_evaluator(splits, options)
        evaluator = evaluators[model.data.digest]
        measure = evaluate_run if isinstance(model, Run) else evaluate_portable
        count = f", {index} of {len(names)}" if len(names) > 1 else ""
        with progress(name + count):
            if options.fd_infinity:
                evaluator.check_extrapolation(options.samples, "--samples")
            evaluated = measure(name, model, evaluator, options, report)
        yield evaluated


def load_model(path: Path, options: Options) -> Run | Trained:
    """A run with a state to measure, or a saved or shipped model. Raises UserError."""
    if (path / runs.CONFIG).is_file():
        model = runs.load(path)
        drawing.check_state(model, best=options.best, ema_decay=options.ema_decay)
    else:
        model = trained.load(path, best=options.best, ema_decay=options.ema_decay)
    assessment.check_reference(model.recipe.options, options.reference, str(path))
    return model


def check_file_names(names: Sequence[str]) -> None:
    """Raise ConfigError if the files of two models would have one name."""
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ConfigError(
            f"several models are called {', '.join(repeated)}, after which their evaluations are "
            "named; measure them one at a time, in different folders, or rename their files"
        )


def evaluate_run(
    name: str, run: Run, evaluator: Evaluator, options: Options, report: Callable[[str], None]
) -> UnwrittenEvaluation:
    """Measure a run. Raises UserError."""
    is_default = options.ema_decay in (None, run.recipe.config.ema_decay)
    decay = None if is_default else options.ema_decay
    evaluation = assessment.evaluate_run(
        run, evaluator, options, report, best=options.best, ema_decay=decay
    )
    heading = name if is_default else f"{name} ema_decay={decay}"
    return UnwrittenEvaluation(heading, run.folder / record.file_name(decay), evaluation)


def evaluate_portable(
    name: str,
    model: Trained,
    evaluator: Evaluator,
    options: Options,
    report: Callable[[str], None],
) -> UnwrittenEvaluation:
    """Measure a saved or shipped model. Raises UserError."""
    picture = Path(f"{model.name}.memorisation.png")
    evaluation = model.evaluate_with(evaluator, options, picture, report)
    return UnwrittenEvaluation(name, Path(f"{model.name}.{record.NAME}"), evaluation)


def show(console: Console, evaluations: Sequence[Evaluation]) -> None:
    """Print the evaluations of one protocol: as tables of the terminal's width, elsewhere as one of
    Markdown. Raises ProtocolError."""
    protocol = record.common_protocol(evaluations)
    console.print(f"{protocol}; (±) 95 % of this evaluation", markup=False, soft_wrap=True)
    rows = record.table(evaluations)
    if console.is_terminal:
        console.print(*render.terminal_tables(rows, console.width), sep="\n")
    else:
        console.print(render.markdown_table(rows), markup=False, soft_wrap=True, end="")
    lines = (line for e in evaluations for line in (*record.omissions(e), *record.warnings(e)))
    for line in dict.fromkeys(lines):
        console.print(line, markup=False, soft_wrap=True)


def check(options: Options) -> None:
    """Raise ConfigError for options that contradict each other."""
    if bool(options.runs) == bool(options.images):
        raise ConfigError("name one run or more, or --images FILE, and not both")
    of_images = options.dataset, options.labels, options.name, options.unlabelled
    if options.runs and any(of_images):
        raise ConfigError(
            "--dataset, --labels, --name and --unlabelled go with --images, not with runs"
        )
    if options.unlabelled and options.labels:
        raise ConfigError("--labels and --unlabelled contradict each other; leave one out")
    for name in OF_RUNS:
        if options.images and getattr(options, name) != getattr(Options, name):
            raise ConfigError(f"--{name.replace('_', '-')} goes with runs, not with --images")
    if options.images and not (options.dataset or options.data_dir):
        raise ConfigError(
            "--images needs --dataset or --data-dir, the data to compare with: the data set that "
            f"the images are meant to be like, one of {', '.join(CATALOG)} or a folder"
        )


def main(args: Sequence[str]) -> int:
    """Evaluate, write the results, print one table per protocol. Returns the exit code."""
    options = command.parse("evaluate", Options, args)
    validate(options)
    check(options)
    console = Console(highlight=False)
    by_protocol, code, began = defaultdict(list), 0, time.perf_counter()
    try:
        for name, path, evaluation in evaluate(options, command.report):
            headed = evaluation._replace(subject=evaluation.subject | {"name": name})
            by_protocol[evaluation.protocol].append(headed)
            seconds, began = time.perf_counter() - began, time.perf_counter()
            try:
                record.write(path, evaluation)
                console.print(f"{path}: {seconds:.0f} s", markup=False, soft_wrap=True)
            except UserError as error:  # the other runs can be measured nevertheless
                command.report(f"error: {error}")
                code = 2
    finally:  # whatever fails or is interrupted, what was measured is shown: it took minutes
        for evaluations in by_protocol.values():
            show(console, evaluations)
    return code


if __name__ == "__main__":
    command.run(main, spare=["--samples"])
