"""The validation images: a fixed, stratified sixth, whatever the order of the images."""

import numpy as np
import pytest
from conftest import make_split

from gen_models.data import validation
from gen_models.data.catalog import DataError, Splits


def bytes_of(images):
    return {image.tobytes() for image in images}


def test_a_sixth_of_each_class_is_set_apart():
    train = make_split(0, 600)
    mask = validation.is_validation(train)
    assert mask.sum() == 100
    counts = np.bincount(train.labels[mask])
    assert sorted(counts.tolist()) == [33, 33, 34]


def test_the_choice_does_not_depend_on_the_order_of_the_images():
    train = make_split(0, 120)
    order = np.random.default_rng(0).permutation(120)
    moved = train._replace(images=train.images[order], labels=train.labels[order])
    chosen, again = (validation.separate(data).validation for data in (train, moved))
    assert bytes_of(again.images) == bytes_of(chosen.images)


def test_both_parts_together_are_the_training_images():
    train = make_split(0, 70)
    rest, apart = validation.separate(train)
    assert len(rest.labels) + len(apart.labels) == 70
    assert bytes_of(rest.images) | bytes_of(apart.images) == bytes_of(train.images)
    assert len({train.digest, rest.digest, apart.digest}) == 3
    assert not rest.images.flags.writeable


def test_training_leaves_them_out_only_if_asked_to(tiny):
    assert validation.training(tiny, hold_out=False) is tiny
    held = validation.training(tiny, hold_out=True)
    assert len(held.train.labels) == 70 - 70 // 6 and held.test is tiny.test


def test_too_few_images_to_set_one_apart_raise_data_error():
    with pytest.raises(DataError, match="has 5 training images, expected 6 or more"):
        validation.training(Splits(make_split(0, 5), make_split(1, 5)), hold_out=True)
