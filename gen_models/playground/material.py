"""Data of the playground: images to train on, and the net that measures generated images."""

import json

import jax.numpy as jnp
import numpy as np
import safetensors.numpy

from gen_models.algorithm import Array
from gen_models.data.catalog import load_splits
from gen_models.evaluation import features, frechet
from gen_models.evaluation.fitting import Weights

COUNT = 5000  # training images that a page is given
EPSILON = 1e-5  # of flax's batch normalisation, added to variances
NAMES = ("convolution", "halve_0", "halve_1", "halve_2", "dense")  # layers in the page


def pack_data(dataset: str) -> bytes:
    """A safetensors file of a known data set's first training images u8[N,28,28], their labels
    u8[N], the layers of its classifier from `fold_normalisation` as float16, and the Gaussian of
    the test images' features: mean f32[128], and root f32[128,128] of the covariance rootᵀroot.
    Raises UserError."""
    splits = load_splits(dataset)
    net = features.of(dataset)
    real = features.describe_real(net, splits.test).features["classifier"]
    reference = frechet.gaussian(real)
    layers = fold_normalisation(net.classifier)
    tensors = {
        "images": np.array(splits.train.images[:COUNT]),
        "labels": splits.train.labels[:COUNT].astype(np.uint8),
        "mean": reference.mean.astype(np.float32),
        "root": reference.factor.astype(np.float32),
        **{name: np.asarray(x, np.float16) for name, x in layers.items()},
    }
    about = {
        "dataset": dataset,
        "digest": splits.train.digest,
        "classes": json.dumps(splits.train.class_names),
    }
    return safetensors.numpy.save(tensors, about)


def fold_normalisation(classifier: Weights) -> dict[str, Array]:
    """Kernels and biases of the classifier's layers up to its features, with the batch
    normalisation folded in."""
    params, stats = classifier.params["Trunk_0"], classifier.stats["Trunk_0"]
    layers = {}
    for i, name in enumerate(NAMES):
        layer = params[f"Conv_{i}" if f"Conv_{i}" in params else "Dense_0"]
        norm, running = params[f"BatchNorm_{i}"], stats[f"BatchNorm_{i}"]
        scale = norm["scale"] / jnp.sqrt(running["var"] + EPSILON)
        layers[f"{name}.kernel"] = layer["kernel"] * scale
        layers[f"{name}.bias"] = norm["bias"] - running["mean"] * scale
    return layers
