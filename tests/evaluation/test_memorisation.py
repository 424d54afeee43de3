"""Copies are found, fresh samples are not taken for copies, duplicates are nobody's neighbours."""

import numpy as np
import pytest

from gen_models.evaluation import neighbours
from gen_models.evaluation.memorisation import closeness, duplicates, is_copy


def points(seed, count, dims=6):
    """f32[count,dims] from one distribution, whatever the seed."""
    return np.random.default_rng(seed).normal(size=(count, dims)).astype(np.float32)


def images(seed, count):
    return np.random.default_rng(seed).integers(0, 256, (count, 5, 4), dtype=np.uint8)


def line(*places):
    return np.array(places, np.float32)[:, None]


# --- authenticity


@pytest.mark.parametrize("noise", [0, 1e-3])
def test_samples_copied_from_training_images_are_not_authentic(noise):
    train, rows = points(0, 200), np.random.default_rng(1).integers(0, 200, 50)
    near = closeness(train[rows] + noise * points(2, 50), train, np.arange(200))
    assert near.index.tolist() == rows.tolist()
    assert (near.distance <= 10 * noise).all() and not near.authentic.any()


def test_fresh_samples_are_as_authentic_as_test_images():
    train, groups = points(3, 1000), np.arange(1000)
    fresh, test = (closeness(points(seed, 1000), train, groups).authentic for seed in (4, 5))
    assert abs(fresh.mean() - test.mean()) < 4 * np.sqrt(2 * 0.25 / 1000)
    assert 0.3 < test.mean() < 0.8


def test_a_share_of_copies_lowers_authenticity_by_that_share():
    train, fresh, groups = points(6, 500), points(7, 500), np.arange(500)
    mixed = np.concatenate([train[:250], fresh[250:]])
    alone, both = (closeness(x, train, groups).authentic for x in (fresh, mixed))
    assert both[250:].tolist() == alone[250:].tolist() and not both[:250].any()


def test_closeness_on_a_line_by_hand():
    train = line(0, 4, 5, 12)  # to the nearest other 4, 1, 1, 7
    near = closeness(line(-3, -4, -5, 4.25, 3.5, 2.5, 9, 20), train, np.arange(4))
    assert near.index.tolist() == [0, 0, 0, 1, 1, 1, 3, 3]
    assert near.distance.tolist() == [3, 4, 5, 0.25, 0.5, 1.5, 3, 8]
    assert near.authentic.tolist() == [False, False, True, False, False, True, False, True]


def test_closeness_does_not_take_duplicates_for_neighbours():
    train = line(0, 0, 10, 14)
    near = closeness(line(3, -11, 5.5, 16, 20), train, np.array([0, 0, 1, 2]))
    assert np.isin(near.index[:2], (0, 1)).all() and near.index[2:].tolist() == [2, 3, 3]
    assert near.distance.tolist() == [3, 11, 4.5, 2, 6]
    assert near.authentic.tolist() == [False, True, True, False, True]  # farther than 10, 10, 4, 4
    counted = closeness(line(3), train, np.arange(4))  # as though they were different images
    assert counted.authentic.tolist() == [True]  # farther than 0


def test_nearest_of_training_images_that_are_all_equal_has_no_neighbour():
    near = closeness(line(3, -1), line(0, 0, 0), np.zeros(3, int))
    assert near.distance.tolist() == [3, 1] and near.spacing.tolist() == [np.inf, np.inf]
    assert near.most_suspicious(2).tolist() == [0, 1]


def test_closeness_does_not_depend_on_the_block_size(monkeypatch):
    samples, train, groups = points(8, 40), points(9, 60), np.arange(60) // 2
    whole = closeness(samples, train, groups)
    monkeypatch.setattr(neighbours, "BLOCK_BYTES", 7 * train.itemsize * len(train))
    for found, expected in zip(closeness(samples, train, groups), whole, strict=True):
        np.testing.assert_array_equal(found, expected)


# --- duplicates and copies


def test_duplicates_share_a_number_and_no_others_do():
    different = images(0, 4)
    order = [2, 0, 1, 0, 3, 2, 2]
    groups = duplicates(different[order])
    assert groups.shape == (7,)
    same = groups[:, None] == groups
    assert same.tolist() == [[a == b for b in order] for a in order]


def test_one_pixel_off_by_one_is_another_image():
    different = np.repeat(images(1, 1), 21, axis=0)
    flat = different.reshape(21, 20)
    flat[range(20), range(20)] ^= 1
    assert len(np.unique(duplicates(different))) == 21


def test_copies_are_found_pixel_for_pixel():
    train, samples = images(2, 50), images(3, 10)
    samples[[1, 4, 7]] = train[[30, 30, 0]]
    assert np.flatnonzero(is_copy(samples, train)).tolist() == [1, 4, 7]
    assert not is_copy(train[:10] ^ 1, train).any()
    assert is_copy(train, train).all()


def test_samples_that_are_alike_are_no_copies_of_training_images():
    samples = np.repeat(images(4, 1), 5, axis=0)
    assert not is_copy(samples, images(5, 20)).any()


def test_copied_and_duplicates_take_strided_images():
    train = images(6, 30)
    train.flags.writeable = False
    assert is_copy(train[::3, :, ::2], train[:, :, ::2]).all()
    assert len(np.unique(duplicates(train[::-1, ::2]))) == 30


# --- the data set itself


@pytest.fixture(scope="module")
def fashion_mnist(real_splits):
    """u8[60000,28,28] and u8[10000,28,28]"""
    return [data.images for data in real_splits("fashion_mnist")]


def test_fashion_mnist_of_today_holds_no_duplicate(fashion_mnist):
    # Its first files had 43 in train and 10 of test in train (zalandoresearch/fashion-mnist#44);
    # pull request 45 replaced them.
    train, test = fashion_mnist
    assert len({image.tobytes() for image in train}) == len(train)
    assert len({image.tobytes() for image in train} & {image.tobytes() for image in test}) == 0
    assert len(np.unique(duplicates(train))) == len(train)
    assert not is_copy(test, train).any()


def test_duplicates_put_into_fashion_mnist_are_found(fashion_mnist):
    train, test = (images.copy() for images in fashion_mnist)
    train[10_000:10_043] = train[50_000:50_043]
    test[:10] = train[10_040:10_050]
    groups = duplicates(train)
    assert len(train) - len(np.unique(groups)) == 43
    assert (groups[10_000:10_043] == groups[50_000:50_043]).all()
    assert np.flatnonzero(is_copy(test, train)).tolist() == list(range(10))
