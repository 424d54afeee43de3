"""The sets of images in a map: real ones, and the samples of each model."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gen_models import assessment, trained
from gen_models.data import catalog
from gen_models.data.catalog import Splits
from gen_models.data.frequencies import labels_like
from gen_models.evaluation import features
from gen_models.fields import ConfigError
from gen_models.storage.names import distinct_names
from gen_models.trained import Trained

UNKNOWN = -1  # class of a sample that was neither requested nor predicted


class ImageSet(NamedTuple):
    """Images of one origin."""

    name: str  # "real images", or the name of the model
    images: np.ndarray  # u8[N,H,W]
    labels: np.ndarray  # i32[N], true, requested or predicted classes, UNKNOWN where there is none
    numbers: np.ndarray  # i64[N], indices among all images of the origin
    is_real: bool = False


class MapModels(NamedTuple):
    """Models of one data set, with the data."""

    splits: Splits
    names: list[str]  # names that tell the models apart
    models: list[Trained]


def load(sources: Sequence[Path], dataset: str | None, data_dir: Path | None) -> MapModels:
    """Load models (run folders, saved or shipped models) and the data set that they share; without
    models, the named data set. Raises UserError; ConfigError for models of different data sets."""
    models = [trained.load(source) for source in sources]
    if not models:
        name = catalog.name_to_look_for(dataset, data_dir)
        return MapModels(catalog.load_splits(name, data_dir), [], [])
    names = [model.recipe.options.dataset for model in models]
    for source, name in zip(sources, names, strict=True):
        if name != names[0]:
            raise ConfigError(
                f"{source} is of {name}, {sources[0]} of {names[0]}; name models of one data set"
            )
    if dataset not in (None, names[0]):
        raise ConfigError(f"--dataset is {dataset}, and the models are of {names[0]}; leave it out")
    data = [
        assessment.load_run_data(model.recipe.options, model.data, data_dir) for model in models
    ]
    digests = [(splits.train.digest, splits.test.digest) for splits in data]
    for source, digest in zip(sources, digests, strict=True):
        if digest != digests[0]:
            raise ConfigError(
                f"{source} is of another data set of that name than {sources[0]}; name models of "
                "one"
            )
    return MapModels(data[0], distinct_names(sources), models)


def real_images(splits: Splits, count: int, seed: int) -> ImageSet:
    """`count` of all images, drawn without replacement and kept in order, training images before
    test images; all images if there are fewer."""
    images = np.concatenate([data.images for data in splits])
    labels = np.concatenate([data.labels for data in splits])
    chosen = np.random.default_rng(seed).permutation(len(images))[:count]
    chosen.sort()
    return ImageSet("real images", images[chosen], labels[chosen], chosen, is_real=True)


def samples(model: Trained, name: str, splits: Splits, count: int, seed: int) -> ImageSet:
    """`count` samples, with the class frequencies of the test images if the model is conditional.
    Otherwise the data set's classifier, if there is one, predicts their classes."""
    requested = labels_like(splits.test.labels, count)
    images = model.sample(count, requested.tolist() if model.conditional else None, seed)
    if model.conditional:
        labels = requested.astype(np.int32)
    elif (net := features.find(splits.train.name)) is not None:
        labels = features.predict_classes(net, images)
    else:
        labels = np.full(count, UNKNOWN, np.int32)
    return ImageSet(name, images, labels, np.arange(count))
