"""Degradations do what they say, and more of it with larger amounts."""

import numpy as np
import pytest
from conftest import make_split

from gen_models.evaluation import degradations
from gen_models.evaluation.degradations import DEGRADATIONS, RealImages
from gen_models.evaluation.measure import MEASURES

TRAIN = make_split(0, 210)


def source(count=120):
    data = make_split(3, count)
    return RealImages(data.images, data.labels, TRAIN)


def changed(images, labels):
    """Share of the images that are not the source's."""
    del labels
    return np.mean((images != source().images).any(axis=(1, 2)))


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_every_degradation_gives_as_many_bytes_and_labels_and_the_same_each_time(name):
    way = DEGRADATIONS[name]
    for amount in (way.amounts[0], way.amounts[-1]):
        few = min(amount, 60) if name == "repeated" else min(amount, 2)
        images, labels = way.worsen(source(), few)
        assert images.dtype == np.uint8 and images.shape == (120, 8, 8)
        assert labels.shape == (120,) and labels.dtype.kind == "i"
        np.testing.assert_array_equal(images, way.worsen(source(), few)[0])
    assert set(way.seen_by) <= set(MEASURES) and way.title.format(way.amounts[0])


def test_repeated_images_are_few_and_equally_many_of_each_class():
    images, labels = degradations.repeated(source(), 12)
    assert len(np.unique(images, axis=0)) == 12
    assert np.bincount(labels).tolist() == [40, 40, 40]


def test_classes_are_missing():
    assert set(degradations.without_classes(source(), 1)[1]) == {0, 1}


def test_typical_images_are_nearest_to_the_mean_of_their_class():
    images, labels = degradations.typical(source(), 0.5)
    np.testing.assert_array_equal(labels, source().labels)
    for label in range(3):
        members = TRAIN.images[TRAIN.labels == label].astype(float)
        mean = members.mean(axis=0)
        far = ((members - mean) ** 2).sum(axis=(1, 2))
        near = ((images[labels == label] - mean) ** 2).sum(axis=(1, 2))
        assert near.max() <= np.median(far)


def test_unbalanced_images_are_less_of_the_first_classes():
    labels = degradations.unbalanced(source(), 0.5)[1]
    assert np.bincount(labels)[:2].sum() == 40


def test_shares_of_images_are_changed_and_larger_ones_include_smaller_ones():
    for worsen in (degradations.mirrored, degradations.mixed, degradations.memorised):
        assert changed(*worsen(source(), 0.25)) == pytest.approx(0.25, abs=0.02)
        less, more = (worsen(source(), share)[0] for share in (0.25, 0.5))
        touched = (less != source().images).any(axis=(1, 2))
        np.testing.assert_array_equal(less[touched], more[touched])


def test_memorised_images_are_training_images_of_their_class():
    images, labels = degradations.memorised(source(), 1)
    for label in range(3):
        of_class = TRAIN.images[TRAIN.labels == label]
        copies = images[labels == label]
        assert all((of_class == image).all(axis=(1, 2)).any() for image in copies)


def test_mixed_images_are_means_of_two_classes():
    data = source()
    grey = np.repeat(data.labels.astype(np.uint8) * 90, 64).reshape(-1, 8, 8)  # 0, 90, 180
    images, _ = degradations.mixed(data._replace(images=grey), 1)
    assert set(np.unique(images)) <= {45, 90, 135}
    assert np.all(images[data.labels == 0] != 0)


def test_wrong_labels_are_wrong():
    labels = degradations.mislabelled(source(), 0.5)[1]
    assert np.mean(labels != source().labels) == 0.5 and set(labels) == {0, 1, 2}


def test_filters_of_images():
    data = source()
    white = data._replace(images=np.full_like(data.images, 200))
    assert set(np.unique(degradations.faded(white, 0.25)[0])) == {150}
    assert set(np.unique(degradations.blurred(white, 1)[0])) == {200}
    moved = degradations.shifted(white, 2)[0]
    assert np.all(moved[:, :, :2] == 0) and np.all(moved[:, :, 2:] == 200)
    assert np.std(degradations.noisy(white, 8)[0].astype(float)) == pytest.approx(8, rel=0.05)
