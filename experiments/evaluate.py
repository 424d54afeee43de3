"""Measure runs, or images of any other program: `python -m experiments.evaluate RUN [RUN …]`."""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from experiments import command
from gen_models.config import ConfigError, validate
from gen_models.data import catalog, idx
from gen_models.data.known import CATALOG
from gen_models.evaluation import assess, features, record
from gen_models.evaluation.assess import Extent
from gen_models.evaluation.record import Evaluation
from gen_models.evaluation.yardstick import Yardstick
from gen_models.training import run as runs


@dataclass(frozen=True)
class Options(Extent):
    """Measure samples against real images: fidelity, diversity, labels, copying, likelihood."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Folders of runs. Each is given an evaluation.json."""
    images: Path | None = None
    """Instead of a run, an IDX file of generated images, uint8[N,H,W]."""
    labels: Path | None = None
    """The classes that --images was asked for, an IDX file of N integers."""
    dataset: str | None = None
    """What to measure --images against: fashion_mnist, mnist, or nothing for --data-dir."""
    data_dir: Path | None = None
    """Folder with the four IDX files. A run's own is known, unless it has moved."""
    features: Path | None = None
    """Weights of a feature net. Default: the data set's own, shipped or in results/features/."""


def yardstick(dataset: str | None, data_dir: Path | None, options: Options) -> Yardstick:
    """What images of a data set are measured with. Raises UserError."""
    name = dataset if dataset in CATALOG or data_dir is None else None
    train, test = (catalog.load(name, split, data_dir) for split in ("train", "test"))
    net = features.load(options.features or features.net_path(train.name))
    return Yardstick(net, train, test, options.reference)


def evaluate_images(stick: Yardstick, options: Options) -> Evaluation:
    """Measure the images of another program. Raises UserError for files that do not fit."""
    images = idx.read(options.images)
    if images.dtype != np.uint8 or images.ndim != 3:
        found = f"{images.dtype.name}{list(images.shape)}"
        raise ConfigError(f"{options.images} holds {found}, expected images uint8[N,H,W]")
    labels = None if options.labels is None else idx.read(options.labels)
    if labels is not None:
        fits = labels.shape == (len(images),) and labels.dtype.kind in "iu"
        if not fits or np.any((labels < 0) | (labels >= stick.train.num_classes)):
            raise ConfigError(
                f"{options.labels} holds {labels.dtype.name}{list(labels.shape)}, expected one "
                f"integer below {stick.train.num_classes} for each of {len(images)} images"
            )
        labels = labels.astype(np.int32)
    picture = options.images.with_name(f"{options.images.name}.memorisation.png")
    evaluation = assess.evaluate_samples(assess.Samples(images, labels), stick, options, picture)
    evaluation.subject["name"] = options.images.name
    if labels is not None and options.cas:
        stick.add_classification_score(evaluation, images, labels)
    return evaluation


def table(evaluations: Sequence[Evaluation]) -> Table:
    """One protocol's numbers with 95 % intervals, a column a subject, real images beside them."""
    names = [evaluation.subject["name"] for evaluation in evaluations]
    heading, *rows = record.table(names, [record.summarise([e]) for e in evaluations])
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


def data_folder(run: runs.Run, options: Options) -> Path | None:
    """The one asked for, or the run's own; a known data set is found without it too."""
    own = run.config.run
    gone = own.data_dir is not None and not own.data_dir.expanduser().is_dir()
    return options.data_dir or (None if gone and own.dataset in CATALOG else own.data_dir)


def check(options: Options) -> None:
    """Raises ConfigError for options that contradict each other."""
    if bool(options.runs) == bool(options.images):
        raise ConfigError("name one run or more, or --images FILE, and not both")
    if options.runs and (options.dataset or options.labels):
        raise ConfigError("--dataset and --labels go with --images; a run knows its own")
    if options.images and options.best:
        raise ConfigError("--best goes with runs, not with --images")


def main(args: Sequence[str]) -> int:
    """Evaluate, write, print a table a protocol. Returns the exit code."""
    options = command.parse("evaluate", Options, args)
    validate(options)
    check(options)
    console = Console(highlight=False)
    by_protocol = defaultdict(list)
    if options.images is not None:
        stick = yardstick(options.dataset, options.data_dir, options)
        evaluation = evaluate_images(stick, options)
        record.write(options.images.with_name(f"{options.images.name}.{record.NAME}"), evaluation)
        by_protocol[evaluation.protocol].append(evaluation)
    sticks: dict[str, Yardstick] = {}
    for run in [runs.load(folder) for folder in options.runs]:
        own = run.config.run
        if run.data.digest not in sticks:
            folder = data_folder(run, options)
            sticks[run.data.digest] = yardstick(own.dataset, folder, options)
        stick = sticks[run.data.digest]
        if run.data.digest != stick.train.digest:
            raise runs.RunError(f"{run.folder} was trained on other data than {stick.train.name}")
        began = time.perf_counter()
        evaluation = assess.evaluate_run(run, stick, options)
        record.write(run.folder / record.NAME, evaluation)
        console.print(f"{run.folder / record.NAME}: {time.perf_counter() - began:.0f} s")
        by_protocol[evaluation.protocol].append(evaluation)
    for evaluations in by_protocol.values():
        console.print(table(evaluations))
    return 0


if __name__ == "__main__":
    command.run(main)
