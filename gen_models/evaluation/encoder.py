"""The encoder of the label-free features.

It learns to recognise a partly covered image (Chen et al. 2020, with the mask of DeVries & Taylor
2017 as the only augmentation). So its features distinguish the images of a class, and are sensitive
to whatever else changes an image: blur, noise, contrast, a shift, a reflection.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from gen_models.algorithm import Array, Batch, Images, Key, PyTree, Spec, Trainable
from gen_models.data import pixels
from gen_models.data.catalog import Dataset
from gen_models.evaluation import fitting
from gen_models.evaluation.classifier import Steps
from gen_models.evaluation.fitting import LossReport, Weights
from gen_models.fields import Positive, hyperparameters
from gen_models.losses.contrastive import nt_xent
from gen_models.model import Model
from gen_models.nets.features import Encoder
from gen_models.nets.net import net

SMALLEST, LARGEST = 2 / 7, 9 / 14  # sides of a mask, as fractions of the image's


@hyperparameters
class Config:
    """Options of the encoder's training."""

    steps: Steps
    """Training steps of 128 images; the step size rises for a fifth of them, then falls to zero."""
    learning_rate: Positive = 3e-3
    """Largest step size of AdamW."""
    weight_decay: Positive = 0.02
    """Weight decay of AdamW."""
    temperature: Positive = 0.2
    """Temperature of the contrastive loss."""


def build(config: Config, spec: Spec) -> Trainable:
    """Training by the contrastive loss of two masked views of each image, with averaged weights."""
    encoder = net(Encoder())

    def loss(params: PyTree, stats: PyTree, batch: Batch, key: Key) -> tuple[Array, PyTree]:
        views = jnp.concatenate([_masked(part, batch.images) for part in jax.random.split(key)])
        (projected, _), stats = encoder.apply(params, stats, views, train=True)
        return nt_xent(*jnp.split(projected, 2), config.temperature), stats

    return fitting.training(
        encoder, spec, loss, config.steps, config.learning_rate, config.weight_decay
    )


def _masked(key: Key, images: Images) -> Images:
    """Images with a black rectangle each, up to a quarter of its height and width out of view."""
    key_size, key_place = jax.random.split(key)
    count, *image, _ = images.shape
    extent = jnp.array(image)
    size = extent * jax.random.uniform(key_size, (count, 2), minval=SMALLEST, maxval=LARGEST)
    place = jax.random.uniform(key_place, (count, 2)) * (extent - size / 2) - size / 4
    inside = [
        (jnp.arange(length) >= place[:, axis, None])
        & (jnp.arange(length) < place[:, axis, None] + size[:, axis, None])
        for axis, length in enumerate(image)
    ]
    covered = inside[0][:, :, None, None] & inside[1][:, None, :, None]
    return jnp.where(covered, -1.0, images)


def train(
    dataset: Dataset, config: Config, seed: int, report: LossReport = fitting.silent
) -> Weights:
    """Train an encoder on the images of `dataset`; equal seeds give equal encoders."""
    model = Model(build, dataset.spec, config)
    return fitting.fit(model, dataset, config.steps, seed, report)


def encode(weights: Weights, images: np.ndarray) -> np.ndarray:
    """Features f32[N,512] of images u8[N,H,W]."""
    return fitting.apply_in_batches(partial(_apply, weights), images)[0]


@jax.jit
def _apply(weights: Weights, images: Array) -> tuple[Array]:
    (_, features), _ = net(Encoder()).apply(*weights, pixels.to_float(images, jnp), train=False)
    return (features,)
