"""The feature nets: one fixed, versioned classifier per data set instead of ImageNet's Inception.

A net is two files: NAME.safetensors with its weights, and NAME.npz with the Gaussians of the train
and the test split under it. Nets of the known data sets are part of the package; nets of other data
sets are made by `python -m experiments.train_features` and looked for in `results/features/`.
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
from gen_models.evaluation import classifier
from gen_models.evaluation.frechet import Gaussian, gaussian
from gen_models.evaluation.protocol import MEASURES_VERSION
from gen_models.storage import cache
from gen_models.storage.files import atomic_write, write_bytes
from gen_models.storage.tensors import filled, named

SHIPPED = Path(__file__).parent / "shipped"
OWN = Path("results/features")
NAMES = {"fashion_mnist": "fmnist-cnn-v1", "mnist": "mnist-cnn-v1"}
DIGESTS = {  # SHA-256 of the shipped weights by name of the net
    "fmnist-cnn-v1": "fe806f2488f4dd05d7aee682de3e47bfb0933485911cbf66b09e30eab9bf4eb4",
    "mnist-cnn-v1": "8ce80fe60225c15e4c4f26ef982eae788c8e7573c7e3b2fd79508aaf889ca9ae",
}
RECORD = "gen_models.features"  # the only entry of the weights' metadata
DIGITS = 8  # digits of the digest in a net's full name


class FeatureError(UserError):
    """A feature net that is missing, damaged, or made for other images."""


class FeatureNet(NamedTuple):
    """A feature net."""

    name: str  # ends in the digest of the weights: equal names, equal features
    weights: classifier.Weights  # parameters and batch statistics
    spec: Spec  # size of its images, number of classes
    record: dict[str, Any]  # options and data of its training, its test accuracy
    gaussians: dict[str, Gaussian]  # Gaussians of the features of "train" and "test"


class Described(NamedTuple):
    """Images as a feature net sees them."""

    features: np.ndarray  # f32[N,D]
    predicted: np.ndarray  # i32[N], classes predicted by the net
    labels: np.ndarray | None  # i32[N], true or requested classes; None if unknown

    def take(self, rows: np.ndarray | slice) -> "Described":
        """The described images at the indices, slice or mask `rows`."""
        labels = None if self.labels is None else self.labels[rows]
        return Described(self.features[rows], self.predicted[rows], labels)


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
    """Read the net with weights in `path` and Gaussians beside it. Raises FeatureError."""
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        with safe_open(path, framework="numpy") as file:
            record = json.loads((file.metadata() or {})[RECORD])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        _check_known(path, record["name"], digest)
        spec = Spec(record["height"], record["width"], record["num_classes"])
        weights = _fill(spec, tensors)
        gaussians = _read_gaussians(path.with_suffix(".npz"), digest)
    except FileNotFoundError as error:
        raise FeatureError(
            f"{error.filename} is not there; make a feature net of this data set with "
            "python -m experiments.train_features --data-dir FOLDER"
        ) from error
    except (OSError, SafetensorError, BadZipFile, KeyError, ValueError, TypeError) as error:
        raise FeatureError(f"{path} is no feature net: {error!s:.200}; make it again") from error
    return FeatureNet(f"{record['name']}-{digest[:DIGITS]}", weights, spec, record, gaussians)


def _check_known(path: Path, name: str, digest: str) -> None:
    """Raise FeatureError for a net with a shipped net's name but other weights."""
    known = DIGESTS.get(name)
    if known and digest != known:
        raise FeatureError(
            f"{path} is not {name}: its sha256 is {digest}, expected {known}; get the package again"
        )


def save(
    path: Path, weights: classifier.Weights, splits: Splits, record: dict[str, Any]
) -> FeatureNet:
    """Write a new net's two files and read it back. Raises UserError.

    The Gaussians are fitted to both splits; the test accuracy is added to `record`. The net has a
    shipped net's name only if it equals that net to the last bit.
    """
    tensors = named({"params": weights.params, "stats": weights.stats})
    tensors = {name: np.asarray(leaf, order="C") for name, leaf in tensors.items()}
    seen = {
        split: Described(*classifier.classify(weights, data.images), data.labels)
        for split, data in splits._asdict().items()
    }
    record = {
        **splits.train.spec._asdict(),
        "train": splits.train.digest,
        "test": splits.test.digest,
        "accuracy": float(np.mean(seen["test"].predicted == splits.test.labels)),
        **record,
    }
    # Packed under the shipped net's name first: the digest tells whether it is that net.
    known = NAMES.get(splits.train.name)
    data = _packed(tensors, {"name": known, **record})
    if known is None or hashlib.sha256(data).hexdigest() != DIGESTS[known]:
        data = _packed(tensors, {"name": f"{splits.train.name}-cnn", **record})
    arrays: dict[str, np.ndarray] = {"net": np.array(hashlib.sha256(data).hexdigest())}
    for split, described in seen.items():
        for field, value in gaussian(described.features)._asdict().items():
            arrays[f"{split}/{field}"] = np.asarray(value)
    write_bytes(path, data)
    with atomic_write(path.with_suffix(".npz")) as file:
        np.savez(file, allow_pickle=False, **arrays)
    return load(path)


def _packed(tensors: dict[str, np.ndarray], record: dict[str, Any]) -> bytes:
    return safetensors.numpy.save(tensors, {RECORD: json.dumps(record)})


def describe(net: FeatureNet, images: np.ndarray, labels: np.ndarray | None = None) -> Described:
    """Images u8[N,H,W] as the net sees them. Raises FeatureError for another image size."""
    if images.shape[1:] != (net.spec.height, net.spec.width):
        height, width = images.shape[1:]
        raise FeatureError(
            f"the images are {height}×{width}, {net.name} takes {net.spec.height}×{net.spec.width}"
        )
    return Described(*classifier.classify(net.weights, images), labels)


def describe_real(net: FeatureNet, dataset: Dataset) -> Described:
    """A split of a data set as the net sees it, kept in the user's cache."""
    entry = "features", f"{net.name}-v{MEASURES_VERSION}-{dataset.digest[:16]}.npz"
    try:
        with np.load(io.BytesIO(cache.recalled(*entry)), allow_pickle=False) as file:
            return Described(file["features"], file["predicted"], dataset.labels)
    except (ValueError, KeyError, EOFError, BadZipFile):
        pass  # missing or damaged: the cache can be filled again
    seen = describe(net, dataset.images, dataset.labels)
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, features=seen.features, predicted=seen.predicted)
    cache.keep(*entry, file.getvalue())
    return seen


def _fill(spec: Spec, tensors: dict[str, np.ndarray]) -> classifier.Weights:
    """Weights of a classifier of `spec` from tensors by their path in the pytree."""
    algorithm = classifier.build(classifier.Config(steps=1), spec)
    template = jax.eval_shape(algorithm.init, jax.random.key(0)).ema
    found = jax.tree.map(jnp.asarray, filled(template, tensors))
    return classifier.Weights(found["params"], found["stats"], spec.num_classes)


def _read_gaussians(path: Path, digest: str) -> dict[str, Gaussian]:
    with np.load(path, allow_pickle=False) as file:
        if str(file["net"]) != digest:
            raise ValueError(f"{path} belongs to other weights")
        return {
            split: Gaussian(*(file[f"{split}/{field}"] for field in Gaussian._fields))
            for split in ("train", "test")
        }
