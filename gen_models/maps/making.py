"""The making of a map: images, their points, places in the map, and numbers."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple
from zipfile import BadZipFile

import numpy as np

from gen_models.fields import Between, ConfigError, Seed
from gen_models.maps import gaps, layouts, mixing, quality, sets, spaces
from gen_models.maps.gaps import Gaps
from gen_models.maps.layouts import LayoutMethod, MapLayout
from gen_models.maps.mixing import Mixing
from gen_models.maps.quality import Quality
from gen_models.maps.sets import ImageSet
from gen_models.maps.spaces import MapSpace
from gen_models.render import StageReporter
from gen_models.storage import cache

LEAST = 12  # smallest number of real images of a map
VERSION = 1  # version of the cache's entries


@dataclass(frozen=True)
class MapOptions:
    """What a map is made of, and how."""

    method: LayoutMethod = "tsne"
    """Method that makes the map."""
    space: MapSpace = "features"
    """Space in which images are compared: pixels, the features of the data set's encoder, or the
    latent space of the first model that has one (a VAE, or a run of infogan with its own
    recognition net)."""
    images: Annotated[int, Between(LEAST, 1_000_000)] = 10_000
    """Number of real images, from training and test images together; 70000 are all."""
    samples: Annotated[int, Between(1, 1_000_000)] = 5000
    """Number of samples of each model."""
    seed: Seed = 1
    """Seed of the images that are chosen, the samples, the map and the measures."""


class Map(NamedTuple):
    """A map and everything reported about it."""

    dataset: str  # name of the data set
    class_names: tuple[str, ...]
    about: str  # method, space, and how samples, if any, came into the map
    sets: list[ImageSet]  # real images, then the samples of each model
    places: list[np.ndarray]  # f32[N,2] for each of the sets
    quality: Quality
    mixing: list[Mixing | None]  # for each model; None for too few images
    gaps: list[Gaps | None]


def make_map(
    sources: Sequence[Path],
    dataset: str | None,
    data_dir: Path | None,
    options: MapOptions,
    report: StageReporter,
) -> Map:
    """The map of models (run folders, saved or shipped models) of one data set, or of a data set
    alone. `report` is called with what is being done. Raises UserError."""
    make = layouts.maker(options.method)
    report("models and data", None)
    splits, names, models = sets.load(sources, dataset, data_dir)
    space, points_of = spaces.points_in(options.space, splits, models)
    real = sets.real_images(splits, options.images, options.seed)
    if len(real.images) < LEAST:
        raise ConfigError(f"{splits.train.name} has {len(real.images)} images, expected {LEAST}")
    report("samples", None)
    samples = [
        sets.samples(model, name, splits, options.samples, options.seed)
        for model, name in zip(models, names, strict=True)
    ]
    report(space, None)
    image_sets = [real, *samples]
    points, *sample_points = map(points_of, image_sets)
    entry = _entry(options, points, sample_points)
    layout = _read_cached(entry, len(samples))
    if layout is None:
        layout = make(points, sample_points, options.seed, report)
        _write_cached(entry, layout)
    report("numbers", None)
    about = f"{layouts.described(options.method)}, {space}"
    return Map(
        splits.train.name,
        splits.train.class_names,
        f"{about}; {layout.how}" if samples else about,
        image_sets,
        [layout.real, *layout.samples],
        quality.quality(points, layout.real, real.labels, options.seed),
        [mixing.mixing(points, x, options.seed) for x in sample_points],
        [gaps.gaps(points, layout.real, x, options.seed) for x in sample_points],
    )


def _entry(
    options: MapOptions, points: np.ndarray, sample_points: Sequence[np.ndarray]
) -> tuple[str, str]:
    """Folder and file name in the user's cache of the map of these points."""
    made = f"{VERSION} {layouts.described(options.method)} {options.seed}"
    digest = hashlib.sha256(made.encode())
    for array in (points, *sample_points):
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(array))
    return "maps", f"{options.method}-{digest.hexdigest()[:32]}.npz"


def _read_cached(entry: tuple[str, str], models: int) -> MapLayout | None:
    """A map with samples of `models` models from the user's cache; None if missing or damaged."""
    try:
        with np.load(io.BytesIO(cache.recalled(*entry)), allow_pickle=False) as file:
            samples = [file[f"samples_{i}"] for i in range(models)]
            return MapLayout(file["real"], samples, str(file["how"]))
    except (ValueError, KeyError, EOFError, BadZipFile):
        return None


def _write_cached(entry: tuple[str, str], layout: MapLayout) -> None:
    file = io.BytesIO()
    arrays = {f"samples_{i}": x for i, x in enumerate(layout.samples)}
    np.savez(file, allow_pickle=False, real=layout.real, how=np.array(layout.how), **arrays)
    cache.keep(*entry, file.getvalue())
