"""All measures of made-up sets: their values, and whether their errors are of the right size."""

import numpy as np
import pytest

from gen_models.evaluation import frechet, kernel
from gen_models.evaluation.features import Described
from gen_models.evaluation.frechet import MeasureError, gaussian
from gen_models.evaluation.manifold import manifold
from gen_models.evaluation.measure import (
    KID_SCALE,
    MEASURES,
    among_neighbours,
    by_class,
    class_gap,
    class_weights,
    distances,
    kernel_distance,
    mean,
    measure,
)
from gen_models.evaluation.protocol import SPACES

NAMES = ("zero", "one", "two")


def described(seed, count, shift=0.0):
    """Features f32[count,D] about three places, one a class; classes 0, 1, 2, 0, … all right. D is
    4 in the self-supervised space and 3 in the classifier's."""
    labels = np.arange(count, dtype=np.int32) % 3
    rng, features = np.random.default_rng(seed), {}
    for space, dims in zip(SPACES, (4, 3), strict=True):
        features[space] = rng.normal(shift, 1, (count, dims)).astype(np.float32)
        features[space][:, 0] += 10 * labels
    return Described(features, labels.copy(), labels)


def points(seed, count, shift=0.0):
    """The self-supervised features f32[count,4] of `described`."""
    return described(seed, count, shift).features["self-supervised"]


def in_both(*names):
    """The names of measures in both spaces."""
    return [name + suffix for suffix in SPACES.values() for name in names]


def real_size(estimates):
    """How far the values of independent draws really spread, and what their errors say."""
    values, errors = zip(*estimates, strict=True)
    return np.std(values, ddof=1), np.mean(errors)


# --- all together


def test_measures_of_a_set_against_itself_are_perfect():
    same = described(0, 300)
    values = {name: value for name, (value, _) in measure(same, same).items()}
    perfect = [*in_both("precision", "recall", "density", "coverage"), "label_accuracy"]
    assert {name: values[name] for name in perfect} == pytest.approx(dict.fromkeys(perfect, 1.0))
    assert values["class_gap"] == 0
    for suffix in SPACES.values():
        assert values[f"fid{suffix}"] == pytest.approx(0, abs=1e-10)
        assert values[f"kid{suffix}"] < 0  # one subset, the whole set, without its diagonals


def test_measures_are_those_of_their_own_modules():
    samples, reference = described(1, 90, shift=0.3), described(2, 120)
    estimates = measure(samples, reference)
    assert estimates["class_gap"] == class_gap(samples.predicted, reference.predicted)
    for space, suffix in SPACES.items():
        ours, theirs = samples.features[space], reference.features[space]
        assert estimates[f"fid{suffix}"] == distances(ours, theirs)["fid"]
        assert estimates[f"kid{suffix}"] == kernel_distance(ours, theirs)["kid"]
        for name, entries in manifold(ours, theirs)._asdict().items():
            assert estimates[f"{name}{suffix}"].value == entries.mean()


def test_samples_without_labels_have_no_label_accuracy():
    samples, reference = described(3, 60), described(4, 60)
    estimates = measure(samples, reference)
    without = measure(samples._replace(labels=None), reference)
    assert estimates.keys() - without.keys() == {"label_accuracy"}
    assert without.keys() - estimates.keys() == set(in_both("fid_reweighted"))
    assert all(without[name] == estimates[name] for name in without.keys() & estimates.keys())
    assert set(estimates) | set(without) <= set(MEASURES)


def test_measure_of_too_few_samples_raises_measure_error():
    with pytest.raises(MeasureError):
        measure(described(5, 1), described(6, 60))


@pytest.mark.parametrize(("samples", "real"), [(2, 60), (5, 60), (60, 2), (60, 5)])
def test_measure_of_few_images_leaves_out_what_needs_neighbours(samples, real):
    estimates = measure(described(5, samples), described(6, real))
    assert list(estimates) == [*in_both("fid", "kid"), "class_gap", "label_accuracy"]
    assert np.isfinite([estimate.value for estimate in estimates.values()]).all()
    more = measure(described(5, max(samples, 6)), described(6, max(real, 6)))
    assert set(more) - set(estimates) == set(in_both("precision", "recall", "density", "coverage"))


def test_measure_of_images_that_are_all_equal():
    samples, reference = described(5, 20), described(6, 30)
    same = samples._replace(
        features={space: x[:1].repeat(20, axis=0) for space, x in samples.features.items()}
    )
    estimates = measure(same, same)
    assert estimates["fid"] == (0, 0) and estimates["kid"].value == pytest.approx(0, abs=1e-9)
    assert estimates["recall"] == (0, 0)  # balls without a radius hold nothing
    assert np.isfinite([estimate.value for estimate in measure(same, reference).values()]).all()


# --- means


def test_mean_of_one_entry_has_no_error():
    assert mean(np.array([True])) == (1, None)
    assert mean(np.array([1.0, 3.0])) == (2, 1)


def test_label_accuracy_is_the_share_that_is_right():
    samples = described(7, 40)
    samples.predicted[::4] = (samples.labels[::4] + 1) % 3
    value, error = measure(samples, described(8, 60))["label_accuracy"]
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


def test_fid_is_the_distance_of_the_fitted_gaussians():
    samples, reference = points(9, 100, 0.5), points(10, 120)
    value, error = distances(samples, reference)["fid"]
    assert value == frechet.distance(gaussian(samples), gaussian(reference)) and 0 < error < value


@pytest.mark.parametrize(("dims", "shift"), [(8, 0.3), (8, 1.0), (16, 0.3)])
def test_the_error_of_fid_is_how_far_it_spreads_over_draws_of_both_sets(dims, shift):
    rng = np.random.default_rng(10)
    sets = ((rng.normal(shift, 1.2, (400, dims)), rng.normal(size=(300, dims))) for _ in range(40))
    actual, reported = real_size([distances(*pair)["fid"] for pair in sets])
    assert actual / 1.5 < reported < 1.5 * actual


@pytest.mark.parametrize("counts", [(240, 300), (120, 600)])
def test_the_errors_of_recall_and_the_others_are_how_far_they_spread_over_draws_of_both_sets(
    counts,
):
    rng, (samples, real) = np.random.default_rng(11), counts
    sets = [(rng.normal(0.4, 0.9, (samples, 3)), rng.normal(size=(real, 3))) for _ in range(40)]
    rows = [among_neighbours(*pair) for pair in sets[:8]]
    spread = np.std([[x.mean() for x in manifold(*pair)] for pair in sets], axis=0, ddof=1)
    for name, actual in zip(("precision", "recall", "density", "coverage"), spread, strict=True):
        reported = np.mean([row[name].error for row in rows])
        assert actual / 1.5 < reported < 2 * actual, name


# --- frequencies of the classes


def test_weights_make_classes_as_frequent_as_in_the_reference():
    predicted, reference = np.repeat([0, 1, 2], [10, 60, 30]), np.repeat([0, 1, 3], [50, 25, 25])
    weights = class_weights(predicted, reference)
    shares = [weights[predicted == label].sum() / 100 for label in range(3)]
    assert shares == pytest.approx([0.5, 0.25, 0])  # of class 2 the reference has none


def test_fid_reweighted_does_not_see_frequencies_and_fid_does():
    real = described(12, 3000)
    rows = np.flatnonzero((real.labels == 0) | (np.arange(3000) % 4 == 0))
    skewed = real.take(rows)
    weights = class_weights(skewed.predicted, real.predicted)
    for space in SPACES:
        estimates = distances(skewed.features[space], real.features[space], weights)
        assert estimates["fid"].value > 10
        assert estimates["fid_reweighted"].value < 0.05


def test_kid_is_in_thousandths(monkeypatch):
    monkeypatch.setattr(kernel, "SUBSET_SIZE", 100)
    samples, reference = points(12, 130, 0.2), points(13, 120)
    expected = kernel.distance(samples, reference, subset_size=100).mean
    assert (
        kernel_distance(samples, reference)["kid"].value == KID_SCALE * expected
        and KID_SCALE == 1000
    )


def test_kid_of_fewer_than_a_subset_takes_all():
    samples, reference = points(14, 50, 0.2), points(15, 80)
    value, error = kernel_distance(samples, reference)["kid"]
    assert value == 1000 * kernel.distance(samples, reference, subset_size=50).mean
    assert error > 0


@pytest.mark.parametrize(("count", "others"), [(500, 500), (110, 110), (101, 400), (300, 60)])
def test_the_error_of_kid_is_how_far_it_spreads_over_draws(monkeypatch, count, others):
    monkeypatch.setattr(kernel, "SUBSET_SIZE", 100)
    rng = np.random.default_rng(16)
    sets = ((rng.normal(0.5, 1, (count, 4)), rng.normal(size=(others, 4))) for _ in range(30))
    actual, reported = real_size([kernel_distance(*pair)["kid"] for pair in sets])
    assert actual / 2 < reported < 2 * actual


# --- within classes


def test_a_class_is_measured_against_its_own():
    samples, reference = described(17, 90, 0.3), described(18, 120)
    samples.predicted[:6] = 2
    rows = by_class(samples, reference, NAMES)
    assert list(rows) == list(NAMES)
    for label, row in enumerate(rows.values()):
        drawn = samples.take(samples.labels == label).features
        real = reference.take(reference.labels == label).features
        near = manifold(drawn["self-supervised"], real["self-supervised"])
        fitted = gaussian(drawn["classifier"]), gaussian(real["classifier"])
        assert row == {
            "samples": 30,
            "fid_classifier": frechet.distance(*fitted),
            "precision": near.precision.mean(),
            "recall": near.recall.mean(),
            "coverage": near.coverage.mean(),
            "label_accuracy": [28 / 30, 28 / 30, 1][label],
        }


def test_a_class_without_real_images_has_no_row():
    samples, reference = described(17, 90), described(18, 120)
    rows = by_class(samples, reference.take(reference.labels != 1), NAMES)
    assert list(rows) == ["zero", "two"]


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
    rows = by_class(few, reference, NAMES)
    assert rows["one"]["samples"] == left
    assert rows["one"]["precision"] is None and rows["one"]["recall"] is None
    assert rows["one"]["fid_classifier"] is None or left >= 2
    assert rows["zero"]["fid_classifier"] is not None and rows["two"]["recall"] is not None
