"""Clustering of images in several ways, one result at a time."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np

from gen_models import extras, render
from gen_models.clusters import dec, results, scores, ways
from gen_models.clusters.methods import Clustering
from gen_models.clusters.picture import picture
from gen_models.clusters.results import ClusterResult, ClusterResults
from gen_models.clusters.ways import ClusterImages, Way
from gen_models.fields import Between, ConfigError, check_known
from gen_models.maps import sets
from gen_models.render import StageReporter
from gen_models.runs.recipe import group_by_seed
from gen_models.trained import Trained


@dataclass(frozen=True)
class ClusterOptions:
    """What to cluster, and how often."""

    images: Annotated[int, Between(20, 1_000_000)] = 1_000_000
    """Number of images, from training and test images together. Default: all."""
    seeds: Annotated[int, Between(1, 100)] = 5
    """Number of seeds, 0, 1, …, of each way to cluster; for runs, the largest number of them."""
    epochs: Annotated[int, Between(1, 10_000)] = 100
    """Epochs of the auto-encoder before DEC."""
    ways: tuple[str, ...] = ()
    """Ways to cluster, by their names, such as kmeans-pixels or dec. Default: all."""
    anew: bool = False
    """Replace results that were made with other settings, such as other epochs."""


class ClusterTask(NamedTuple):
    """Images and the ways to cluster them."""

    dataset: str
    data: ClusterImages
    class_names: tuple[str, ...]
    digest: str  # SHA-256 of images and labels, in hex
    ways: list[Way]


def load_task(
    sources: Sequence[Path],
    dataset: str | None,
    data_dir: Path | None,
    options: ClusterOptions,
    report: StageReporter,
) -> ClusterTask:
    """The task for models of one data set, or for a data set alone. Runs that differ only in their
    seed form one way. Raises UserError; ConfigError for ways that do not exist."""
    with extras.needed(extras.ANALYSIS):
        import sklearn  # noqa: F401 (an error here costs no minutes of work)

        if not options.ways or ways.UMAP in options.ways:
            import umap  # noqa: F401

    report("models and data", None)
    splits, names, models = sets.load(sources, dataset, data_dir)
    real = sets.real_images(splits, options.images, 0)
    classes = len(np.unique(splits.train.labels))  # a label may be without images
    data = ClusterImages(real.images, real.labels, classes)
    if len(real.images) < data.clusters:
        raise ConfigError(
            f"{len(real.images)} images are fewer than the {data.clusters} classes; give more to "
            "--images"
        )
    possible = ways.of_images(data, dec.Config(epochs=options.epochs), report)
    for name, group in group_models(names, models).items():
        ways_of_group = ways.of_models(data, name, group)
        if not ways_of_group:
            raise ConfigError(
                f"{name} has no encoder, and no net that recognises a code; name VAEs, or folders "
                "of runs of infogan: saved models lack that net"
            )
        possible += ways_of_group
    for name in {way.name for way in possible}:
        if sum(way.name == name for way in possible) > 1:
            raise ConfigError(f"two ways are called {name}; give the model's folder another name")
    digest = hashlib.sha256(real.images.tobytes() + real.labels.tobytes()).hexdigest()
    selected = select_ways(possible, options.ways)
    return ClusterTask(splits.train.name, data, splits.train.class_names, digest, selected)


def group_models(names: Sequence[str], models: Sequence[Trained]) -> dict[str, list[Trained]]:
    """Group models that differ only in their seed, by the name of the first, made fit for file
    names."""
    steps = [int(model.state.step) for model in models]
    groups = group_by_seed([model.recipe for model in models], steps)
    files = [name.replace("/", "-") for name in names]
    return {files[group[0]]: [models[index] for index in group] for group in groups}


def select_ways(possible: Sequence[Way], names: Sequence[str]) -> list[Way]:
    """The ways with these names; all if none is given. Raises ConfigError with the nearest right
    name."""
    by_name = {way.name: way for way in possible}
    for name in names:
        check_known("way to cluster", name, by_name)
    return [by_name[name] for name in names] if names else list(possible)


def read_results(task: ClusterTask, prefix: Path) -> ClusterResults:
    """The results in PREFIX.json, none if it is not there. Raises UserError."""
    return results.read(_path(prefix), task.dataset, task.digest, len(task.data.images))


def _path(prefix: Path) -> Path:
    return prefix.with_name(f"{prefix.name}.json")


def run_task(
    task: ClusterTask, prefix: Path, options: ClusterOptions, report: StageReporter
) -> Iterator[ClusterResults]:
    """Cluster in every way with every seed that PREFIX.json lacks, and yield the results so far.
    Each result is written at once; a way's first seed is drawn into PREFIX-WAY.png. Raises
    UserError, before any work if results have other settings and are not to be made anew."""
    stored = read_results(task, prefix)
    if not options.anew:
        for way in task.ways:
            stored.check(way)
    yield stored
    for index in range(options.seeds):
        for way in task.ways:
            for seed in way.seeds(options.seeds)[index : index + 1]:
                stored = read_results(task, prefix)  # another process may work on it too
                if not stored.has(way, seed):
                    report(f"{way.title}, seed {seed}", None)
                    result, clustering = _cluster(task, way, seed)
                    stored = results.add_result(_path(prefix), stored, result)
                    if [seed] == way.seeds(1):
                        _save_picture(task, way, clustering, prefix)
                    yield stored


def _cluster(task: ClusterTask, way: Way, seed: int) -> tuple[ClusterResult, Clustering]:
    """A way's clusters with a seed, and their scores."""
    began = time.perf_counter()
    clustering = way.cluster(seed)
    seconds = time.perf_counter() - began
    result = ClusterResult(
        way=way.name,
        title=way.title,
        published=way.published,
        settings=way.settings,
        seed=seed,
        scores=scores.scores(clustering.clusters, task.data.labels),
        libraries=ways.libraries(),
        seconds=seconds,
        model=way.models.get(seed, {}),
    )
    return result, clustering


def _save_picture(task: ClusterTask, way: Way, clustering: Clustering, prefix: Path) -> None:
    image = picture(clustering, task.data.images, task.data.labels, task.class_names)
    if image is not None:
        render.save_png(image, results.picture_path(prefix, way.name))
