"""`validate_measures` measures what is missing, and writes a page."""

import json

import pytest

from experiments import validate_measures
from gen_models.data import catalog
from gen_models.errors import UserError
from gen_models.evaluation import features, sensitivity
from gen_models.fields import ConfigError

FEW = ["--datasets", "mnist", "--samples", "100", "--degradations", "blurred", "memorised"]


@pytest.fixture
def measured(random_net, monkeypatch, tmp_path, tiny):
    """Nets of random features for tiny data in MNIST's place. Which degradations were measured."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    net = random_net("net-0123", tiny)
    monkeypatch.setattr(features, "of", lambda _: net)
    monkeypatch.setattr(catalog, "load_splits", lambda _: tiny)
    take_readings, measured = sensitivity.take_readings, []

    def note_names(evaluator, samples, names, **rest):
        measured.extend(names)
        return take_readings(evaluator, samples, names, **rest)

    monkeypatch.setattr(sensitivity, "take_readings", note_names)
    return measured


def test_the_page_has_a_verdict_and_the_values_of_each_degradation(measured, tmp_path):
    assert validate_measures.main(FEW) == 0
    assert measured == ["blurred", "memorised"]
    page = (tmp_path / "results/measures/README.md").read_text()
    assert "| blurred by 0.75 pixels |" in page
    assert "| 50% copied from training images |" in page


def test_what_is_measured_is_not_measured_again(measured, tmp_path):
    assert validate_measures.main(FEW) == 0
    first = (tmp_path / "results/measures/README.md").read_bytes()
    assert validate_measures.main(FEW) == 0
    assert measured == ["blurred", "memorised"]
    assert (tmp_path / "results/measures/README.md").read_bytes() == first
    assert validate_measures.main([*FEW, "noisy"]) == 0
    assert measured == ["blurred", "memorised", "noisy"]


def test_numbers_of_another_protocol_are_measured_anew(measured, tmp_path):
    assert validate_measures.main(FEW) == 0
    path = tmp_path / "results/measures/mnist.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"protocol": "another"}))
    assert validate_measures.main(FEW) == 0
    assert measured == ["blurred", "memorised"] * 2


@pytest.mark.usefixtures("measured")
def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "results/measures/mnist.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    with pytest.raises(UserError, match=r"mnist\.json holds no readings"):
        validate_measures.main(FEW)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--datasets", "minst"], "no data set is called 'minst'; .*mnist"),
        (["--degradations", "blured"], "no degradation is called 'blured'; .*blurred"),
    ],
)
def test_unknown_names_get_the_nearest_right_one(args, words):
    with pytest.raises(ConfigError, match=words):
        validate_measures.main(args)
