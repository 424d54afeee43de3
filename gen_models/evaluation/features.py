"""The feature nets: one fixed, versioned classifier a data set, in place of ImageNet's Inception.

A net is two files: NAME.safetensors with its weights, and NAME.npz with the Gaussians of the train
and the test split under it. Those of the known data sets are part of the package; any other data
set's are made by `python -m experiments.train_features` and looked for in `results/features/`.
"""

import hashlib
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
from gen_models.storage.cache import cache_folder
from gen_models.storage.files import atomic_write, write_bytes
from gen_models.storage.tensors import filled, named

SHIPPED = Path(__file__).parent / "shipped"
OWN = Path("results/features")
NAMES = {"fashion_mnist": "fmnist-cnn-v1", "mnist": "mnist-cnn-v1"}
DIGESTS = {  # SHA-256 of the shipped weights: a net by that name is this one and no other
    "fmnist-cnn-v1": "fe806f2488f4dd05d7aee682de3e47bfb0933485911cbf66b09e30eab9bf4eb4",
    "mnist-cnn-v1": "8ce80fe60225c15e4c4f26ef982eae788c8e7573c7e3b2fd79508aaf889ca9ae",
}
RECORD = "gen_models.features"  # the one entry of the weights' metadata
DIGITS = 8  # of the digest, in a net's full name


class FeatureError(UserError):
    """No feature net for the data, or one that is damaged or of other images."""


class FeatureNet(NamedTuple):
    """A feature net. `name` ends in its weights' digest: equal names, equal features."""

    name: str
    weights: classifier.Weights
    spec: Spec
    record: dict[str, Any]  # how it was trained, its accuracy
    gaussians: dict[str, Gaussian]  # by split


class Described(NamedTuple):
    """Images as a feature net sees them.

    features  f32[N,D]
    predicted i32[N], the classes that it takes them for
    labels    i32[N], the classes that they should have; None where nobody said
    """

    features: np.ndarray
    predicted: np.ndarray
    labels: np.ndarray | None

    def take(self, rows: np.ndarray | slice) -> "Described":
        """Some of them."""
        labels = None if self.labels is None else self.labels[rows]
        return Described(self.features[rows], self.predicted[rows], labels)


def net_path(dataset: str) -> Path:
    """Where the net of the data set of this name is, its weights; it need not exist."""
    return (
        SHIPPED / f"{dataset}.safetensors" if dataset in NAMES else OWN / f"{dataset}.safetensors"
    )


def of(dataset: str) -> FeatureNet:
    """The net of the data set of this name. Raises FeatureError if there is none."""
    return load(net_path(dataset))


def find(dataset: str) -> FeatureNet | None:
    """The net of the data set of this name, if there is one."""
    return of(dataset) if net_path(dataset).exists() else None


def load(path: Path) -> FeatureNet:
    """The net whose weights are in `path`, its Gaussians beside it. Raises FeatureError."""
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
    """A net that has a shipped one's name must be it. Raises FeatureError."""
    known = DIGESTS.get(name)
    if known and digest != known:
        raise FeatureError(
            f"{path} is not {name}: its sha256 is {digest}, expected {known}; get the package again"
        )


def save(
    path: Path, weights: classifier.Weights, splits: Splits, record: dict[str, Any]
) -> FeatureNet:
    """Write a new net's two files and read it back. Raises UserError.

    The Gaussians are those of the two splits under it; its test accuracy is added to `record`. It
    has a shipped net's name only if it is that net to the last bit.
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
    """Images u8[N,H,W] as the net sees them. Raises FeatureError if they have another size."""
    if images.shape[1:] != (net.spec.height, net.spec.width):
        height, width = images.shape[1:]
        raise FeatureError(
            f"the images are {height}×{width}, {net.name} takes {net.spec.height}×{net.spec.width}"
        )
    return Described(*classifier.classify(net.weights, images), labels)


def describe_real(net: FeatureNet, dataset: Dataset) -> Described:
    """A split of a data set as the net sees it; remembered in the user's cache."""
    path = cache_folder("features") / f"{net.name}-v{MEASURES_VERSION}-{dataset.digest[:16]}.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            return Described(file["features"], file["predicted"], dataset.labels)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        pass  # not there, or damaged: the cache can always be filled again
    seen = describe(net, dataset.images, dataset.labels)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        np.savez(file, allow_pickle=False, features=seen.features, predicted=seen.predicted)
    return seen


def _fill(spec: Spec, tensors: dict[str, np.ndarray]) -> classifier.Weights:
    """The weights of a classifier of `spec`, from tensors by their path in the tree."""
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
