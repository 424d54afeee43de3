"""Kernel distance against torch-fidelity and against sums worked out by hand."""

import numpy as np
import pytest
from expected import EXPECTED, features

from gen_models.evaluation import kernel
from gen_models.evaluation.frechet import MeasureError
from gen_models.evaluation.kernel import KernelDistance, distance


def cubic(x, y):
    """(x·y/D + 1)³ of two points."""
    return (sum(a * b for a, b in zip(x, y, strict=True)) / len(x) + 1) ** 3


def whole(samples, reference):
    """The distance with all points in the one subset."""
    return distance(samples, reference, subsets=1, subset_size=len(samples))


@pytest.mark.parametrize("case", EXPECTED)
def test_kid_equals_that_of_torch_fidelity(case):
    expected = EXPECTED[case]
    kid = distance(*features(case), expected.subsets, expected.subset_size)
    assert kid.mean == pytest.approx(expected.kid_mean, rel=1e-11)
    assert kid.deviation == pytest.approx(expected.kid_deviation, rel=1e-11)


def test_defaults_equal_those_of_torch_fidelity():
    assert (kernel.SUBSETS, kernel.SUBSET_SIZE, kernel.SEED) == (100, 1000, 2020)


def test_three_points_on_a_line_by_hand():
    xs, ys = [0.0, 1.0, 2.0], [-1.0, 0.5, 1.0]
    within = 0.0
    for points in (xs, ys):
        for i in range(3):
            for j in range(3):
                if i != j:
                    within += (points[i] * points[j] + 1) ** 3 / 6
    across = sum((x * y + 1) ** 3 for x in xs for y in ys) / 9
    kid = whole(np.array(xs)[:, None], np.array(ys)[:, None])
    assert kid == KernelDistance(pytest.approx(within - 2 * across, rel=1e-13), 0)


def test_sets_of_one_repeated_point_are_as_far_as_their_points():
    x, y = (1.0, 2.0, 0.0), (0.5, -1.0, 3.0)
    expected = cubic(x, x) + cubic(y, y) - 2 * cubic(x, y)
    kid = distance(np.tile(x, (8, 1)), np.tile(y, (9, 1)), subsets=4, subset_size=5)
    assert kid == KernelDistance(
        pytest.approx(expected, rel=1e-12), pytest.approx(0, abs=1e-12 * expected)
    )


def test_a_set_against_itself_is_below_zero_for_the_estimate_is_unbiased():
    points = np.random.default_rng(0).normal(size=(6, 2))
    values = np.array([[cubic(x, y) for y in points] for x in points])
    others = values[~np.eye(6, dtype=bool)]
    assert whole(points, points).mean == pytest.approx(2 * others.mean() - 2 * values.mean())
    assert whole(points, points).mean < 0


def test_sets_of_the_same_distribution_are_at_zero_on_average():
    rng = np.random.default_rng(1)
    values = [whole(*rng.normal(size=(2, 40, 3))).mean for _ in range(200)]
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    assert abs(np.mean(values)) < 3 * error
    bias = 2 * np.mean([cubic(x, x) - 1 for x in rng.normal(size=(1000, 3))]) / 40
    assert bias > 10 * error  # so a diagonal left in would have shown


def test_distance_of_shifted_sets_is_above_its_deviation():
    rng = np.random.default_rng(2)
    kid = distance(rng.normal(size=(200, 3)), rng.normal(0.7, size=(200, 3)), 10, 100)
    assert kid.mean > 2 * kid.deviation > 0


def test_kid_is_the_same_for_the_same_seed_alone():
    sets = np.random.default_rng(3).normal(size=(2, 60, 3))
    first, again, other = (distance(*sets, 5, 20, seed) for seed in (0, 0, 1))
    assert first == again and first.mean != other.mean


def test_float32_features_are_measured_in_float64():
    sets = np.random.default_rng(4).normal(size=(2, 60, 3)).astype(np.float32)
    assert distance(*sets, 5, 20) == distance(*sets.astype(np.float64), 5, 20)


def test_kid_of_a_set_smaller_than_a_subset_raises_measure_error():
    few, many = np.zeros((19, 3)), np.zeros((20, 3))
    for sets in ((few, many), (many, few)):
        with pytest.raises(MeasureError, match="subsets of 20, but a set has only 19"):
            distance(*sets, subset_size=20)
    assert distance(many, many, subset_size=20) == (0, 0)
