"""Verdicts on measures, and the shipped nets' own on small sets of real images."""

import pytest

from gen_models.evaluation import features, jackknife, kernel, sensitivity
from gen_models.evaluation.degradations import DEGRADATIONS
from gen_models.evaluation.evaluator import Evaluator
from gen_models.evaluation.measure import MEASURES, Estimate
from gen_models.evaluation.protocol import SPACES
from gen_models.evaluation.sensitivity import Reading, sees

SAMPLES, IMAGES = 1200, 2000
QUICK = {"repeated": 30, "without classes": 5, "blurred": 1, "mislabelled": 0.5}  # one amount each


def estimates(*values, error=0.1):
    return [Estimate(value, error) for value in values]


@pytest.mark.parametrize(
    ("name", "values", "seen"),
    [
        ("fid", (1, 2, 3), True),
        ("fid", (1, 3, 2), False),  # better again
        ("fid", (1, 2, 1.9), True),  # by chance
        ("fid", (1, 1.1, 3), False),  # within the interval
        ("recall", (0.9, 0.4, 0.0), True),
        ("recall", (0.9, 0.0, 0.0), True),
        ("recall", (0.4, 0.9, 1.5), False),  # it rises
        ("precision", (0.8, 1.5, 2.0), True),  # away from real images, upwards
        ("precision", (0.8, 0.4, 0.1), True),
    ],
)
def test_a_measure_sees_what_it_gets_worse_by_beyond_its_interval(name, values, seen):
    assert sees(name, estimates(*values)) is seen


def test_readings_come_back_from_json_and_make_a_page():
    readings = [
        Reading("blurred", amount, {"fid": Estimate(1 + amount, 0.1), "kid": Estimate(1.0, 0.1)})
        for amount in (0.0, 0.5, 1.0)
    ]
    assert sensitivity.from_json(sensitivity.to_json(readings)) == readings
    assert sensitivity.verdicts(readings) == {"blurred": {"fid": True, "kid": False}}
    page = sensitivity.page("the protocol", readings)
    assert "| FID | **sees** |" in page and "| KID × 1000 | **blind** |" in page
    assert "| blurred by 0.5 pixels | 1.50 (± 0.20) | 1.00 (± 0.20) |" in page
    assert "| **train images as they are** | 1.00 (± 0.20) | 1.00 (± 0.20) |" in page


SETS = [pytest.param(name, marks=pytest.mark.slow) for name in ("fashion_mnist", "mnist")]


@pytest.fixture(scope="module", params=SETS)
def evaluator(request, real_splits):
    """An evaluator of real images, few of them, so that the tests are short."""
    splits = real_splits(request.param)
    evaluator = Evaluator(features.of(request.param), splits)
    few = {
        name: data._replace(images=data.images[:IMAGES], labels=data.labels[:IMAGES])
        for name, data in splits._asdict().items()
    }
    evaluator.splits = splits._replace(**few)
    evaluator.described = {name: evaluator.describe(*data[1:3]) for name, data in few.items()}
    return evaluator


@pytest.fixture(scope="module")
def readings(evaluator):
    report = lambda line: None  # noqa: ARG005
    with pytest.MonkeyPatch.context() as patch:
        for name, amount in QUICK.items():
            patch.setitem(DEGRADATIONS, name, DEGRADATIONS[name]._replace(amounts=(amount,)))
        patch.setattr(kernel.distance, "__defaults__", (20, *kernel.distance.__defaults__[1:]))
        patch.setattr(jackknife, "SUBSETS", 30)
        return list(sensitivity.take_readings(evaluator, SAMPLES, QUICK, cas=False, report=report))


def test_what_measures_claim_to_see_they_see_in_small_sets_of_real_images(readings):
    blind = [
        (degradation, name)
        for degradation, row in sensitivity.verdicts(readings).items()
        for name in DEGRADATIONS[degradation].seen_by
        if name in row and not row[name]
    ]
    assert blind == []
    judged = {name for row in sensitivity.verdicts(readings).values() for name in row}
    lacking = {"authenticity", "classification_score", "fd_infinity", "fd_infinity_classifier"}
    assert set(MEASURES) - judged == lacking


@pytest.mark.parametrize("suffix", SPACES.values())
def test_few_real_images_repeated_are_neither_varied_nor_near(readings, suffix):
    before, few = [row.measures for row in readings if row.degradation == "repeated"]
    assert few[f"recall{suffix}"].value < 0.05 < before[f"recall{suffix}"].value
    assert few[f"coverage{suffix}"].value < 0.5 * before[f"coverage{suffix}"].value
    assert few[f"fid{suffix}"].value > 1.5 * before[f"fid{suffix}"].value
