"""All measures of made-up sets: their values, and whether their errors are of the right size."""

import numpy as np
import pytest

from gen_models.evaluation import frechet, kernel
from gen_models.evaluation.features import Described
from gen_models.evaluation.frechet import Gaussian, MeasureError, gaussian
from gen_models.evaluation.manifold import manifold
from gen_models.evaluation.measure import (
    KID_SCALE,
    MEASURES,
    _weighted,
    by_class,
    class_gap,
    fid,
    kid,
    mean,
    measure,
)

NAMES = ("zero", "one", "two")


def described(seed, count, shift=0.0):
    """Features f32[count,4] about three places, one a class; classes 0, 1, 2, 0, … all right."""
    labels = np.arange(count, dtype=np.int32) % 3
    features = np.random.default_rng(seed).normal(shift, 1, (count, 4)).astype(np.float32)
    features[:, 0] += 10 * labels
    return Described(features, labels.copy(), labels)


def measured(samples, reference):
    return measure(samples, reference, gaussian(reference.features))


def standard(dims):
    return Gaussian(np.zeros(dims), np.eye(dims), 10)


def real_size(estimates):
    """How far the values of independent draws really spread, and what their errors say."""
    values, errors = zip(*estimates, strict=True)
    return np.std(values, ddof=1), np.mean(errors)


# --- all together


def test_measures_of_a_set_against_itself_are_perfect():
    same = described(0, 300)
    found = {name: value for name, (value, _) in measured(same, same).items()}
    perfect = ("precision", "recall", "density", "coverage", "label_accuracy")
    assert {name: found[name] for name in perfect} == dict.fromkeys(perfect, 1.0)
    assert found["class_gap"] == 0
    assert found["fid"] == pytest.approx(0, abs=1e-10)
    assert found["kid"] < 0  # one subset, the whole set, whose diagonals are left out


def test_measures_are_those_of_their_own_modules():
    samples, reference = described(1, 90, shift=0.3), described(2, 120)
    found = measured(samples, reference)
    near = manifold(samples.features, reference.features)
    assert found["fid"] == fid(samples.features, gaussian(reference.features))
    assert found["kid"] == kid(samples.features, reference.features)
    assert found["class_gap"] == class_gap(samples.predicted, reference.predicted)
    for name, entries in near._asdict().items():
        assert found[name] == mean(entries)


def test_samples_without_labels_have_no_label_accuracy():
    samples, reference = described(3, 60), described(4, 60)
    found = measured(samples, reference)
    without = measured(samples._replace(labels=None), reference)
    assert without == {name: row for name, row in found.items() if name != "label_accuracy"}
    assert set(found) <= set(MEASURES)


def test_measure_of_too_few_samples_raises_measure_error():
    with pytest.raises(MeasureError):
        measured(described(5, 1), described(6, 60))


@pytest.mark.parametrize(("samples", "real"), [(2, 60), (5, 60), (60, 2), (60, 5)])
def test_measure_of_few_images_leaves_out_what_needs_neighbours(samples, real):
    found = measured(described(5, samples), described(6, real))
    assert list(found) == ["fid", "kid", "class_gap", "label_accuracy"]
    assert np.isfinite([estimate.value for estimate in found.values()]).all()
    more = measured(described(5, max(samples, 6)), described(6, max(real, 6)))
    assert set(more) - set(found) == {"precision", "recall", "density", "coverage"}


def test_measure_of_images_that_are_all_equal():
    samples, reference = described(5, 20), described(6, 30)
    same = samples._replace(features=samples.features[:1].repeat(20, axis=0))
    found = measured(same, same)
    assert found["fid"] == (0, 0) and found["kid"].value == pytest.approx(0, abs=1e-9)
    assert found["recall"] == (0, 0)  # balls without a radius hold nothing
    assert np.isfinite([estimate.value for estimate in measured(same, reference).values()]).all()


# --- means


def test_mean_of_one_entry_has_no_error():
    assert mean(np.array([True])) == (1, None)
    assert mean(np.array([1.0, 3.0])) == (2, 1)


def test_label_accuracy_is_the_share_that_is_right():
    samples = described(7, 40)
    samples.predicted[::4] = (samples.labels[::4] + 1) % 3
    value, error = measured(samples, described(8, 60))["label_accuracy"]
    assert value == 0.75
    assert error == pytest.approx(np.sqrt(0.75 * 0.25 / 39), rel=1e-12)


def test_a_mean_has_its_standard_error():
    value, error = mean(np.array([1.0, 2.0, 6.0]))
    assert value == 3 and error == pytest.approx(np.sqrt((4 + 1 + 9) / 2 / 3), rel=1e-14)


# --- class gap


def test_class_gap_of_one_dropped_class_of_ten_is_a_tenth():
    reference = np.arange(1000) % 10
    for dropped in (0, 4, 9):
        samples = np.resize([label for label in range(10) if label != dropped], 900)
        assert class_gap(samples, reference).value == pytest.approx(0.1, rel=1e-12)
        assert class_gap(reference, samples).value == pytest.approx(0.1, rel=1e-12)


def test_class_gap_is_the_share_of_samples_that_would_have_to_move():
    reference = np.arange(1000) % 10
    assert class_gap(reference[::-1], reference).value == 0
    assert class_gap(np.full(70, 3), reference).value == pytest.approx(0.9, rel=1e-12)
    assert class_gap(np.full(70, 5), np.full(30, 2)).value == 1
    assert class_gap(np.repeat([0, 1], [30, 70]), np.repeat([0, 1], [60, 40])).value == (
        pytest.approx(0.3, rel=1e-12)
    )


def test_the_error_of_class_gap_is_that_of_a_share():
    error = class_gap(np.repeat([0, 1], [300, 700]), np.repeat([0, 1], [60, 40])).error
    assert error == pytest.approx(np.sqrt(0.3 * 0.7 / 1000), rel=0.3)


# --- Fréchet and kernel distance


def test_fid_is_the_distance_to_the_target():
    features = described(9, 100).features
    value, error = fid(features, standard(4))
    assert value == frechet.distance(gaussian(features), standard(4)) and 0 < error < value
    assert fid(features, standard(4)) == (value, error)


@pytest.mark.parametrize(("dims", "shift"), [(8, 0.3), (8, 1.0), (16, 0.3)])
def test_the_error_of_fid_is_how_far_it_spreads_over_draws(dims, shift):
    rng = np.random.default_rng(10)
    draws = [fid(rng.normal(shift, 1, (400, dims)), standard(dims)) for _ in range(25)]
    actual, reported = real_size(draws)
    assert actual / 2 < reported < 2 * actual


def test_weighted_samples_are_repeated_samples():
    features = described(11, 60).features
    counts = np.random.default_rng(0).integers(0, 4, 60)
    weighted, repeated = _weighted(features, counts), gaussian(features.repeat(counts, axis=0))
    assert weighted.count == repeated.count
    np.testing.assert_allclose(weighted.mean, repeated.mean, rtol=1e-12)
    covariances = [x.factor.T @ x.factor for x in (weighted, repeated)]
    np.testing.assert_allclose(*covariances, rtol=1e-10, atol=1e-12)


def test_kid_is_in_thousandths(monkeypatch):
    monkeypatch.setattr(kernel, "SUBSET_SIZE", 100)
    samples, reference = described(12, 130, 0.2).features, described(13, 120).features
    expected = kernel.distance(samples, reference, subset_size=100).mean
    assert kid(samples, reference).value == KID_SCALE * expected and KID_SCALE == 1000


def test_kid_of_fewer_than_a_subset_takes_all_and_knows_no_error():
    samples, reference = described(14, 50, 0.2).features, described(15, 80).features
    value, error = kid(samples, reference)
    assert value == 1000 * kernel.distance(samples, reference, subset_size=50).mean
    assert error is None


@pytest.mark.parametrize("count", [500, 1000])
def test_the_error_of_kid_is_how_far_it_spreads_over_draws(monkeypatch, count):
    monkeypatch.setattr(kernel, "SUBSET_SIZE", 100)
    rng = np.random.default_rng(16)
    sets = ((rng.normal(0.5, 1, (count, 4)), rng.normal(size=(count, 4))) for _ in range(30))
    actual, reported = real_size([kid(*pair) for pair in sets])
    assert actual / 2 < reported < 2 * actual


def test_the_error_of_kid_is_right_just_above_one_subset(monkeypatch):
    test_the_error_of_kid_is_how_far_it_spreads_over_draws(monkeypatch, 110)


# --- within classes


def test_a_class_is_measured_against_its_own():
    samples, reference = described(17, 90, 0.3), described(18, 120)
    samples.predicted[:6] = 2
    rows = by_class(samples, reference, NAMES)
    assert list(rows) == list(NAMES)
    for label, row in enumerate(rows.values()):
        own = samples.features[samples.labels == label]
        real = reference.features[reference.labels == label]
        near = manifold(own, real)
        assert row == {
            "samples": 30,
            "fid": frechet.distance(gaussian(own), gaussian(real)),
            "precision": near.precision.mean(),
            "recall": near.recall.mean(),
            "label_accuracy": [28 / 30, 28 / 30, 1][label],
        }


def test_a_class_without_real_images_has_no_row():
    samples, reference = described(17, 90), described(18, 120)
    found = by_class(samples, reference.take(reference.labels != 1), NAMES)
    assert list(found) == ["zero", "two"]


def test_a_real_image_is_of_the_class_of_its_label_whatever_is_predicted():
    samples, reference = described(19, 60), described(20, 60)
    confused = reference._replace(predicted=np.zeros_like(reference.predicted))
    assert by_class(samples, confused, NAMES) == by_class(samples, reference, NAMES)


def test_samples_without_labels_are_of_the_class_predicted():
    samples, reference = described(21, 60), described(22, 60)
    rows = by_class(samples, reference, NAMES)
    without = by_class(samples._replace(labels=None), reference, NAMES)
    for row in rows.values():
        del row["label_accuracy"]
    assert without == rows


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("left", [0, 1, 4])
def test_a_class_with_too_few_samples_has_no_numbers(labelled, left):
    samples, reference = described(23, 60), described(24, 60)
    rows = np.concatenate([np.flatnonzero(samples.labels != 1), 1 + 3 * np.arange(left)])
    few = samples.take(rows)
    few = few if labelled else few._replace(labels=None)
    found = by_class(few, reference, NAMES)
    assert found["one"]["samples"] == left
    assert found["one"]["precision"] is None and found["one"]["recall"] is None
    assert found["one"]["fid"] is None or left >= 2
    assert found["zero"]["fid"] is not None and found["two"]["recall"] is not None
