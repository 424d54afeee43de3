"""Sets that say little are measured as far as they go, and what is left out is said."""

import hashlib
import json

import numpy as np
import pytest
from conftest import make_split

from gen_models import assessment
from gen_models.assessment import EvaluationExtent, Samples
from gen_models.data import validation
from gen_models.data.catalog import Splits
from gen_models.evaluation import classifier, record
from gen_models.evaluation.evaluator import SCORE_STEPS, Evaluator
from gen_models.evaluation.frechet import MeasureError
from gen_models.evaluation.measure import MEASURES
from gen_models.evaluation.protocol import SPACES

NEIGHBOURS = {
    name + suffix
    for name in ("precision", "recall", "density", "coverage")
    for suffix in SPACES.values()
}
MANY = "more than 5 samples and real images, and so many of the other split"
DIFFERENT = "training images that differ, and for real images test images that are none of them"


def changed(split, images, labels):
    digest = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
    return split._replace(images=images, labels=labels, digest=digest)


def first(split, count):
    return changed(split, split.images[:count], split.labels[:count])


def equal(split):
    return changed(split, np.full_like(split.images, 7), split.labels)


def one_class(split):
    return changed(split, split.images, np.full_like(split.labels, 2))


TRAIN, TEST = make_split(0, 70), make_split(1, 20)
SETS = {  # splits, measures left out, measures of real images left out
    "usual": (TRAIN, TEST, set(), set()),
    "test copies train": (TRAIN, first(TRAIN, 20), set(), {"authenticity"}),
    "all equal": (equal(TRAIN), equal(TEST), {"authenticity"}, set()),
    "train all equal": (equal(TRAIN), TEST, {"authenticity"}, set()),
    "one class": (one_class(TRAIN), one_class(TEST), set(), set()),
    "one image a class": (first(TRAIN, 3), first(TEST, 3), NEIGHBOURS, set()),
    "five test images": (TRAIN, first(TEST, 5), NEIGHBOURS, set()),
    "four train images": (first(TRAIN, 4), TEST, set(), NEIGHBOURS),
    "splits of eleven": (first(TRAIN, 11), first(TEST, 11), set(), set()),
    "two images": (first(TRAIN, 2), first(TEST, 2), NEIGHBOURS, set()),
}


@pytest.fixture
def evaluator(random_net, monkeypatch, tmp_path):
    """A function that makes an evaluator of two splits with nets of random features."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def make(train, test, *reference):
        splits = Splits(train, test)
        net = random_net(f"net-{train.digest[:4]}-{test.digest[:4]}", splits)
        return Evaluator(net, splits, *reference)

    return make


@pytest.mark.parametrize("name", SETS)
def test_degenerate_sets_are_measured_as_far_as_they_go(evaluator, tmp_path, name):
    train, test, lacking, floorless = SETS[name]
    samples = make_split(2, 30)
    for images in (samples.images, np.full_like(samples.images, 9)):
        evaluation = assessment.evaluate_samples(
            Samples(images, samples.labels),
            evaluator(train, test),
            EvaluationExtent(),
            {"name": "x"},
            None,
            print,
        )
        record.write(tmp_path / record.NAME, evaluation)
        assert record.read(tmp_path / record.NAME).measures == evaluation.measures
        whole = {"class_gap", "label_accuracy", "authenticity"} | NEIGHBOURS
        whole |= {name + suffix for name in ("fid", "kid") for suffix in SPACES.values()}
        assert set(evaluation.measures) == whole - lacking
        without = {name for name, score in evaluation.measures.items() if score.floor is None}
        assert without == floorless
        present = [TEST.class_names[label] for label in np.unique(test.labels)]
        assert list(evaluation.details["per_class"]) == present


def test_what_is_left_out_is_said(evaluator):
    def said(name):
        train, test, *_ = SETS[name]
        samples = Samples(*make_split(2, 30)[1:3])
        return record.omissions(
            assessment.evaluate_samples(
                samples, evaluator(train, test), EvaluationExtent(), {"name": "x"}, None, print
            )
        )

    assert said("usual") == []
    assert said("test copies train") == [
        f"left out: authenticity of real images; needs {DIFFERENT}"
    ]
    assert said("train all equal") == [f"left out: authenticity; needs {DIFFERENT}"]
    four = ", ".join(MEASURES[name].title for name in MEASURES if name in NEIGHBOURS)
    assert said("five test images") == [f"left out: {four}; needs {MANY}"]
    four = ", ".join(f"{word} of real images" for word in four.split(", "))
    assert said("four train images") == [f"left out: {four}; needs {MANY}"]


def test_floor_that_an_older_version_kept_as_nan_is_measured_anew(evaluator, tmp_path):
    usual = evaluator(TRAIN, TEST)
    wanted = usual.floor(30)
    (kept,) = tmp_path.glob("**/*floor*.json")
    kept.write_text(json.dumps(wanted | {"authenticity": [float("nan"), None]}))
    assert evaluator(TRAIN, TEST).floor(30) == wanted


def test_fewer_than_ten_images_are_refused(evaluator):
    with pytest.raises(MeasureError, match="found 9 samples, expected 10 or more"):
        evaluator(TRAIN, TEST).describe(TEST.images[:9], None)


def test_floor_without_a_cache_is_the_same_and_measured_once(evaluator, monkeypatch, request):
    wanted = evaluator(TRAIN, TEST).floor(15)
    request.getfixturevalue("no_cache")
    measured_with, calls = evaluator(TRAIN, TEST), []
    measure = measured_with._measure_floor
    monkeypatch.setattr(measured_with, "_measure_floor", lambda n: calls.append(n) or measure(n))
    assert [measured_with.floor(15) for _ in range(2)] == [wanted] * 2
    assert calls == [15]


def test_validation_images_are_compared_with_and_the_other_training_images_are_their_floor(
    evaluator,
):
    of_validation = evaluator(TRAIN, TEST, "validation")
    mask = validation.is_validation(TRAIN)
    assert of_validation.protocol(30).reference == "validation"
    np.testing.assert_array_equal(of_validation.reference.labels, TRAIN.labels[mask])
    np.testing.assert_array_equal(of_validation.others.labels, TRAIN.labels[~mask])
    samples = of_validation.describe(*make_split(2, 30)[1:3])
    assert of_validation.quality(samples) != evaluator(TRAIN, TEST).quality(samples)


def test_classification_score_is_a_mean_over_seeds_beside_that_of_real_images(
    evaluator, monkeypatch
):
    accuracies = iter([0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    seeds = []

    def classify(weights, classes, images, channels):
        del classes, channels
        right = round(next(accuracies) * len(images))
        labels = np.where(np.arange(len(images)) < right, TEST.labels, weights)
        return classifier.Prediction(None, labels)

    train = lambda _, config, seed: seeds.append((seed, config.steps)) or -1
    monkeypatch.setattr(classifier, "train", train)
    monkeypatch.setattr(classifier, "classify", classify)
    value, error, floor, floor_error = evaluator(TRAIN, TEST).classification_score(
        *make_split(2, 30)[1:3]
    )
    assert (value, floor) == (pytest.approx(0.9), pytest.approx(0.6))
    # The interval is Student's at two degrees of freedom.
    assert 1.96 * error == pytest.approx(4.302652729911275 * 0.1 / np.sqrt(3), rel=1e-6)
    assert floor_error == pytest.approx(error)
    assert seeds == [(seed, SCORE_STEPS) for seed in (0, 1, 2)] * 2
