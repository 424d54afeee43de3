"""Maps of blobs, by every method that is installed."""

import os

import numpy as np
import pytest
from maps_blobs import blobs

from gen_models.maps import layouts, quality

pytest.importorskip("sklearn")
DESCRIBED = {
    "pca": "PCA by scikit-learn",
    "tsne": "t-SNE by openTSNE",
    "umap": "UMAP by umap-learn",
    "pymde": "minimum-distortion embedding by PyMDE",
}


def silent(stage, share):
    del stage
    assert share is None or 0 <= share <= 1


@pytest.mark.parametrize(
    "method",
    [
        "pca",
        "tsne",
        pytest.param("umap", marks=pytest.mark.slow),  # numba compiles it for half a minute
        "pymde",
    ],
)
def test_blobs_stay_apart_and_samples_come_to_their_own(method, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    if method == "pymde":
        pytest.importorskip("pymde")
    make = layouts.maker(method)
    real, labels = blobs(120, 0)
    samples, sample_labels = blobs(40, 1)
    one_image = np.repeat(real[:1], 5, axis=0)
    layout = make(real, [samples, one_image], 3, silent)
    assert layout.real.shape == (120, 2)
    assert [len(x) for x in layout.samples] == [40, 5]
    assert layout.how == (layouts.TOGETHER if method == "pymde" else layouts.PLACED)
    assert quality.accuracy(layout.real, labels, np.arange(120)) > 0.95
    both = np.concatenate([layout.real, layout.samples[0]])
    both_labels = np.concatenate([labels, sample_labels])
    assert quality.accuracy(both, both_labels, np.arange(120, 160)) > 0.9
    if method != "pymde":  # which does not repeat itself
        again = make(real, [samples, one_image], 3, silent)
        np.testing.assert_array_equal(again.real, layout.real)
    assert layouts.described(method).startswith(f"{DESCRIBED[method]} ")


def test_points_on_a_line_have_a_map_of_two_axes():
    line = np.arange(20, dtype=np.float32)[:, None]
    layout = layouts.maker("pca")(line, [], 0, silent)
    assert layout.real.shape == (20, 2)
    assert np.ptp(layout.real[:, 1]) == 0
