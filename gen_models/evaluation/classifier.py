"""The classifier used for features and for the classification accuracy score."""

from functools import partial
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gen_models.algorithm import Array, Batch, Images, Key, PyTree, Spec, Trainable
from gen_models.data import pixels
from gen_models.data.catalog import Dataset
from gen_models.evaluation import fitting
from gen_models.evaluation.fitting import LossReport, Weights
from gen_models.fields import Between, Positive, hyperparameters
from gen_models.model import Model
from gen_models.nets.features import WIDE, Classifier
from gen_models.nets.net import net

MAX_SHIFT = 1  # pixels

Steps = Annotated[int, Between(1, 10**6)]


@hyperparameters
class Config:
    """Options of the classifier's training."""

    steps: Steps
    """Training steps of 128 images; the step size rises for a fifth of them, then falls to zero."""
    channels: tuple[int, ...] = WIDE
    """Channels of each convolution."""
    mirror: bool = False
    """Whether to mirror half of the images; mirroring must not change an image's class."""
    learning_rate: Positive = 4e-3
    """Largest step size of AdamW."""
    weight_decay: Positive = 0.05
    """Weight decay of AdamW."""


def build(config: Config, spec: Spec) -> Trainable:
    """Training by cross-entropy on shifted and optionally mirrored images, with averaged
    weights."""
    classifier = net(Classifier(spec.num_classes, config.channels))

    def loss(params: PyTree, stats: PyTree, batch: Batch, key: Key) -> tuple[Array, PyTree]:
        images = _augmented(key, batch.images, config.mirror)
        (logits, _), stats = classifier.apply(params, stats, images, train=True)
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, batch.labels)
        return jnp.mean(losses), stats

    return fitting.training(
        classifier, spec, loss, config.steps, config.learning_rate, config.weight_decay
    )


def _augmented(key: Key, images: Images, mirror: bool) -> Images:
    """Images shifted by up to a pixel, with black borders; half of them mirrored if `mirror`."""
    key_shift, key_mirror = jax.random.split(key)
    count, height, width, _ = images.shape
    pad = ((0, 0), (MAX_SHIFT, MAX_SHIFT), (MAX_SHIFT, MAX_SHIFT), (0, 0))
    padded = jnp.pad(images, pad, constant_values=-1)
    corners = jax.random.randint(key_shift, (count, 2), 0, 2 * MAX_SHIFT + 1)
    crop = partial(jax.lax.dynamic_slice, slice_sizes=(height, width, 1))
    images = jax.vmap(lambda image, corner: crop(image, (*corner, 0)))(padded, corners)
    if not mirror:
        return images
    mirrored = jax.random.bernoulli(key_mirror, shape=(count, 1, 1, 1))
    return jnp.where(mirrored, images[:, :, ::-1], images)


def train(
    dataset: Dataset, config: Config, seed: int, report: LossReport = fitting.silent
) -> Weights:
    """Train a classifier of `dataset`; equal seeds give equal classifiers."""
    model = Model(build, dataset.spec, config)
    return fitting.fit(model, dataset, config.steps, seed, report)


class Prediction(NamedTuple):
    """What the classifier says of N images."""

    features: np.ndarray  # f32[N,128]
    labels: np.ndarray  # i32[N]


def classify(
    weights: Weights, num_classes: int, images: np.ndarray, channels: tuple[int, ...] = WIDE
) -> Prediction:
    """Features and predicted labels of images u8[N,H,W]."""
    classifier = Classifier(num_classes, channels)
    return Prediction(*fitting.apply_in_batches(partial(_apply, classifier, weights), images))


@partial(jax.jit, static_argnums=0)
def _apply(classifier: Classifier, weights: Weights, images: Array) -> tuple[Array, Array]:
    images = pixels.to_float(images, jnp)
    logits, features = net(classifier).apply(*weights, images, train=False)[0]
    return features, jnp.argmax(logits, axis=-1).astype(jnp.int32)
