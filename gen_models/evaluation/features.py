"""The feature nets: fixed, versioned nets per data set instead of ImageNet's Inception.

Each data set has two, in one file: an encoder that was trained without labels, and a classifier.
Nets of the known data sets are part of the package; nets of other data sets are made by `python -m
experiments.train_features` and looked for in `results/features/`.
"""

import hashlib
import io
import json
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import jax
import jax.numpy as jnp
import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from gen_models.algorithm import Spec
from gen_models.data.catalog import Dataset, Splits
from gen_models.errors import UserError
from gen_models.evaluation import classifier, encoder
from gen_models.evaluation.fitting import Weights
from gen_models.evaluation.protocol import MEASURES_VERSION, SPACES
from gen_models.storage import cache
from gen_models.storage.files import write_bytes
from gen_models.storage.tensors import filled, named

SHIPPED = Path(__file__).parent / "shipped"
OWN = Path("results/features")
NAMES = {"fashion_mnist": "fmnist-v2", "mnist": "mnist-v2"}
DIGESTS = {  # SHA-256 of the shipped weights by name of the nets
    "fmnist-v2": "ca847897aa1d1cad6cea8bb697db752c5f91b4532943960bc4fd844f12dec239",
    "mnist-v2": "26b3a8e9a53cb4fdbabaefaac4032f999bb20148a92ab4d222e803f1225a0ca8",
}
RECORD = "gen_models.features"  # the only entry of the weights' metadata
DIGITS = 8  # digits of the digest in a net's full name


class FeatureError(UserError):
    """A feature net that is missing, damaged, or made for other images."""


class FeatureNet(NamedTuple):
    """The feature nets of one data set."""

    name: str  # ends in the digest of the weights: equal names, equal features
    encoder: Weights  # net trained without labels
    classifier: Weights  # net trained to tell the classes apart
    spec: Spec  # size of their images, number of classes
    record: dict[str, Any]  # options and data of their training, the classifier's test accuracy


class Described(NamedTuple):
    """Features, predicted classes and labels of images."""

    features: dict[str, np.ndarray]  # f32[N,D] by name of the space, as in SPACES
    predicted: np.ndarray  # i32[N], classes predicted by the classifier
    labels: np.ndarray | None  # i32[N], true or requested classes; None if unknown

    def take(self, rows: np.ndarray | slice) -> "Described":
        """The described images at the indices, slice or mask `rows`."""
        features = {space: array[rows] for space, array in self.features.items()}
        labels = None if self.labels is None else self.labels[rows]
        return Described(features, self.predicted[rows], labels)


def net_path(dataset: str) -> Path:
    """Path of the weights of a data set's net, which need not exist."""
    return (
        SHIPPED / f"{dataset}.safetensors" if dataset in NAMES else OWN / f"{dataset}.safetensors"
    )


def of(dataset: str) -> FeatureNet:
    """The net of the named data set. Raises FeatureError if there is none."""
    return load(net_path(dataset))


def find(dataset: str) -> FeatureNet | None:
    """The net of the named data set, or None if there is none."""
    return of(dataset) if net_path(dataset).exists() else None


def load(path: Path) -> FeatureNet:
    """Read the nets in `path`. Raises FeatureError."""
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        with safe_open(path, framework="numpy") as file:
            record = json.loads((file.metadata() or {})[RECORD])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if record.get("version") != MEASURES_VERSION:
            raise FeatureError(
                f"{path} holds the feature net of other measures than version {MEASURES_VERSION}; "
                "make it again with python -m experiments.train_features"
            )
        _check_shipped(path, record["name"], digest)
        spec = Spec(record["height"], record["width"], record["num_classes"])
        nets = _fill(spec, tensors)
    except FileNotFoundError as error:
        raise FeatureError(
            f"{error.filename} is not there; make feature nets of this data set with "
            "python -m experiments.train_features --data-dir FOLDER"
        ) from error
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise FeatureError(f"{path} is no feature net: {error!s:.200}; make it again") from error
    return FeatureNet(f"{record['name']}-{digest[:DIGITS]}", *nets, spec, record)


def _check_shipped(path: Path, name: str, digest: str) -> None:
    """Raise FeatureError for a net with a shipped net's name but other weights."""
    expected = DIGESTS.get(name)
    if expected and digest != expected:
        raise FeatureError(
            f"{path} is not {name}: its sha256 is {digest}, expected {expected}; get the package "
            "again"
        )


def save(
    path: Path,
    encoder_weights: Weights,
    classifier_weights: Weights,
    splits: Splits,
    record: dict[str, Any],
) -> FeatureNet:
    """Write new nets and read them back; the classifier's test accuracy is added to `record`.
    Raises UserError.

    The nets get the name of shipped ones only if they are bit-identical to those.
    """
    nets = {"encoder": encoder_weights._asdict(), "classifier": classifier_weights._asdict()}
    tensors = {name: np.asarray(leaf, order="C") for name, leaf in named(nets).items()}
    test, classes = splits.test, splits.train.num_classes
    prediction = classifier.classify(classifier_weights, classes, test.images)
    record = {
        "version": MEASURES_VERSION,
        **splits.train.spec._asdict(),
        "train": splits.train.digest,
        "test": test.digest,
        "accuracy": float(np.mean(prediction.labels == test.labels)),
        **record,
    }
    # Serialised under the shipped nets' name first: the digest tells whether they are those.
    shipped = NAMES.get(splits.train.name)
    data = _serialise(tensors, {"name": shipped, **record})
    if shipped is None or hashlib.sha256(data).hexdigest() != DIGESTS[shipped]:
        data = _serialise(tensors, {"name": f"{splits.train.name}-own", **record})
    write_bytes(path, data)
    return load(path)


def _serialise(tensors: dict[str, np.ndarray], record: dict[str, Any]) -> bytes:
    return safetensors.numpy.save(tensors, {RECORD: json.dumps(record)})


def describe(net: FeatureNet, images: np.ndarray, labels: np.ndarray | None = None) -> Described:
    """Features and predicted classes of images u8[N,H,W]. Raises FeatureError for another size."""
    if images.shape[1:] != (net.spec.height, net.spec.width):
        height, width = images.shape[1:]
        raise FeatureError(
            f"the images are {height}×{width}, {net.name} takes {net.spec.height}×"
            f"{net.spec.width}; use feature nets of these images (experiments.train_features)"
        )
    prediction = classifier.classify(net.classifier, net.spec.num_classes, images)
    of_encoder = encoder.encode(net.encoder, images)
    features = {"self-supervised": of_encoder, "classifier": prediction.features}
    return Described(features, prediction.labels, labels)


def predict_classes(net: FeatureNet, images: np.ndarray) -> np.ndarray:
    """Classes i32[N] of images u8[N,H,W], as the classifier predicts them."""
    return classifier.classify(net.classifier, net.spec.num_classes, images).labels


def describe_real(net: FeatureNet, dataset: Dataset) -> Described:
    """Features and predicted classes of a split, kept in the user's cache."""
    entry = "features", f"{net.name}-v{MEASURES_VERSION}-{dataset.digest[:16]}.npz"
    try:
        with np.load(io.BytesIO(cache.recalled(*entry)), allow_pickle=False) as file:
            features = {space: file[space] for space in SPACES}
            return Described(features, file["predicted"], dataset.labels)
    except (ValueError, KeyError, EOFError, BadZipFile):
        pass  # missing or damaged: the cache can be filled again
    described = describe(net, dataset.images, dataset.labels)
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **described.features, predicted=described.predicted)
    cache.keep(*entry, file.getvalue())
    return described


def _fill(spec: Spec, tensors: dict[str, np.ndarray]) -> tuple[Weights, Weights]:
    """Weights of the encoder and of the classifier from tensors by their path."""
    trainings = {
        "encoder": encoder.build(encoder.Config(steps=1), spec),
        "classifier": classifier.build(classifier.Config(steps=1), spec),
    }
    shapes = {
        name: jax.eval_shape(training.init, jax.random.key(0)).ema
        for name, training in trainings.items()
    }
    nets = jax.tree.map(jnp.asarray, filled(shapes, tensors))
    return Weights(**nets["encoder"]), Weights(**nets["classifier"])
