"""Numbers of a map whose answers are known."""

import numpy as np
import pytest
from maps_blobs import blobs

from gen_models.maps import gaps, mixing, quality

pytest.importorskip("sklearn")


def test_quality_of_a_map_that_keeps_blobs_apart_and_of_one_that_shuffles_them():
    points, labels = blobs(200, 0)
    kept = quality.quality(points, points[:, :2] + points[:, 2:], labels, seed=0)
    assert kept.accuracy_in_space == 1
    assert kept.accuracy > 0.7  # two of four balls may lie over each other
    lost = quality.quality(points, np.random.default_rng(1).permutation(points)[:, :2], labels, 0)
    assert lost.accuracy < 0.5
    assert lost.trustworthiness < kept.trustworthiness <= 1


def test_accuracy_counts_no_point_as_its_own_neighbour():
    points = np.array([[0.0], [0.1], [10.0], [10.1]], np.float32)
    labels = np.array([0, 1, 2, 3])
    assert quality.accuracy(points, labels, np.arange(4), neighbours=1) == 0


def test_mixing_of_samples_of_the_same_distribution_is_at_the_level():
    same = mixing.mixing(blobs(400, 0)[0], blobs(200, 1)[0], seed=0)
    low, high = same.level
    assert same.count == 200
    assert low < 0.5 < high
    assert low - 0.03 < same.share < high + 0.03


def test_mixing_of_samples_elsewhere_is_one_and_of_copies_below_the_level():
    real, _ = blobs(400, 0)
    apart = mixing.mixing(real, real[:200] + 100, seed=0)
    assert (apart.share, apart.real, apart.samples) == (1, 1, 1)
    copies = mixing.mixing(real, real, seed=0)
    assert copies.share < copies.level[0]


def test_mixing_needs_two_images_of_each_kind():
    assert mixing.mixing(np.zeros((3, 2)), np.zeros((9, 2)), seed=0) is None


def test_a_model_without_a_class_misses_its_region_and_no_other():
    real, labels = blobs(800, 0)
    samples, _ = blobs(400, 1, kinds=(0, 1, 2))
    without_class = gaps.gaps(real, real[:, :2] - 2 * real[:, 2:], samples, seed=0)
    assert without_class.covered == pytest.approx(0.75, abs=0.05)
    assert without_class.expected > 0.9
    assert without_class.regions
    for region in without_class.regions:
        assert np.mean(labels[region.images] == 3) > 0.5
        assert np.all(labels[region.shown] == 3)
        assert region.covered < region.expected / 2


def test_copies_of_the_real_images_miss_nothing():
    real, _ = blobs(400, 0)
    of_copies = gaps.gaps(real, real[:, :2], real, seed=0)
    assert of_copies.covered > 0.9
    assert of_copies.regions == []


def test_a_model_of_one_image_misses_nearly_everything():
    real, _ = blobs(400, 0)
    of_one_image = gaps.gaps(real, real[:, :2], np.repeat(real[:1], 200, axis=0), seed=0)
    assert of_one_image.covered < 0.1
    assert len(of_one_image.regions) > 2
