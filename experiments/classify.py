"""Test classifiers that are trained on real or generated images:
`python -m experiments.classify --train real RUN --subset best`. Stop it any time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

from experiments import command
from gen_models import extras, render
from gen_models.classifiers import few, page, pictures, results, settings, sources
from gen_models.classifiers.progress import Bar
from gen_models.classifiers.results import Limits
from gen_models.classifiers.settings import ClassifierSetting, Subset
from gen_models.classifiers.sources import REAL, TrainingSource
from gen_models.data.catalog import Splits
from gen_models.data.known import CATALOG
from gen_models.fields import Between, ConfigError, Samples, check_known, validate
from gen_models.runs import Recipe
from gen_models.runs.recipe import Steps, known_model
from gen_models.storage.files import sole_writer, write_text


@dataclass(frozen=True)
class Options(Limits):
    """Train the 129 classifier settings of Fashion-MNIST's own benchmark on real or generated
    images, and test them on the real test images. What has been measured is not measured again,
    unless it ran over smaller limits."""

    train: tuple[str, ...] = (REAL,)
    """Sources of training images: `real`, folders of runs, shipped models, IDX pairs by their
    prefix, folders with the IDX files train-…"""
    datasets: tuple[str, ...] = ()
    """Data sets for `real` and --few, or the one whose images an IDX pair is like. Default: those
    of the models in --train, else that of --data-dir, else fashion_mnist."""
    data_dir: Path | None = None
    """Folder with the four IDX files of the data set."""
    subset: Subset | None = None
    """All 129 settings, or the best of each of the 13 families. Default: all; for --few, which
    takes no other, best."""
    families: tuple[str, ...] = ()
    """Families to measure, by the names of their classes, such as SVC. Default: all."""
    images: Samples | None = None
    """Largest number of training images, and number of samples of a model. Default: as many as
    there are real training images."""
    seeds: Annotated[int, Between(1, 1000)] = 1
    """Number of seeds, 0, 1, …, for samples, the order of images and classifiers."""
    few: tuple[int, ...] = ()
    """Numbers of real images. For each, the best setting of each family is trained on that many
    alone, and with samples (--images) of a generator that was trained on these few, instead of on
    --train."""
    model: str | None = None
    """Model of the generators of --few. Default: cgan."""
    steps: Steps | None = None
    """Training steps of the generators of --few. Default: 5000."""
    jobs: Annotated[int, Between(1, 1024)] = 1
    """Number of settings to train at a time, each in a process of its own."""
    results: Path = Path("results/classifiers")
    """Folder of the results, with one folder per data set."""


class Job(NamedTuple):
    """A source of training images, and the data set whose test images are classified."""

    source: TrainingSource
    splits: Splits


def check_options(options: Options) -> None:
    """Raise ConfigError for unknown names and for options that contradict each other, UserError if
    the extra's libraries are not installed."""
    with extras.needed(extras.ANALYSIS):
        import psutil  # noqa: F401 (an error here costs no minutes of work)
        import sklearn  # noqa: F401
    for name in options.families:
        check_known("family", name, settings.families())
    for name in options.datasets:
        check_known("data set", name, CATALOG)
    if options.few and options.train != (REAL,):
        raise ConfigError("--few and --train exclude each other: --few trains its own generators")
    if any(count < 1 for count in options.few):
        raise ConfigError("--few are numbers of images, from 1 on")
    if not options.train:
        raise ConfigError("--train needs one source of training images or more")
    if options.few and options.subset == "all":
        raise ConfigError("--few takes the best setting of each family; leave out --subset")
    if not options.few and (options.model or options.steps):
        raise ConfigError(
            "--model and --steps are of the generators of --few; name runs by --train"
        )
    if options.model:
        known_model(options.model)


def load_named_splits(options: Options) -> list[Splits]:
    """The data sets that the options name; [] if none is named. Raises UserError."""
    if options.datasets or options.data_dir:
        names = options.datasets or (None,)
        return [sources.load_splits(name, options.data_dir) for name in names]
    return []


def source_jobs(options: Options) -> list[Job]:
    """The sources of --train, real images of every data set first. Raises UserError."""
    named, jobs = load_named_splits(options), []
    by_name = {splits.train.name: splits for splits in named}
    for text in options.train:
        if sources.is_model(text):
            model = sources.load_model(text)
            splits = sources.load_data(model, options.data_dir)
            if named and splits.train.name not in by_name:
                raise ConfigError(
                    f"{text} is of {splits.train.name}, not of {' or '.join(by_name)}; leave out "
                    "--datasets"
                )
            by_name.setdefault(splits.train.name, splits)
            count = options.images or len(splits.train.labels)
            jobs.append(Job(sources.samples(text, model, splits.train, count), splits))
        elif text != REAL:
            if len(named) != 1:
                raise ConfigError(
                    f"{text} needs one of --datasets, or --data-dir: the data set that its images "
                    f"are like, one of {', '.join(CATALOG)} or a folder"
                )
            jobs.append(Job(sources.idx_pair(text, named[0].test), named[0]))
    if REAL in options.train:
        real = list(by_name.values()) or [sources.load_splits(None, None)]
        jobs = [*(Job(sources.real(splits.train), splits) for splits in real), *jobs]
    names = [(job.splits.test.name, job.source.name) for job in jobs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ConfigError(f"two sources of {twice[0]} are called {twice[1]}; rename one of them")
    return jobs


def few_jobs(options: Options) -> list[Job]:
    """The sources of --few: for each number, the real images alone and with generated ones. Raises
    UserError."""
    jobs = []
    given = {"model": options.model or "cgan", "steps": options.steps}
    recipe = Recipe.from_flat({name: value for name, value in given.items() if value is not None})
    for splits in load_named_splits(options) or [sources.load_splits(None, None)]:
        generated = options.images or len(splits.train.labels)
        recipe = recipe.with_options(data_dir=options.data_dir)
        sources.check_labelled(recipe, splits.train.spec, "--model")
        runs = options.results / splits.train.name / "runs"
        for count in options.few:
            few.balanced_part(splits.train, count, 0)  # fails before the smaller ones are measured
            added = few.source_with_generated(splits, count, recipe, generated, runs)
            jobs += [Job(few.source_alone(splits.train, count), splits), Job(added, splits)]
    return jobs


def select_settings(options: Options) -> list[ClassifierSetting]:
    """The settings to measure, quick ones first. Raises ConfigError if there are none."""
    if not options.few:
        return settings.select(options.subset or "all", options.families)
    # A part of few real and many generated images would hold hardly any real ones.
    best = settings.select("best", options.families)
    whole = [setting for setting in best if setting.estimator.part is None]
    if not whole:
        raise ConfigError(
            f"--few leaves out {', '.join(options.families)}, trained on a part of the images; "
            "name other --families"
        )
    return whole


def publish(folder: Path, dataset: str) -> Path:
    """Write the page and the pictures of all results in a folder. Returns the page's path."""
    path = folder / "README.md"
    with sole_writer(path):
        measured = [results.read(file) for file in sorted(folder.glob("*.json"))]
        whole = [source for source in measured if "few" not in source.subject]
        whole.sort(key=lambda source: (source.name != REAL, source.name))
        curves = few.curves([source for source in measured if "few" in source.subject])
        if any(source.accuracies(setting) for source in whole for setting in settings.best()):
            render.save_png(pictures.family_chart(whole, dataset), folder / page.FAMILIES)
        if pictures.compared_settings(curves):
            render.save_png(pictures.few_chart(curves, dataset), folder / page.CURVES)
        write_text(path, page.page(dataset, whole, curves))
    return path


def main(args: Sequence[str]) -> int:
    """Measure what is missing, publishing the page after each source. Returns the exit code."""
    options = command.parse("classify", Options, args)
    validate(options)
    check_options(options)
    from gen_models.classifiers import measuring  # imports psutil

    plan = measuring.MeasurementPlan(
        settings=select_settings(options),
        seeds=options.seeds,
        images=None if options.few else options.images,
        limits=Limits(options.minutes, options.memory_gib),
        jobs=options.jobs,
    )
    jobs = few_jobs(options) if options.few else source_jobs(options)
    for source, splits in jobs:  # results of something else are refused before hours of work
        measuring.read_results(source, splits, plan, options.results / splits.test.name)
    pages = {}
    with Bar() as bar:
        for source, splits in jobs:
            folder = options.results / splits.test.name
            try:
                measuring.measure(source, splits, plan, folder, bar)
            finally:  # what was measured until an interruption is shown
                if any(folder.glob("*.json")):
                    pages[publish(folder, splits.test.name)] = None
    print(*pages, sep="\n")
    return 0


if __name__ == "__main__":
    command.run(main, spare=["--images"])
