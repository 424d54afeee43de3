"""Labels as frequent as those of images."""

import numpy as np
import pytest

from gen_models.data.frequencies import labels_like

SORTED = np.repeat(np.arange(4, dtype=np.int32), [40, 30, 20, 10])


@pytest.mark.parametrize("count", [1, 10, 50, 99, 100, 130, 250])
def test_each_class_has_its_share_in_whatever_order_the_labels_are(count):
    for labels in (SORTED, np.random.default_rng(1).permutation(SORTED)):
        drawn = labels_like(labels, count)
        assert drawn.shape == (count,) and drawn.dtype == np.int32
        wanted = count * np.bincount(labels) / 100
        assert np.all(np.abs(np.bincount(drawn, minlength=4) - wanted) < 1)


def test_as_many_as_there_are_are_themselves():
    np.testing.assert_array_equal(labels_like(SORTED, 200), np.tile(SORTED, 2))


def test_the_shuffle_is_that_of_every_earlier_version():
    """NumPy does not promise it (NEP 19); committed measures rest on it."""
    assert labels_like(np.arange(60) % 10, 8).tolist() == [2, 5, 3, 7, 6, 0, 1, 8]


def test_a_part_is_not_in_the_order_of_classes():
    assert np.any(np.diff(labels_like(SORTED, 50)) < 0)
