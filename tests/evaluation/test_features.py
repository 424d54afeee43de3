"""The shipped feature nets are what their names say, and damaged ones are refused."""

import json

import numpy as np
import pytest

from gen_models.data.catalog import Splits
from gen_models.data.known import CATALOG
from gen_models.evaluation import classifier, encoder, features
from gen_models.evaluation.features import DIGESTS, NAMES, SHIPPED, FeatureError

TARGETS = {"fashion_mnist": 0.935, "mnist": 0.995}  # test accuracy
MAX_BYTES = 7 * 2**20


@pytest.fixture(params=CATALOG)
def shipped(request):
    """The net of a known data set."""
    return features.load(features.net_path(request.param))


def test_a_shipped_net_carries_its_digest_in_its_name(shipped):
    name = shipped.record["name"]
    assert name in NAMES.values()
    assert shipped.name == f"{name}-{DIGESTS[name][:8]}"


@pytest.mark.parametrize("dataset", CATALOG)
def test_shipped_nets_are_small(dataset):
    assert (SHIPPED / f"{dataset}.safetensors").stat().st_size <= MAX_BYTES


@pytest.mark.parametrize(("dataset", "accuracy"), TARGETS.items())
def test_a_shipped_net_classifies_the_real_test_split_as_recorded(dataset, accuracy, real_splits):
    net, test = features.load(features.net_path(dataset)), real_splits(dataset).test
    assert net.record["test"] == test.digest
    seen = features.describe(net, test.images[:2000], test.labels[:2000])
    accuracy = np.mean(seen.predicted == seen.labels)
    assert net.record["accuracy"] >= accuracy
    assert accuracy == pytest.approx(net.record["accuracy"], abs=0.015)


@pytest.mark.parametrize(
    "dataset", ["fashion_mnist", pytest.param("mnist", marks=pytest.mark.slow)]
)
def test_the_encoder_was_not_shown_the_classes_and_is_wide(dataset, real_splits):
    """Most of the variance is within classes, and no few directions hold it all."""
    net, test = features.load(features.net_path(dataset)), real_splits(dataset).test
    described = features.describe(net, test.images[:2000], test.labels[:2000])
    shares, widths = {}, {}
    for space, x in described.features.items():
        centred = x - x.mean(axis=0)
        means = [centred[described.labels == label].mean(axis=0) for label in range(10)]
        between = np.sum(np.square(means)[described.labels]) / np.sum(centred**2)
        spectrum = np.linalg.svd(centred, compute_uv=False) ** 2
        shares[space], widths[space] = between, spectrum.sum() ** 2 / np.sum(spectrum**2)
    assert shares["self-supervised"] < 0.4 < shares["classifier"]
    assert widths["self-supervised"] > widths["classifier"]


def test_load_refuses_other_weights_under_a_shipped_name(tmp_path):
    source = features.net_path("mnist")
    path = tmp_path / "mnist.safetensors"
    data = bytearray(source.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(FeatureError, match="is not mnist-v2: its sha256 is"):
        features.load(path)


@pytest.mark.parametrize("damage", ["empty", "half", "text", "another version"])
def test_load_of_a_damaged_net_raises_feature_error(tmp_path, damage):
    path = tmp_path / "mnist.safetensors"
    data = features.net_path("mnist").read_bytes()
    contents = {
        "empty": b"",
        "half": data[: len(data) // 2],
        "text": json.dumps({}).encode(),
        "another version": data.replace(rb"\"version\": 2", rb"\"version\": 1", 1),
    }
    path.write_bytes(contents[damage])
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
    again = features.describe_real(net, dataset)
    for space, array in again.features.items():
        np.testing.assert_array_equal(array, first.features[space])


@pytest.mark.usefixtures("no_cache")
def test_features_without_a_cache_are_the_same(tiny):
    net = features.load(features.net_path("mnist"))
    images = np.random.default_rng(0).integers(0, 256, (12, 28, 28), np.uint8)
    dataset = tiny.test._replace(images=images, labels=np.zeros(12, np.int32))
    described = features.describe_real(net, dataset)
    for space, wanted in features.describe(net, images).features.items():
        np.testing.assert_array_equal(described.features[space], wanted)


def test_a_net_of_a_known_data_set_that_is_not_the_shipped_one_has_another_name(tmp_path, tiny):
    splits = Splits(*(split._replace(name="mnist") for split in tiny))
    nets = [
        part.train(splits.train, part.Config(steps=1), seed=0) for part in (encoder, classifier)
    ]
    net = features.save(tmp_path / "own.safetensors", *nets, splits, {"mirror": False})
    assert net.record["name"] == "mnist-own"
    assert features.load(tmp_path / "own.safetensors").name == net.name
