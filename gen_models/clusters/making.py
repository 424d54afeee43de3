"""Clustering of images in several ways, one result at a time."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

from gen_models import extras, render
from gen_models.clusters import dec, results, scores, ways
from gen_models.clusters.methods import Clustering
from gen_models.clusters.picture import picture
from gen_models.clusters.results import Result, Results
from gen_models.clusters.ways import Images, Way
from gen_models.fields import Between, ConfigError, check_known
from gen_models.maps import sets
from gen_models.render import Report
from gen_models.runs.recipe import grouped_by_seed
from gen_models.trained import Trained


@dataclass(frozen=True)
class Extent:
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


class Task(NamedTuple):
    """Images and the ways to cluster them."""

    dataset: str
    data: Images
    class_names: tuple[str, ...]
    digest: str  # SHA-256 of images and labels, in hex
    ways: list[Way]


def task(
    sources: Sequence[Path],
    dataset: str | None,
    data_dir: Path | None,
    extent: Extent,
    report: Report,
) -> Task:
    """The task for models of one data set, or for a data set alone. Runs that differ only in their
    seed form one way. Raises UserError; ConfigError for ways that do not exist."""
    with extras.needed(extras.ANALYSIS):
        import sklearn  # noqa: F401 (an error here costs no minutes of work)

        if not extent.ways or ways.UMAP in extent.ways:
            import umap  # noqa: F401

    report("models and data", None)
    splits, names, models = sets.load(sources, dataset, data_dir)
    real = sets.real_images(splits, extent.images, 0)
    data = Images(real.images, real.labels, splits.train.num_classes)
    if len(real.images) < data.clusters:
        raise ConfigError(
            f"{len(real.images)} images are fewer than the {data.clusters} classes; give more to "
            "--images"
        )
    possible = ways.of_images(data, dec.Config(epochs=extent.epochs), report)
    for name, group in grouped(names, models).items():
        own = ways.of_models(data, name, group)
        if not own:
            raise ConfigError(
                f"{name} has no encoder, and no net that recognises a code; name VAEs, or folders "
                "of runs of infogan: saved models lack that net"
            )
        possible += own
    for name in {way.name for way in possible}:
        if sum(way.name == name for way in possible) > 1:
            raise ConfigError(f"two ways are called {name}; give the model's folder another name")
    digest = hashlib.sha256(real.images.tobytes() + real.labels.tobytes()).hexdigest()
    return Task(
        splits.train.name, data, splits.train.class_names, digest, chosen(possible, extent.ways)
    )


def grouped(names: Sequence[str], models: Sequence[Trained]) -> dict[str, list[Trained]]:
    """Group models that differ only in their seed, by the name of the first, made fit for file
    names."""
    steps = [int(model.state.step) for model in models]
    groups = grouped_by_seed([model.recipe for model in models], steps)
    files = [name.replace("/", "-") for name in names]
    return {files[group[0]]: [models[index] for index in group] for group in groups}


def chosen(found: Sequence[Way], names: Sequence[str]) -> list[Way]:
    """The ways with these names; all if none is given. Raises ConfigError with the nearest right
    name."""
    known = {way.name: way for way in found}
    for name in names:
        check_known("way to cluster", name, known)
    return [known[name] for name in names] if names else list(found)


def found(task: Task, prefix: Path) -> Results:
    """The results in PREFIX.json, none if it is not there. Raises UserError."""
    return results.read(_path(prefix), task.dataset, task.digest, len(task.data.images))


def _path(prefix: Path) -> Path:
    return prefix.with_name(f"{prefix.name}.json")


def done(task: Task, prefix: Path, extent: Extent, report: Report) -> Iterator[Results]:
    """Cluster in every way with every seed that PREFIX.json lacks, and yield the results so far.
    Each result is written at once; a way's first seed is drawn into PREFIX-WAY.png. Raises
    UserError, before any work if results have other settings and are not to be made anew."""
    there = found(task, prefix)
    if not extent.anew:
        for way in task.ways:
            there.check(way)
    yield there
    for index in range(extent.seeds):
        for way in task.ways:
            for seed in way.seeds(extent.seeds)[index : index + 1]:
                there = found(task, prefix)  # another process may work on it too
                if not there.has(way, seed):
                    report(f"{way.title}, seed {seed}", None)
                    result, clustering = _clustered(task, way, seed)
                    there = results.add(_path(prefix), there, result)
                    if [seed] == way.seeds(1):
                        _draw(task, way, clustering, prefix)
                    yield there


def _clustered(task: Task, way: Way, seed: int) -> tuple[Result, Clustering]:
    """A way's clusters with a seed, and their scores."""
    began = time.perf_counter()
    clustering = way.cluster(seed)
    took = time.perf_counter() - began
    scored = scores.scores(clustering.clusters, task.data.labels)
    about = way.name, way.title, way.published, way.settings
    own = way.models.get(seed, {})
    return Result(*about, seed, scored, ways.libraries(), took, own), clustering


def _draw(task: Task, way: Way, clustering: Clustering, prefix: Path) -> None:
    drawn = picture(clustering, *task.data[:2], task.class_names)
    if drawn is not None:
        render.save_png(drawn, results.picture_path(prefix, way.name))
