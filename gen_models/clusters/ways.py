"""The ways to cluster that are compared, each a method in a space."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from gen_models.algorithm import PyTree
from gen_models.clusters import dec, methods, pretraining
from gen_models.clusters.methods import Clustering
from gen_models.maps import layouts, spaces
from gen_models.render import StageReporter
from gen_models.trained import Trained

UMAP = "umap-hdbscan"  # name of the way that needs umap-learn
VERSION = 2  # to be raised when the clusters of a way change
LIBRARIES = "jax", "scikit-learn", "umap-learn"


class Way(NamedTuple):
    """A way to cluster the images."""

    name: str  # name in files and options
    title: str  # title in tables
    settings: dict[str, Any]  # what clusters depend on besides images and seed, for JSON
    models: Mapping[int, dict[str, Any]]  # weights of the run of each seed; {} without runs
    cluster: Callable[[int], Clustering]  # clusters of a seed
    published: str | None = None  # key in `published` of the scores to compare with

    def seeds(self, most: int) -> list[int]:
        """The first seeds, at most `most`: those of the way's runs, or 0, 1, …"""
        return list(self.models)[:most] if self.models else list(range(most))


class ClusterImages(NamedTuple):
    """The images to cluster, and their labels, which only encoders of conditional models read."""

    images: np.ndarray  # u8[N,H,W]
    labels: np.ndarray  # i32[N]
    clusters: int  # number of clusters given to methods: that of the classes


def of_images(data: ClusterImages, config: dec.Config, report: StageReporter) -> list[Way]:
    """Ways to cluster without a model. Each seed's auto-encoder is trained once for all of them."""
    flat = data.images.reshape(len(data.images), -1)

    @cache
    def pixels() -> np.ndarray:
        return flat.astype(np.float32) / 255

    @cache
    def components() -> np.ndarray:
        return layouts.reducer(layouts.DIMENSIONS)(pixels(), ())[0]

    @cache
    def encoder(seed: int) -> PyTree:
        return pretraining.encoder(config, flat, seed, report)

    def embeddings(seed: int) -> np.ndarray:
        return np.asarray(dec.embeddings(config, encoder(seed), jnp.asarray(flat)))

    def cluster_points(
        method: methods.Method, points: Callable[[], np.ndarray], seed: int
    ) -> Clustering:
        return method(points(), data.clusters, seed)

    def cluster_embeddings(method: methods.Method, seed: int) -> Clustering:
        return method(embeddings(seed), data.clusters, seed)

    def cluster_by_dec(seed: int) -> Clustering:
        z = embeddings(seed)
        start = methods.kmeans(z, data.clusters, seed).clusters
        centres = np.stack([z[start == k].mean(axis=0) for k in range(data.clusters)])
        q, _ = dec.refine(config, flat, encoder(seed), centres, seed, report)
        return Clustering(q.argmax(axis=1), q.max(axis=1).astype(np.float64))

    settings = {"version": VERSION}
    with_training = settings | {"options": _as_json(asdict(config))}
    ways = []
    for space, title, points in (
        ("pixels", "pixels", pixels),
        ("pca", f"{layouts.DIMENSIONS} components", components),
    ):
        for name, text, method in METHODS:
            cluster = partial(cluster_points, method, points)
            ways.append(Way(f"{name}-{space}", f"{text} of {title}", settings, {}, cluster))
    for name, text, method in METHODS:
        title, cluster = f"{text} of the auto-encoder", partial(cluster_embeddings, method)
        ways.append(Way(f"{name}-autoencoder", title, with_training, {}, cluster))
    ways.append(Way("dec", "DEC", with_training, {}, cluster_by_dec))
    cluster = partial(cluster_points, methods.density, components)
    ways.append(Way(UMAP, "UMAP, then HDBSCAN", settings, {}, cluster))
    return [way._replace(published=way.title) for way in ways]


METHODS = (
    ("kmeans", "k-means", methods.kmeans),
    ("mixture", "mixture", methods.mixture),
)


def of_models(data: ClusterImages, name: str, models: Sequence[Trained]) -> list[Way]:
    """Ways to cluster in the latent space of models that differ only in their seed: k-means and a
    mixture with an encoder, the estimated category with a recognition net, [] with neither."""
    of_seed = {model.recipe.options.seed: model for model in models}
    step = int(models[0].state.step)
    recipe = models[0].recipe.apart_from_seed
    settings = _as_json({"version": VERSION, "recipe": recipe, "step": step})
    weights = {seed: {"weights": model.digest} for seed, model in of_seed.items()}

    @cache
    def latents(seed: int) -> np.ndarray:
        return spaces.latents(of_seed[seed], data.images, data.labels)

    def cluster_by_category(seed: int) -> Clustering:
        return _cluster_by_category(data, of_seed[seed])

    def cluster_latents(method: methods.Method, seed: int) -> Clustering:
        return method(latents(seed), data.clusters, seed)

    if models[0].recognises:
        title = f"code of {name}"
        return [Way(f"code-{name}", title, settings, weights, cluster_by_category, "code")]
    if models[0].model.algorithm.latent is None:
        return []
    return [
        Way(
            f"{method}-{name}",
            f"{text} of latents of {name}",
            settings,
            weights,
            partial(cluster_latents, function),
        )
        for method, text, function in METHODS
    ]


def _cluster_by_category(data: ClusterImages, model: Trained) -> Clustering:
    """The most probable category of each image, as a run's own recognition net estimates it."""
    size = model.model.algorithm.parts[0].size  # the category is the first part of the code
    probabilities = spaces.codes(model, data.images)[:, :size]
    return Clustering(probabilities.argmax(axis=1), probabilities.max(axis=1).astype(np.float64))


def libraries() -> dict[str, str]:
    """Versions of the installed libraries among those that compute the clusters."""
    versions = {}
    for library in LIBRARIES:
        with suppress(PackageNotFoundError):
            versions[library] = version(library)
    return versions


def _as_json(options: dict[str, Any]) -> dict[str, Any]:
    """Options as a round trip through JSON returns them."""
    return json.loads(json.dumps(options))
