"""Precision, recall, density and coverage against prdc and worked out on a line; neighbours."""

import numpy as np
import pytest
from expected import EXPECTED, features

from gen_models.evaluation import neighbours
from gen_models.evaluation.frechet import MeasureError
from gen_models.evaluation.manifold import Manifold, manifold, nearest_radii
from gen_models.evaluation.neighbours import nearest, rows_of_distances


def line(*places):
    return np.array(places, float)[:, None]


def points(seed, count, dims=3):
    return np.random.default_rng(seed).normal(size=(count, dims))


def modes(seed, kept, per_mode=50):
    """f64[kept*per_mode,2]: the first `kept` of ten clusters, 100 apart, of deviation 1."""
    clusters = points(seed, 10 * per_mode, 2).reshape(10, per_mode, 2)
    clusters[:, :, 0] += 100 * np.arange(10)[:, None]
    return clusters[:kept].reshape(-1, 2)


def means(parts):
    """Precision, recall, density and coverage of the whole."""
    return [float(entries.mean()) for entries in parts]


def squared_distances(a, b):
    """All of them, the slow way."""
    return ((a[:, None] - b) ** 2).sum(-1)


def small_blocks(monkeypatch, rows, others):
    """Let a block hold so many rows of distances to `others`."""
    monkeypatch.setattr(neighbours, "BLOCK_BYTES", rows * others.nbytes // others.shape[1])


# --- manifolds


@pytest.mark.parametrize("case", EXPECTED)
def test_measures_equal_those_of_prdc(case):
    expected = EXPECTED[case]
    wanted = [expected.precision, expected.recall, expected.density, expected.coverage]
    assert means(manifold(*features(case))) == pytest.approx(wanted, rel=1e-12)


def test_every_entry_on_a_line_by_hand():
    real = line(0, 1, 3, 7)  # to the nearest other 1, 1, 2, 4; to the second nearest 3, 2, 3, 6
    samples = line(0.5, 1.5, 20, 20.5)  # to the nearest other 1, 1, 0.5, 0.5
    parts = manifold(samples, real, precision_neighbours=1, density_neighbours=2)
    assert parts.precision.tolist() == [1, 1, 0, 0]
    assert parts.recall.tolist() == [1, 1, 0, 0]
    assert parts.density.tolist() == [3 / 2, 4 / 2, 0, 0]
    assert parts.coverage.tolist() == [1, 1, 1, 1]
    parts = manifold(samples, real, precision_neighbours=2, density_neighbours=1)
    assert parts.precision.tolist() == [1, 1, 0, 0]
    assert parts.recall.tolist() == [1, 1, 1, 1]  # now 19.5, 18.5, 18.5, 19
    assert parts.density.tolist() == [2, 2, 0, 0]
    assert parts.coverage.tolist() == [1, 1, 1, 0]


def test_a_point_on_the_border_of_a_ball_is_outside():
    real = line(0, 1, 100, 101)  # all balls reach 1 far
    parts = manifold(line(2, 99.5, 1.75, 50), real, 1, 1)
    assert parts.precision.tolist() == [0, 1, 1, 0]
    assert parts.density.tolist() == [0, 1, 1, 0]
    assert parts.coverage.tolist() == [0, 1, 1, 0]


def test_all_measures_of_a_set_against_itself_are_one():
    real = points(0, 100)
    assert means(manifold(real, real[::-1])) == [1, 1, 1, 1]  # each 5-ball holds 5 points


def test_all_measures_of_samples_far_away_are_zero():
    assert means(manifold(points(1, 50) + 1000, points(2, 60))) == [0, 0, 0, 0]


@pytest.mark.parametrize("kept", [1, 3, 7, 10])
def test_a_dropped_mode_is_missing_from_recall_and_coverage_alone(kept):
    parts = manifold(modes(0, kept), modes(0, 10))
    assert means(parts) == pytest.approx([1, kept / 10, 1, kept / 10])
    parts = manifold(modes(1, kept), modes(0, 10))  # not the same points
    assert parts.precision.mean() > 0.8
    assert 0.085 * kept < parts.recall.mean() <= 0.1 * kept
    assert 0.085 * kept < parts.coverage.mean() <= 0.1 * kept


def test_an_invented_mode_is_missing_from_precision_and_density_alone():
    real = modes(0, 4)
    samples = np.concatenate([real, real + np.array([0, 1000])])
    assert means(manifold(samples, real)) == pytest.approx([0.5, 1, 0.5, 1])


def test_a_single_repeated_sample_has_no_recall():
    real = points(3, 50)
    parts = manifold(np.repeat(real[:1] + 1e-3, 50, axis=0), real)
    assert parts.precision.tolist() == [1] * 50 and parts.recall.tolist() == [0] * 50


def test_entries_are_one_a_point():
    parts = manifold(points(4, 30).astype(np.float32), points(5, 40))
    assert [x.shape for x in parts] == [(30,), (40,), (30,), (40,)]
    assert isinstance(parts, Manifold) and all(x.dtype == np.float64 for x in parts)


def test_manifold_of_too_few_points_raises_measure_error():
    few, enough = points(6, 5), points(7, 6)
    manifold(enough, enough)
    for sets in ((few, enough), (enough, few)):
        with pytest.raises(MeasureError, match="5 neighbours need more than 5 points"):
            manifold(*sets)


def test_measures_do_not_depend_on_the_block_size(monkeypatch):
    samples, real = points(8, 33), points(9, 41) + 0.5
    whole = means(manifold(samples, real))
    small_blocks(monkeypatch, 4, real)
    assert means(manifold(samples, real)) == whole


# --- neighbours


@pytest.mark.parametrize("rows", [0, 1, 7, 20, 1000])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_rows_of_distances_are_all_distances(monkeypatch, rows, kind):
    a, b = points(10, 20).astype(kind), points(11, 9).astype(kind)
    small_blocks(monkeypatch, rows, b)
    blocks = list(rows_of_distances(a, b))
    assert len(blocks) == -(-20 // max(1, rows))
    assert [i for where, _ in blocks for i in range(20)[where]] == list(range(20))
    together = np.concatenate([squared for _, squared in blocks])
    assert together.dtype == kind
    np.testing.assert_allclose(together, squared_distances(a, b), atol=30 * np.finfo(kind).eps)


def test_squared_distances_are_never_below_zero():
    a = 1000 + 1e-4 * points(12, 50)  # where all that is left is rounding
    assert all((squared >= 0).all() for _, squared in rows_of_distances(a, a))
    assert all(squared.size == 0 for _, squared in rows_of_distances(a, a[:0]))


@pytest.mark.parametrize("rows", [3, 1000])
def test_radii_reach_to_the_kth_nearest_other_point(monkeypatch, rows):
    a = points(13, 25)
    small_blocks(monkeypatch, rows, a)
    ordered = np.sort(squared_distances(a, a), axis=1)
    np.testing.assert_allclose(nearest_radii(a, (1, 4)), ordered[:, [1, 4]].T, rtol=1e-10)


def test_the_radius_of_a_point_that_is_there_twice_is_zero():
    (radii,) = nearest_radii(line(1, 5, 5, 9), (1,))
    assert radii.tolist() == [16, 0, 0, 16]


@pytest.mark.parametrize("rows", [2, 1000])
def test_nearest_equals_brute_force(monkeypatch, rows):
    a, b = points(14, 30).astype(np.float32), points(15, 40).astype(np.float32)
    small_blocks(monkeypatch, rows, b)
    squared = squared_distances(a.astype(np.float64), b.astype(np.float64))
    index, distance = nearest(a, b)
    assert index.tolist() == squared.argmin(axis=1).tolist()
    np.testing.assert_allclose(distance, np.sqrt(squared.min(axis=1)), rtol=1e-14)


def test_nearest_of_a_point_of_the_set_is_itself_at_distance_zero():
    a = points(16, 30).astype(np.float32)
    index, distance = nearest(a[::-1], a)
    assert index.tolist() == list(range(30))[::-1] and not distance.any()
