"""Methods that cluster points, by established libraries."""

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gen_models import extras

STARTS = 10  # starts of k-means, of which the best is kept
FULL = 64  # largest number of dimensions for full covariances of a mixture
VARIANCE = 1e-3  # added to each variance, as many pixels have none
NEIGHBOURS, CORE = 30, 10  # of UMAP and HDBSCAN, from UMAP's documentation on clustering
SMALLEST = 140  # HDBSCAN's smallest cluster has one image in this many: 500 of 70,000


class Clustering(NamedTuple):
    """Clusters of N images, found without their labels."""

    clusters: np.ndarray  # i64[N], from 0 on; -1 for an image in no cluster
    typical: np.ndarray  # f64[N], larger for images more typical of their cluster


Method = Callable[[np.ndarray, int, int], Clustering]  # points f32[N,D], number of clusters, seed


def kmeans(points: np.ndarray, count: int, seed: int) -> Clustering:
    """k-means (Lloyd 1982) from ten starts; points near their centre are typical."""
    with extras.needed(extras.ANALYSIS):
        from sklearn.cluster import KMeans

    model = KMeans(count, n_init=STARTS, random_state=seed).fit(points)
    clusters = model.labels_.astype(np.int64)
    distances = np.linalg.norm(points - model.cluster_centers_[clusters], axis=1)
    return Clustering(clusters, -distances.astype(np.float64))


def mixture(points: np.ndarray, count: int, seed: int) -> Clustering:
    """A mixture of normal distributions by expectation maximisation, with full covariances in up to
    64 dimensions, else diagonal ones; points of high density are typical."""
    with extras.needed(extras.ANALYSIS):
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

    kind = "full" if points.shape[1] <= FULL else "diag"
    model = GaussianMixture(count, covariance_type=kind, reg_covar=VARIANCE, random_state=seed)
    with warnings.catch_warnings():  # after a hundred iterations a few points still move
        warnings.simplefilter("ignore", ConvergenceWarning)
        clusters = model.fit_predict(points.astype(np.float64))
    return Clustering(clusters.astype(np.int64), model.score_samples(points))


def density(points: np.ndarray, count: int, seed: int) -> Clustering:
    """UMAP into the plane, then HDBSCAN (Campello et al. 2013), which finds the number of clusters
    by itself and leaves some points out; the most probable members are typical."""
    with extras.needed(extras.ANALYSIS):
        import umap
        from sklearn.cluster import HDBSCAN

    del count
    neighbours = min(NEIGHBOURS, len(points) - 1)
    with warnings.catch_warnings():  # small sets warn that a spectral start is impossible
        warnings.simplefilter("ignore")
        reducer = umap.UMAP(n_neighbors=neighbours, min_dist=0.0, random_state=seed, n_jobs=1)
        places = reducer.fit_transform(points)
    smallest = max(5, len(points) // SMALLEST)
    model = HDBSCAN(smallest, min_samples=min(CORE, smallest), copy=True).fit(places)
    return Clustering(model.labels_.astype(np.int64), model.probabilities_.astype(np.float64))
