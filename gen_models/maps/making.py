"""The making of a map: images, their points, places in the map, and numbers."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple
from zipfile import BadZipFile

import numpy as np

from gen_models.fields import Between, ConfigError
from gen_models.maps import gaps, layouts, mixing, quality, sets, spaces
from gen_models.maps.gaps import Gaps
from gen_models.maps.layouts import Layout, Method
from gen_models.maps.mixing import Mixing
from gen_models.maps.quality import Quality
from gen_models.maps.sets import ImageSet
from gen_models.maps.spaces import Space
from gen_models.render import Report
from gen_models.storage import cache

LEAST = 12  # smallest number of real images of a map
VERSION = 1  # version of the cache's entries


@dataclass(frozen=True)
class Extent:
    """What a map is made of, and how."""

    method: Method = "tsne"
    """Method that makes the map."""
    space: Space = "features"
    """Space in which images are compared: pixels, the features of the data set's encoder, or the
    latent space of the first model that has one (a VAE, or a run of infogan with its own
    recognition net)."""
    images: Annotated[int, Between(LEAST, 1_000_000)] = 10_000
    """Number of real images, from training and test images together; 70000 are all."""
    samples: Annotated[int, Between(1, 1_000_000)] = 5000
    """Number of samples of each model."""
    seed: Annotated[int, Between(0, 2**31 - 1)] = 1
    """Seed of the images that are chosen, the samples, the map and the measures."""


class Map(NamedTuple):
    """A map and everything reported about it."""

    dataset: str  # name of the data set
    class_names: tuple[str, ...]
    about: str  # method, space, and how samples came into the map
    sets: list[ImageSet]  # real images, then the samples of each model
    places: list[np.ndarray]  # f32[N,2] for each of the sets
    quality: Quality
    mixing: list[Mixing | None]  # for each model; None for too few images
    gaps: list[Gaps | None]


def made(
    sources: Sequence[Path],
    dataset: str | None,
    data_dir: Path | None,
    extent: Extent,
    report: Report,
) -> Map:
    """The map of models (run folders, saved or shipped models) of one data set, or of a data set
    alone. `report` is called with what is being done. Raises UserError."""
    make = layouts.maker(extent.method)
    report("models and data", None)
    splits, names, models = sets.load(sources, dataset, data_dir)
    space, points_of = spaces.points_in(extent.space, splits, models)
    real = sets.real_images(splits, extent.images, extent.seed)
    if len(real.images) < LEAST:
        raise ConfigError(f"{splits.train.name} has {len(real.images)} images, expected {LEAST}")
    report("samples", None)
    drawn = [
        sets.samples(model, name, splits, extent.samples, extent.seed)
        for model, name in zip(models, names, strict=True)
    ]
    report(space, None)
    points, *sampled = (points_of(one) for one in (real, *drawn))
    entry = _entry(extent, points, sampled)
    layout = _recalled(entry, len(sampled))
    if layout is None:
        layout = make(points, sampled, extent.seed, report)
        _keep(entry, layout)
    report("numbers", None)
    return Map(
        splits.train.name,
        splits.train.class_names,
        f"{layouts.version(extent.method)}, {space}; {layout.how}",
        [real, *drawn],
        [layout.real, *layout.samples],
        quality.quality(points, layout.real, real.labels, extent.seed),
        [mixing.mixing(points, x, extent.seed) for x in sampled],
        [gaps.gaps(points, layout.real, x, extent.seed) for x in sampled],
    )


def _entry(extent: Extent, points: np.ndarray, sampled: Sequence[np.ndarray]) -> tuple[str, str]:
    """Folder and file name in the user's cache of the map of these points."""
    digest = hashlib.sha256(f"{VERSION} {layouts.version(extent.method)} {extent.seed}".encode())
    for array in (points, *sampled):
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(array))
    return "maps", f"{extent.method}-{digest.hexdigest()[:32]}.npz"


def _recalled(entry: tuple[str, str], models: int) -> Layout | None:
    """A map with samples of `models` models from the user's cache; None if missing or damaged."""
    try:
        with np.load(io.BytesIO(cache.recalled(*entry)), allow_pickle=False) as file:
            samples = [file[f"samples_{i}"] for i in range(models)]
            return Layout(file["real"], samples, str(file["how"]))
    except (ValueError, KeyError, EOFError, BadZipFile):
        return None


def _keep(entry: tuple[str, str], layout: Layout) -> None:
    file = io.BytesIO()
    arrays = {f"samples_{i}": x for i, x in enumerate(layout.samples)}
    np.savez(file, allow_pickle=False, real=layout.real, how=np.array(layout.how), **arrays)
    cache.keep(*entry, file.getvalue())
