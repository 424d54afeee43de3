"""Fréchet distance against torch-fidelity, 50-digit arithmetic, closed forms and its definition."""

import numpy as np
import pytest
from expected import EXPECTED, features
from scipy.linalg import sqrtm

from gen_models.evaluation.frechet import (
    Gaussian,
    MeasureError,
    distance,
    extrapolated_distance,
    fit,
    gaussian,
    standard_error,
)


def normal(seed, count, dims, shift=0.0):
    """f64[count,dims] from a normal distribution whose dimensions correlate."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, dims)) @ rng.normal(size=(dims, dims)) + shift


def diagonal(mean, deviation):
    """The Gaussian of independent dimensions."""
    return Gaussian(np.array(mean, float), np.diag(np.array(deviation, float)), 10)


def standard(dims):
    return diagonal(np.zeros(dims), np.ones(dims))


def rotation(dims):
    return np.linalg.qr(np.random.default_rng(9).normal(size=(dims, dims)))[0]


def fid(samples, reference):
    return distance(gaussian(samples), gaussian(reference))


# --- other implementations


@pytest.mark.parametrize("case", EXPECTED)
def test_fid_equals_its_definition_in_50_digits(case):
    assert fid(*features(case)) == pytest.approx(EXPECTED[case].fid_exact, rel=1e-12)


@pytest.mark.parametrize("case", EXPECTED)
def test_fid_equals_that_of_torch_fidelity(case):
    # Where covariances are nearly singular, half of torch-fidelity's own digits are lost.
    tolerance = 1e-6 if case == "degenerate" else 1e-12
    assert fid(*features(case)) == pytest.approx(EXPECTED[case].fid, rel=tolerance)


def test_fid_equals_the_formula_with_a_matrix_square_root():
    samples, reference = normal(0, 200, 6), normal(1, 300, 6, shift=0.3)
    covariances = [np.cov(x, rowvar=False) for x in (samples, reference)]
    shift = np.sum((samples.mean(0) - reference.mean(0)) ** 2)
    spread = np.trace(sum(covariances) - 2 * sqrtm(covariances[0] @ covariances[1]))
    assert fid(samples, reference) == pytest.approx(shift + spread.real, rel=1e-10)


# --- weights


def test_weighted_features_are_repeated_features():
    features = normal(2, 60, 5)
    counts = np.random.default_rng(0).integers(0, 4, 60)
    weighted, repeated = gaussian(features, counts), gaussian(features.repeat(counts, axis=0))
    np.testing.assert_allclose(weighted.mean, repeated.mean, rtol=1e-12, atol=1e-12)
    # Both are unbiased, for a share of a count each and for single features.
    n, shares = counts.sum(), counts / counts.sum()
    scale = (1 - np.sum(shares**2)) / (1 - 1 / n)
    covariances = [x.factor.T @ x.factor for x in (weighted, repeated)]
    np.testing.assert_allclose(scale * covariances[0], covariances[1], rtol=1e-10, atol=1e-12)


def test_equal_weights_change_nothing():
    features = normal(3, 40, 3)
    plain, weighted = gaussian(features), gaussian(features, np.full(40, 7.0))
    assert distance(plain, weighted) == pytest.approx(0, abs=1e-12)


# --- standard errors


def error(samples, reference):
    return standard_error(fit(samples), fit(reference))


def test_standard_error_of_a_shifted_line_is_that_of_its_mean():
    rng = np.random.default_rng(4)
    samples, reference = rng.normal(3, 1, (500, 1)), rng.normal(0, 1, (800, 1))
    # (μ₁-μ₂)² dominates: its error is 2|μ₁-μ₂| √(σ²/500 + σ²/800).
    expected = 2 * 3 * np.sqrt(1 / 500 + 1 / 800)
    assert error(samples, reference) == pytest.approx(expected, rel=0.1)


def test_standard_error_with_weights_is_how_far_the_weighted_distance_spreads():
    """Half of the points count nine times as much as the others, whatever they are."""
    rng, distances, errors = np.random.default_rng(7), [], []
    weights = np.repeat([9.0, 1.0], 150)
    for _ in range(40):
        samples = fit(rng.normal(0.4, 1, (300, 5)), weights)
        reference = fit(rng.normal(size=(400, 5)))
        distances.append(distance(samples.gaussian, reference.gaussian))
        errors.append(standard_error(samples, reference))
    assert np.std(distances, ddof=1) / 1.5 < np.mean(errors) < 1.5 * np.std(distances, ddof=1)


def test_standard_error_of_unlike_covariances_is_how_far_the_distance_spreads():
    """Most of the distance is the covariances', and neither transport map is the identity."""
    rng, distances, errors = np.random.default_rng(8), [], []
    first, second = rng.normal(size=(2, 6, 6))
    for _ in range(40):
        samples, reference = (
            fit(rng.normal(size=(300, 6)) @ first),
            fit(rng.normal(size=(400, 6)) @ second),
        )
        distances.append(distance(samples.gaussian, reference.gaussian))
        errors.append(standard_error(samples, reference))
    assert np.std(distances, ddof=1) / 1.4 < np.mean(errors) < 1.4 * np.std(distances, ddof=1)


def test_standard_error_of_singular_features_is_finite():
    flat = np.concatenate([normal(5, 50, 3), np.zeros((50, 4))], axis=1)
    assert 0 < error(flat, normal(6, 80, 7)) < np.inf
    assert error(np.ones((9, 4)), np.ones((9, 4))) == 0


# --- closed forms


@pytest.mark.parametrize(
    ("means", "deviations"),
    [((0, 0), (1, 1)), ((2, -1), (1, 1)), ((0, 0), (1, 3)), ((0.5, 4), (2, 0.1)), ((1, 2), (0, 3))],
)
def test_one_dimensional_distance_is_of_means_and_of_deviations(means, deviations):
    a, b = (diagonal([m], [s]) for m, s in zip(means, deviations, strict=True))
    expected = (means[0] - means[1]) ** 2 + (deviations[0] - deviations[1]) ** 2
    assert distance(a, b) == pytest.approx(expected, rel=1e-14, abs=1e-14)


def test_independent_dimensions_add_up():
    means, deviations = np.random.default_rng(0).uniform(0, 3, (2, 2, 7))
    a, b = diagonal(means[0], deviations[0]), diagonal(means[1], deviations[1])
    expected = np.sum((means[0] - means[1]) ** 2 + (deviations[0] - deviations[1]) ** 2)
    assert distance(a, b) == pytest.approx(expected, rel=1e-13)


def test_the_same_shape_twice_as_wide_is_as_far_as_its_own_variance():
    normal_fit = gaussian(normal(2, 50, 5))
    wide = normal_fit._replace(factor=2 * normal_fit.factor)
    assert distance(normal_fit, wide) == pytest.approx(np.sum(normal_fit.factor**2), rel=1e-13)


# --- properties


@pytest.mark.parametrize("shape", [(300, 5), (40, 40), (10, 30)])
def test_a_set_is_at_distance_zero_from_itself(shape):
    points = normal(3, *shape)
    scale = np.sum(gaussian(points).factor ** 2)
    assert abs(fid(points, points)) < 1e-12 * scale
    assert abs(fid(points, points[::-1])) < 1e-12 * scale


def test_distance_is_symmetric():
    a, b = normal(4, 50, 6), normal(5, 60, 6)
    assert fid(a, b) == pytest.approx(fid(b, a), rel=1e-13)


def test_turning_and_moving_both_sets_changes_nothing():
    a, b = normal(6, 90, 8), normal(7, 80, 8, shift=1)
    turn = rotation(8)
    assert fid(a @ turn + 5, b @ turn + 5) == pytest.approx(fid(a, b), rel=1e-11)


def test_distance_grows_with_the_square_of_the_features():
    a, b = normal(8, 90, 8), normal(9, 80, 8)
    assert fid(3 * a, 3 * b) == pytest.approx(9 * fid(a, b), rel=1e-12)


# --- fitted Gaussians


@pytest.mark.parametrize("shape", [(300, 5), (10, 30), (2, 3)])
def test_a_fitted_gaussian_has_the_sets_mean_and_unbiased_covariance(shape):
    points = normal(10, *shape, shift=2)
    mean, factor, count = gaussian(points)
    assert count == len(points) and factor.shape == (min(shape), shape[1])
    np.testing.assert_allclose(mean, points.mean(0), rtol=1e-14)
    scale = np.abs(np.cov(points, rowvar=False)).max()
    np.testing.assert_allclose(factor.T @ factor, np.cov(points, rowvar=False), atol=1e-13 * scale)


def test_float32_features_are_measured_in_float64():
    points = normal(11, 100, 4).astype(np.float32)
    fitted, wide = gaussian(points), gaussian(points.astype(np.float64))
    assert fitted.mean.dtype == fitted.factor.dtype == np.float64
    assert distance(fitted, standard(4)) == distance(wide, standard(4))


def test_fewer_samples_than_dimensions_are_measured_by_the_definition():
    samples, reference = normal(12, 10, 30), normal(13, 20, 30, shift=0.2)
    cov_1, cov_2 = (np.cov(x, rowvar=False) for x in (samples, reference))
    values, vectors = np.linalg.eigh(cov_1)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    shared = np.sum(np.sqrt(np.linalg.eigvalsh(root @ cov_2 @ root).clip(0)))
    shift = np.sum((samples.mean(0) - reference.mean(0)) ** 2)
    expected = shift + np.trace(cov_1) + np.trace(cov_2) - 2 * shared
    assert fid(samples, reference) == pytest.approx(expected, rel=1e-6)


def test_sets_on_lines_at_right_angles_share_no_spread():
    steps = np.array([-1.0, 0.0, 1.0])  # of variance 1
    along_x, along_y = np.zeros((2, 3, 9))
    along_x[:, 0], along_y[:, 1] = 2 * steps, 3 * steps
    assert fid(along_x, along_y) == pytest.approx(4 + 9, rel=1e-14)
    assert fid(along_x, 3 * along_x) == pytest.approx((6 - 2) ** 2, rel=1e-14)


@pytest.mark.parametrize("count", [0, 1])
def test_a_covariance_of_less_than_two_samples_is_an_error(count):
    with pytest.raises(MeasureError, match=f"2 samples or more, found {count}"):
        gaussian(np.zeros((count, 3)))


# --- extrapolated to infinitely many samples


def test_extrapolated_removes_the_bias_of_few_samples():
    rng = np.random.default_rng(0)
    draws = [rng.normal(size=(1000, 16)) for _ in range(4)]
    biased = np.mean([distance(gaussian(x), standard(16)) for x in draws])
    assert biased == pytest.approx((16 + 16 * 17 / 4) / 1000, rel=0.2)  # 16 means, 136 covariances
    assert abs(np.mean([extrapolated_distance(x, standard(16), 0) for x in draws])) < 0.15 * biased


def test_extrapolation_of_samples_without_spread_is_their_distance():
    samples = np.tile([3.0, 0.0, 4.0], (60, 1))
    assert extrapolated_distance(samples, standard(3), 0) == pytest.approx(25 + 3, rel=1e-12)


def test_extrapolation_is_the_same_for_the_same_seed_alone():
    samples = normal(14, 100, 4)
    first, again, other = (extrapolated_distance(samples, standard(4), seed) for seed in (0, 0, 1))
    assert first == again != other


def test_extrapolation_from_too_few_samples_is_an_error():
    assert np.isfinite(extrapolated_distance(normal(15, 60, 4), standard(4), 0))
    with pytest.raises(MeasureError, match="60 samples or more, found 59"):
        extrapolated_distance(normal(15, 59, 4), standard(4), 0)
