"""The spaces in which images are points: pixels, features, the latent space of a model."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import numpy as np

from gen_models.data.catalog import Splits
from gen_models.evaluation import features
from gen_models.fields import ConfigError
from gen_models.maps.sets import UNKNOWN, ImageSet
from gen_models.trained import Trained

MapSpace = Literal["pixels", "features", "latent"]
BATCH = 500  # images that are encoded at a time
UNLABELLED = "self-supervised"  # the features of the net that was trained without labels

Points = Callable[[ImageSet], np.ndarray]  # images -> f32[N,D]


def points_in(space: MapSpace, splits: Splits, models: Sequence[Trained]) -> tuple[str, Points]:
    """Description of a space, and the function from images to their points in it.

    pixels    levels in [0,1]
    features  those of the data set's encoder, which was trained without labels
    latent    means of q(z|x) of the first model that has an encoder, or the code as the recognition
              net of an InfoGAN estimates it
    Raises UserError if the data set has no feature nets, or if no model has a latent space.
    """
    if space == "pixels":
        return "pixels", pixels
    if space == "features":
        net = features.of(splits.train.name)
        return f"features of {net.name}", partial(_features, net, splits)
    for model in models:
        if model.model.algorithm.latent is not None:
            return f"latent space of {model.name}", partial(_latents, model)
        if model.recognises:
            return f"code of {model.name}", partial(_codes, model)
    raise ConfigError(
        "--space latent needs a model with an encoder, a VAE, or the folder of the run of an "
        "infogan: saved models lack the net that recognises its code"
    )


def pixels(image_set: ImageSet) -> np.ndarray:
    """Pixels as levels f32[N,H·W] in [0,1]."""
    return image_set.images.reshape(len(image_set.images), -1).astype(np.float32) / 255


def latents(model: Trained, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Places f32[N,Z] of images u8[N,H,W] in the latent space of a model, flattened. Raises
    ConfigError if the model is conditional and the class of an image is unknown."""
    if model.conditional and np.any(labels == UNKNOWN):
        raise ConfigError(
            f"{model.name} encodes images with their classes, and those of samples without labels "
            "are not known: the data set has no feature nets; make them with python -m "
            "experiments.train_features"
        )
    known = np.maximum(labels, 0)  # models that take no labels ignore them
    parts = [
        model.encode(images[start : start + BATCH], known[start : start + BATCH])
        for start in range(0, len(images), BATCH)
    ]
    return np.concatenate(parts).reshape(len(images), -1).astype(np.float32)


def codes(model: Trained, images: np.ndarray) -> np.ndarray:
    """Codes f32[N,C] of images u8[N,H,W] by a run's own recognition net. Raises UserError."""
    starts = range(0, len(images), BATCH)
    return np.concatenate([model.recognise(images[i : i + BATCH]) for i in starts])


def _latents(model: Trained, image_set: ImageSet) -> np.ndarray:
    return latents(model, image_set.images, image_set.labels)


def _codes(model: Trained, image_set: ImageSet) -> np.ndarray:
    return codes(model, image_set.images)


def _features(net: features.FeatureNet, splits: Splits, image_set: ImageSet) -> np.ndarray:
    """Features f32[N,D]; those of real images come from the user's cache, if they are there."""
    if not image_set.is_real:
        return features.describe(net, image_set.images).features[UNLABELLED]
    of_splits = [features.describe_real(net, data).features[UNLABELLED] for data in splits]
    return np.concatenate(of_splits)[image_set.numbers]
