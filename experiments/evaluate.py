"""Measure runs, or images of any other program: `python -m experiments.evaluate RUN [RUN …]`."""

import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import jax
import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from experiments import command
from gen_models import render
from gen_models.algorithm import Key, State
from gen_models.config import Between, ConfigError, validate
from gen_models.data import catalog, idx
from gen_models.data.known import CATALOG
from gen_models.evaluation import features, record
from gen_models.evaluation.likelihood import likelihood
from gen_models.evaluation.protocol import Protocol
from gen_models.evaluation.record import Evaluation
from gen_models.evaluation.yardstick import Yardstick
from gen_models.training import advance, drawing
from gen_models.training import run as runs
from gen_models.training.fit import Evaluate

PURPOSE = 2**31 + 2  # parts these keys from a training's and from sample's of the same seed
PAIR_COLUMNS = 20
SAMPLES = 10_000


@dataclass(frozen=True)
class Options:
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
    samples: Annotated[int, Between(10, 1_000_000)] = SAMPLES
    """How many images to draw from each run."""
    reference: Literal["test", "train"] = "test"
    """Split to compare with."""
    seed: Annotated[int, Between(0, 2**31 - 1)] = 0
    """Decides the latents."""
    best: bool = False
    """Take the best checkpoint that --eval-every kept, not the last one."""
    fd_infinity: bool = False
    """Also FID extrapolated to infinitely many samples."""
    cas: bool = False
    """Also the classification accuracy score of conditional models: minutes."""
    draws: Annotated[int, Between(1, 5000)] = 100
    """Importance samples an image, k, for the likelihood bound of models that have one."""
    likelihood_images: Annotated[int, Between(1, 1_000_000)] = 1000
    """How many images of the test split to take that bound of."""


def yardstick(dataset: str | None, data_dir: Path | None, options: Options) -> Yardstick:
    """What images of a data set are measured with. Raises UserError."""
    name = dataset if dataset in CATALOG or data_dir is None else None
    train, test = (catalog.load(name, split, data_dir) for split in ("train", "test"))
    net = features.load(options.features or features.net_path(train.name))
    return Yardstick(net, train, test, options.reference)


def own_yardstick(data: tuple[catalog.Dataset, catalog.Dataset]) -> Yardstick:
    """The one of default options for a data set that is loaded already. Raises UserError."""
    return Yardstick(features.load(features.net_path(data[0].name)), *data)


def protocol(dataset: str, options: Options) -> Protocol:
    """What evaluations of runs on a data set are made under. Raises UserError."""
    net = features.load(options.features or features.net_path(dataset))
    return Protocol(net.name, dataset, options.reference, options.samples)


class Samples(NamedTuple):
    """Images u8[N,H,W], and the classes i32[N] that they were asked for, if any were."""

    images: np.ndarray
    labels: np.ndarray | None


def draw(run: runs.Run, state: State, labels: np.ndarray, key: Key) -> Samples:
    """Samples from a state of a run, of the classes i32[N] if it is conditional."""
    build, spec, config = run.model
    images = render.to_uint8(drawing.draw(run.model, state, key, labels))
    return Samples(images, labels if build(config, spec).conditional else None)


def keys(seed: int) -> tuple[Key, Key]:
    """For the samples that are measured, and for those that a classifier is trained on."""
    key_samples, key_score = jax.random.split(jax.random.fold_in(jax.random.key(seed), PURPOSE))
    return key_samples, key_score


def evaluator(run: runs.Run, data: tuple[catalog.Dataset, catalog.Dataset]) -> Evaluate:
    """What `train --eval-every` calls: measures of a state; the whole goes to evaluation.json."""
    options = Options(samples=SAMPLES)
    stick = own_yardstick(data)
    labels = np.resize(stick.reference.labels, options.samples)

    def evaluate_state(state: State) -> dict[str, float]:
        samples = draw(run, state, labels, keys(options.seed)[0])
        evaluation = stick.evaluate(stick.describe(*samples))
        evaluation.subject.update(subject(run, state, options))
        record.write(run.folder / record.NAME, evaluation)
        return {name: row["value"] for name, row in evaluation.measures.items()}

    return evaluate_state


def subject(run: runs.Run, state: State, options: Options) -> dict[str, Any]:
    """What of a run was evaluated."""
    return {
        "name": run.folder.name,
        "model": run.config.run.model,
        "seed": run.config.run.seed,
        "step": int(state.step),
        "checkpoint": "best" if options.best else "last",
        "sampling_seed": options.seed,
    }


def evaluate_run(run: runs.Run, stick: Yardstick, options: Options) -> Evaluation:
    """Draw from a run and measure; the picture of the closest pairs goes into it."""
    state = drawing.newest_state(run, partial(print, file=sys.stderr), best=options.best)
    build, spec, config = run.model
    algorithm = build(config, spec)
    key_samples, key_score = keys(options.seed)
    # The classes in the reference's own frequencies, so that a perfect model can be perfect.
    labels = np.resize(stick.reference.labels, options.samples)
    samples = draw(run, state, labels, key_samples)
    evaluation = evaluate(samples, stick, options, run.folder / "memorisation.png")
    evaluation.subject.update(subject(run, state, options))
    if algorithm.conditional and options.cas:
        stick.add_classification_score(evaluation, *draw(run, state, stick.train.labels, key_score))
    if algorithm.importance is not None:
        real = (x[: options.likelihood_images] for x in (stick.test.images, stick.test.labels))
        bounds = partial(advance.bounds, *run.model, state)
        draws = 1 if algorithm.codes is not None else options.draws  # all of them are the same
        found = likelihood(bounds, *real, draws, options.seed)
        evaluation.likelihood.update(observation=algorithm.observation, **found)
    return evaluation


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
    evaluation = evaluate(Samples(images, labels), stick, options, picture)
    evaluation.subject["name"] = options.images.name
    if labels is not None and options.cas:
        stick.add_classification_score(evaluation, images, labels)
    return evaluation


def evaluate(samples: Samples, stick: Yardstick, options: Options, picture: Path) -> Evaluation:
    """All that needs nothing but samples. Those that lie closest to training images go to
    `picture`, each above its neighbour."""
    described = stick.describe(*samples)
    evaluation = stick.evaluate(described, fd_infinity=options.fd_infinity)
    stick.add_memorisation(evaluation, described, samples.images)
    ours, theirs = np.array(evaluation.details["memorisation"]["closest"]).T
    pairs = map(render.to_float, (samples.images[ours], stick.train.images[theirs]))
    names = ("sample", "nearest training image")
    render.save_png(render.pairs(*pairs, PAIR_COLUMNS, names=names), picture)
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
        evaluation = evaluate_run(run, stick, options)
        record.write(run.folder / record.NAME, evaluation)
        console.print(f"{run.folder / record.NAME}: {time.perf_counter() - began:.0f} s")
        by_protocol[evaluation.protocol].append(evaluation)
    for evaluations in by_protocol.values():
        console.print(table(evaluations))
    return 0


if __name__ == "__main__":
    command.run(main)
