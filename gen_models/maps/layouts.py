"""Layouts of points in the plane by PCA, t-SNE, UMAP and PyMDE, each from an established library.

The map is made from the real images alone, and samples are placed into it, except with PyMDE, which
cannot do that. For speed, as is usual, t-SNE, UMAP and PyMDE see only the first 50 principal
components of the real images.
"""

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from gen_models import extras
from gen_models.render import StageReporter

LayoutMethod = Literal["pca", "tsne", "umap", "pymde"]

DIMENSIONS = 50  # of the points given to t-SNE, UMAP and PyMDE
PERPLEXITY, NEIGHBOURS = 30, 15  # the libraries' own defaults
ITERATIONS, EVERY = 750, 25  # iterations of openTSNE: 250 with early exaggeration, 500 without
PLACED, TOGETHER = (
    "the map is made of real images; samples are placed into it",
    "the map is made of real images and samples together",
)


class MapLayout(NamedTuple):
    """Places in the plane, f32[N,2] for each set of points."""

    real: np.ndarray
    samples: list[np.ndarray]
    how: str  # PLACED or TOGETHER


# (points of real images f32[N,D], points of each model's samples, seed, report) -> MapLayout
LayoutMaker = Callable[[np.ndarray, Sequence[np.ndarray], int, StageReporter], MapLayout]


def maker(method: LayoutMethod) -> LayoutMaker:
    """The function that makes a map. Raises UserError if its library is not installed."""
    return {"pca": _pca, "tsne": _tsne, "umap": _umap, "pymde": _pymde}[method]()


def described(method: LayoutMethod) -> str:
    """Name of a method with that of its library and its version, once `maker` has been called."""
    name, module = {
        "pca": ("PCA by scikit-learn", "sklearn"),
        "tsne": ("t-SNE by openTSNE", "openTSNE"),
        "umap": ("UMAP by umap-learn", "umap"),
        "pymde": ("minimum-distortion embedding by PyMDE", "pymde"),
    }[method]
    return f"{name} {sys.modules[module].__version__}"


def _pca() -> LayoutMaker:
    """The first two principal components. Equal points make equal maps."""
    reduce = reducer(2)

    def make(
        real: np.ndarray, samples: Sequence[np.ndarray], seed: int, report: StageReporter
    ) -> MapLayout:
        del seed
        report("principal components", None)
        first, *others = reduce(real, samples)
        return MapLayout(first, others, PLACED)

    return make


def _tsne() -> LayoutMaker:
    """t-SNE (van der Maaten & Hinton 2008) by openTSNE, which places further points by their
    affinities to those of the map (Poličar et al. 2019)."""
    with extras.needed(extras.ANALYSIS):
        import openTSNE
    reduce = reducer(DIMENSIONS)

    def make(
        real: np.ndarray, samples: Sequence[np.ndarray], seed: int, report: StageReporter
    ) -> MapLayout:
        report("principal components", None)
        points, *others = reduce(real, samples)
        report("neighbours", None)
        calls = iter(range(1, sys.maxsize))

        def show(iteration: int, error: float, embedding: np.ndarray) -> None:
            del iteration, error, embedding
            report("t-SNE", min(1.0, next(calls) * EVERY / ITERATIONS))

        tsne_map = openTSNE.TSNE(
            perplexity=min(PERPLEXITY, max(1, (len(points) - 1) // 3)),
            n_jobs=os.cpu_count() or 1,
            random_state=seed,
            callbacks=show,
            callbacks_every_iters=EVERY,
        ).fit(points)
        report("samples placed", None)
        perplexity, k = min(5, max(1, (len(points) - 1) // 3)), min(25, len(points) - 1)
        placed = [tsne_map.transform(x, perplexity=perplexity, k=k) for x in others]
        return MapLayout(_plain(tsne_map), [_plain(x) for x in placed], PLACED)

    return make


def _umap() -> LayoutMaker:
    """UMAP (McInnes et al. 2018) by umap-learn, which a seed restricts to one core."""
    with extras.needed(extras.ANALYSIS):
        import umap
    reduce = reducer(DIMENSIONS)

    def make(
        real: np.ndarray, samples: Sequence[np.ndarray], seed: int, report: StageReporter
    ) -> MapLayout:
        report("principal components", None)
        points, *others = reduce(real, samples)
        report("UMAP", None)
        with warnings.catch_warnings():  # small sets warn that a spectral start is impossible
            warnings.simplefilter("ignore")
            fitted = umap.UMAP(
                n_neighbors=min(NEIGHBOURS, len(points) - 1), random_state=seed, n_jobs=1
            ).fit(points)
            report("samples placed", None)
            placed = [fitted.transform(x) for x in others]
        return MapLayout(_plain(fitted.embedding_), [_plain(x) for x in placed], PLACED)

    return make


def _pymde() -> LayoutMaker:
    """A minimum-distortion embedding that preserves neighbours (Agrawal et al. 2021), by PyMDE.
    Equal seeds do not give equal maps."""
    with extras.needed(extras.PYMDE):
        import pymde
        import torch
    reduce = reducer(DIMENSIONS)

    def make(
        real: np.ndarray, samples: Sequence[np.ndarray], seed: int, report: StageReporter
    ) -> MapLayout:
        report("principal components", None)
        points, *others = reduce(real, samples)
        report("PyMDE", None)
        pymde.seed(seed)
        everything = torch.from_numpy(np.concatenate([points, *others]))
        places = pymde.preserve_neighbors(everything, embedding_dim=2, verbose=False).embed()
        ends = np.cumsum([len(points), *map(len, others)])[:-1]
        first, *rest = np.split(_plain(places.cpu().numpy()), ends)
        return MapLayout(first, rest, TOGETHER)

    return make


def reducer(dimensions: int) -> Callable[[np.ndarray, Sequence[np.ndarray]], list[np.ndarray]]:
    """A function that projects all points [N,D] onto the first principal components of the real
    ones: f32[N,dimensions], with fewer columns if there are fewer components, but at least two."""
    with extras.needed(extras.ANALYSIS):
        from sklearn.decomposition import PCA

    def reduce(real: np.ndarray, samples: Sequence[np.ndarray]) -> list[np.ndarray]:
        pca = PCA(min(dimensions, *real.shape), svd_solver="covariance_eigh").fit(real)
        padding = ((0, 0), (0, max(0, 2 - pca.n_components_)))
        return [np.pad(pca.transform(x), padding).astype(np.float32) for x in (real, *samples)]

    return reduce


def _plain(places: np.ndarray) -> np.ndarray:
    """Places as a plain f32 array, without what a library's subclass keeps with them."""
    return np.array(places, np.float32, subok=False)
