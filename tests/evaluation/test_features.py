"""The shipped feature nets are what their names say, and damaged ones are refused."""

import json
import shutil

import numpy as np
import pytest

from gen_models.data import catalog
from gen_models.data.catalog import Splits
from gen_models.data.fetch import DataError
from gen_models.data.known import CATALOG
from gen_models.evaluation import classifier, features
from gen_models.evaluation.features import DIGESTS, NAMES, SHIPPED, FeatureError
from gen_models.evaluation.frechet import distance, gaussian

TARGETS = {"fashion_mnist": 0.935, "mnist": 0.995}  # test accuracy
MAX_BYTES = 3 * 2**20


def real(name, split="test"):
    try:
        return catalog.load(name, split)
    except DataError as error:  # no network, no mirror
        pytest.skip(str(error))


@pytest.fixture(params=CATALOG)
def shipped(request):
    """The net of a known data set."""
    return features.load(features.net_path(request.param))


def test_a_shipped_net_carries_its_digest_in_its_name(shipped):
    name = shipped.record["name"]
    assert name in NAMES.values()
    assert shipped.name == f"{name}-{DIGESTS[name][:8]}"


@pytest.mark.parametrize("dataset", CATALOG)
def test_a_shipped_net_and_its_statistics_are_small(dataset):
    weights = SHIPPED / f"{dataset}.safetensors"
    assert weights.stat().st_size + weights.with_suffix(".npz").stat().st_size <= MAX_BYTES


@pytest.mark.parametrize(("dataset", "accuracy"), TARGETS.items())
def test_a_shipped_net_classifies_the_real_test_split_as_recorded(dataset, accuracy):
    net, test = features.load(features.net_path(dataset)), real(dataset)
    assert net.record["test"] == test.digest
    seen = features.describe(net, test.images[:2000], test.labels[:2000])
    found = np.mean(seen.predicted == seen.labels)
    assert net.record["accuracy"] >= accuracy
    assert found == pytest.approx(net.record["accuracy"], abs=0.015)


@pytest.mark.parametrize("dataset", CATALOG)
def test_the_shipped_statistics_are_those_of_the_real_test_split(dataset):
    net = features.load(features.net_path(dataset))
    found = gaussian(features.describe_real(net, real(dataset)).features)
    assert found.count == net.gaussians["test"].count == 10_000
    # Another machine's rounding moves features by less than anything that is measured.
    assert distance(found, net.gaussians["test"]) < 1e-6
    np.testing.assert_allclose(found.mean, net.gaussians["test"].mean, atol=1e-3)


def test_load_refuses_other_weights_under_a_shipped_name(tmp_path):
    source = features.net_path("mnist")
    path = tmp_path / "mnist.safetensors"
    data = bytearray(source.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    shutil.copy(source.with_suffix(".npz"), path.with_suffix(".npz"))
    with pytest.raises(FeatureError, match="is not mnist-cnn-v1: its sha256 is"):
        features.load(path)


@pytest.mark.parametrize("damage", ["empty", "half", "text", "no statistics", "foreign statistics"])
def test_load_of_a_damaged_net_raises_feature_error(tmp_path, damage):
    source, path = features.net_path("mnist"), tmp_path / "mnist.safetensors"
    data, statistics = source.read_bytes(), source.with_suffix(".npz").read_bytes()
    if damage == "foreign statistics":
        statistics = features.net_path("fashion_mnist").with_suffix(".npz").read_bytes()
    contents = {"empty": b"", "half": data[: len(data) // 2], "text": json.dumps({}).encode()}
    path.write_bytes(contents.get(damage, data))
    if damage != "no statistics":
        path.with_suffix(".npz").write_bytes(statistics)
    with pytest.raises(FeatureError, match="feature net"):
        features.load(path)


def test_a_damaged_cache_of_features_is_made_again(tmp_path, monkeypatch, tiny):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    net = features.load(features.net_path("mnist"))
    images = np.zeros((12, 28, 28), np.uint8)
    dataset = tiny.test._replace(images=images, labels=np.zeros(12, np.int32))
    first = features.describe_real(net, dataset)
    (path,) = (tmp_path / "gen_models/features").iterdir()
    path.write_bytes(path.read_bytes()[:100])
    np.testing.assert_array_equal(features.describe_real(net, dataset).features, first.features)


@pytest.mark.usefixtures("no_cache")
def test_features_without_a_cache_are_the_same(tiny):
    net = features.load(features.net_path("mnist"))
    images = np.random.default_rng(0).integers(0, 256, (12, 28, 28), np.uint8)
    dataset = tiny.test._replace(images=images, labels=np.zeros(12, np.int32))
    found = features.describe_real(net, dataset)
    np.testing.assert_array_equal(found.features, features.describe(net, images).features)


def test_a_net_of_a_known_data_set_that_is_not_the_shipped_one_has_another_name(tmp_path, tiny):
    splits = Splits(*(split._replace(name="mnist") for split in tiny))
    weights = classifier.train(splits.train, classifier.Config(steps=1), seed=0)
    net = features.save(tmp_path / "own.safetensors", weights, splits, {"mirror": False})
    assert net.record["name"] == "mnist-cnn"
    assert features.load(tmp_path / "own.safetensors").name == net.name
