"""Measure runs, or another program's images: `python -m experiments.evaluate RUN [RUN …]`."""

import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table

from experiments import command
from gen_models import assessment, runs
from gen_models.assessment import Extent
from gen_models.data import catalog, images
from gen_models.data.catalog import Splits
from gen_models.data.known import CATALOG
from gen_models.evaluation import features, record
from gen_models.evaluation.evaluator import Evaluator
from gen_models.evaluation.record import Evaluation
from gen_models.fields import ConfigError, validate


@dataclass(frozen=True)
class Options(Extent):
    """Measure samples against real images: fidelity, diversity, labels, copying, likelihood."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Folders of the runs to measure. An evaluation.json is written into each."""
    best: bool = False
    """Use the best checkpoint that --evaluate-every-steps kept instead of the last one."""
    images: Path | None = None
    """Generated images to measure instead of a run: IDX, .npy, .npz, or a folder or zip of PNGs."""
    labels: Path | None = None
    """Requested class of each of --images, one integer per image: IDX, .npy, .npz, .txt or .csv."""
    unlabelled: bool = False
    """Ignore labels in the file of --images, for images from an unconditional model."""
    dataset: str | None = None
    """Data set to measure --images against: fashion_mnist or mnist. Default: that of --data-dir."""
    data_dir: Path | None = None
    """Folder with the four IDX files. Not needed for a run, unless its data have moved."""
    features: Path | None = None
    """Weights file of a feature net. Default: the data set's, shipped or in results/features/."""


def evaluator(splits: Splits, options: Options) -> Evaluator:
    """The evaluator with the feature net that the options name. Raises UserError."""
    path = options.features or features.net_path(splits.train.name)
    return Evaluator(features.load(path), splits, options.reference)


def evaluate_images(options: Options) -> Evaluation:
    """Measure another program's images; write the results beside them. Raises UserError."""
    path = options.images.absolute()
    pixels, labels = images.read_images(path)
    if options.labels is not None:
        labels = images.read_labels(options.labels)
    samples = assessment.Samples(pixels, None if options.unlabelled else labels)
    name = catalog.name_to_look_for(options.dataset, options.data_dir)
    measured_with = evaluator(catalog.load_splits(name, options.data_dir), options)
    picture = path.with_name(f"{path.name}.memorisation.png")
    found = assessment.evaluate_images(samples, measured_with, options, path.name, picture)
    record.write(path.with_name(f"{path.name}.{record.NAME}"), found)
    return found


def table(evaluations: Sequence[Evaluation]) -> Table:
    """Table of one protocol's measures with 95 % intervals; columns: subjects, real images."""
    names = [evaluation.subject["name"] for evaluation in evaluations]
    heading, *rows = record.rows(names, [record.summarise([e]) for e in evaluations])
    shown = Table(title=f"{record.common_protocol(evaluations)}; ± 95 %", title_justify="left")
    for title in heading:
        shown.add_column(title, justify="right" if title else "left", overflow="fold")
    for cells in rows:
        shown.add_row(*cells)
    bounds = [e.likelihood for e in evaluations]
    if any(bounds):
        for part, title in record.PARTS.items():
            cells = [record.with_interval(**x[part], digits=2) if x else "–" for x in bounds]
            shown.add_row(title, *cells, "–")
        cells = [f"{x['images']}, k = {x['draws']}" if x else "–" for x in bounds]
        shown.add_row("  test images, draws", *cells, "–")
    return shown


def check(options: Options) -> None:
    """Raise ConfigError for options that contradict each other."""
    if bool(options.runs) == bool(options.images):
        raise ConfigError("name one run or more, or --images FILE, and not both")
    if options.runs and (options.dataset or options.labels or options.unlabelled):
        raise ConfigError("--dataset, --labels and --unlabelled go with --images, not with runs")
    if options.images and options.best:
        raise ConfigError("--best goes with runs, not with --images")
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
    console, report = Console(highlight=False), partial(print, file=sys.stderr)
    by_protocol = defaultdict(list)
    if options.images is not None:
        evaluation = evaluate_images(options)
        by_protocol[evaluation.protocol].append(evaluation)
    evaluators: dict[str, Evaluator] = {}
    for run in [runs.load(folder) for folder in options.runs]:
        if run.data.digest not in evaluators:
            splits = assessment.data_of(run.options, run.data, options.data_dir)
            evaluators[run.data.digest] = evaluator(splits, options)
        began = time.perf_counter()
        measured_with = evaluators[run.data.digest]
        evaluation = assessment.evaluate_run(run, measured_with, options, report, best=options.best)
        record.write(run.folder / record.NAME, evaluation)
        console.print(f"{run.folder / record.NAME}: {time.perf_counter() - began:.0f} s")
        by_protocol[evaluation.protocol].append(evaluation)
    for evaluations in by_protocol.values():
        console.print(table(evaluations))
    return 0


if __name__ == "__main__":
    command.run(main)
