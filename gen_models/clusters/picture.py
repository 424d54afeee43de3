"""A picture of clusters: the most typical images of each, and the most typical of other classes."""

from collections.abc import Sequence

import numpy as np
from PIL.Image import Image

from gen_models import render
from gen_models.clusters import scores
from gen_models.clusters.methods import Clustering
from gen_models.render import layout

COLUMNS = 10
ROWS = 30  # number of clusters shown at most, the largest ones


def picture(
    clustering: Clustering, images: np.ndarray, labels: np.ndarray, class_names: Sequence[str]
) -> Image | None:
    """Picture with one row per cluster of images u8[N,H,W] with classes i32[N], named after the
    class that it stands for: its ten most typical images, then its ten most typical images of other
    classes. White where there are fewer; None if there is no cluster."""
    sizes = np.bincount(clustering.clusters[clustering.clusters != scores.NONE])
    if not sizes.size:
        return None
    meanings = scores.meanings(clustering.clusters, labels)
    largest = np.argsort(-sizes, kind="stable")[:ROWS]
    shown = sorted(largest[sizes[largest] > 0], key=lambda cluster: (meanings[cluster], cluster))
    white = np.full((COLUMNS, *images.shape[1:]), 255, np.uint8)
    names, typical, mistaken = [], [], []
    for cluster in shown:
        members = np.flatnonzero(clustering.clusters == cluster)
        members = members[np.argsort(-clustering.typical[members], kind="stable")]
        wrong = members[labels[members] != meanings[cluster]]
        share = 1 - len(wrong) / len(members)
        names.append(f"{class_names[meanings[cluster]]} {share:.0%} of {len(members)}")
        for rows, shown_images in ((typical, members), (mistaken, wrong)):
            rows.append(np.concatenate([images[shown_images[:COLUMNS]], white])[:COLUMNS])
    left = render.grid(np.concatenate(typical), len(shown), COLUMNS, row_names=names)
    right = render.grid(np.concatenate(mistaken), len(shown), COLUMNS)
    return layout.captioned({"most typical": left, "of other classes": right})
