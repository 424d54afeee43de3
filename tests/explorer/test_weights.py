"""Weights as text."""

import numpy as np

from gen_models.explorer.weights import FEW, packed, unpacked


def test_many_weights_take_16_bits_and_lose_half_a_step_of_their_column():
    array = np.random.default_rng(0).normal(size=(100, 20)).astype(np.float32)
    array[:, 3] *= 1000
    array[:, 4] = 0
    text = packed(array)
    assert len(text["numbers"]) <= array.size * 8 / 3 + 4
    step = np.abs(array).max(axis=0) / (2**15 - 1)
    assert np.all(np.abs(unpacked(text, array.shape) - array) <= 0.501 * step)


def test_few_weights_vectors_and_whole_ones_are_exact():
    rng = np.random.default_rng(0)
    for shape, whole in [((5, 3), False), ((2 * FEW,), False), ((100, 20), True)]:
        array = rng.normal(size=shape).astype(np.float32)
        text = packed(array, whole=whole)
        assert text.keys() == {"numbers"}
        np.testing.assert_array_equal(unpacked(text, shape), array)
