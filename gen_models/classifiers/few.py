"""Training on few real images, alone or with samples of a generator trained on these few."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gen_models import trained
from gen_models.classifiers.pictures import FewImageCurves
from gen_models.classifiers.results import ClassifierResults
from gen_models.classifiers.sources import TrainingSource
from gen_models.classifiers.task import LabelledImages
from gen_models.data.catalog import Dataset, Splits
from gen_models.data.frequencies import labels_like
from gen_models.fields import ConfigError
from gen_models.runs import Recipe
from gen_models.training import session
from gen_models.training.progress import Terminal

ALONE = "alone"  # with no generated images


def balanced_part(train: Dataset, count: int, seed: int) -> Dataset:
    """`count` of the training images, chosen by the seed, as evenly over the classes as possible. A
    larger count includes the images of a smaller one. Raises ConfigError if a class has too few
    images, or if `count` is less than the number of classes."""
    labels = np.unique(train.labels)
    if count < len(labels):
        raise ConfigError(
            f"{count} real images are less than one of each of the {len(labels)} classes of "
            f"{train.name}"
        )
    wanted = np.bincount(np.resize(labels, count), minlength=train.num_classes)
    order = np.random.default_rng(seed).permutation(len(train.labels))
    chosen = []
    for label in labels:
        of_class = order[train.labels[order] == label]
        if len(of_class) < wanted[label]:
            raise ConfigError(
                f"{count} real images need {wanted[label]} of class {label}, of which {train.name} "
                f"has {len(of_class)}"
            )
        chosen.append(of_class[: wanted[label]])
    return train.part(np.sort(np.concatenate(chosen)), f"{count} of seed {seed}")


def source_alone(train: Dataset, count: int) -> TrainingSource:
    """Source of `count` real images, chosen by the seed."""

    def draw(seed: int) -> LabelledImages:
        few = balanced_part(train, count, seed)
        return LabelledImages(few.images, few.labels)

    return TrainingSource(name_alone(count), {"train": train.digest, "few": count}, draw)


def source_with_generated(
    splits: Splits, count: int, recipe: Recipe, generated: int, runs_folder: Path
) -> TrainingSource:
    """Source of `count` real images and `generated` samples of the recipe's model trained on those
    real images alone. Each seed has its own run, trained when its images are first drawn."""

    def draw(seed: int) -> LabelledImages:
        few = splits._replace(train=balanced_part(splits.train, count, seed))
        seeded = recipe.with_options(dataset=splits.train.name, seed=seed)
        options = seeded.options
        name = f"few-{count}-{options.model}-{seed}-{seeded.mark}-{options.steps}"
        model = _train_generator(seeded, few, runs_folder / name)
        labels = labels_like(few.train.labels, generated)
        images = np.concatenate([few.train.images, model.sample(generated, labels, seed)])
        return LabelledImages(images, np.concatenate([few.train.labels, labels]))

    subject = {
        "train": splits.train.digest,
        "few": count,
        "recipe": recipe.with_options(dataset=splits.train.name).apart_from_seed,
        "step": recipe.options.steps,
        "samples": generated,
    }
    return TrainingSource(name_with(count, recipe.options.model), subject, draw)


def addition(results: ClassifierResults) -> str:
    """What was added to the few real images of some results, as text: "alone" for nothing, or the
    number of samples and their model."""
    alone = name_alone(results.subject["few"])
    if results.name == alone:
        return ALONE
    return f"with {results.subject['samples']:,} of {results.name.removeprefix(f'{alone}-')}"


def name_alone(count: int) -> str:
    """Name of the source of `count` real images alone."""
    return f"few-{count}"


def name_with(count: int, model: str) -> str:
    """Name of the source of `count` real images and a model's samples."""
    return f"few-{count}-{model}"


def _train_generator(recipe: Recipe, few: Splits, folder: Path) -> trained.Trained:
    """Train the model on the few images, unless its run is done, and return it. Raises
    Interrupted if a signal stops the training, which is saved then."""
    with Terminal(folder, recipe.options.steps) as terminal:
        ended = session.train(recipe.with_options(out=folder), few, [terminal], terminal.say)
    ended.check_done()
    return trained.load(folder)


def curves(sources: Sequence[ClassifierResults]) -> FewImageCurves:
    """Results with few real images, by what was added to the images, then by their number."""
    by_addition: dict[str, dict[int, ClassifierResults]] = {}
    for source in sorted(sources, key=lambda source: (addition(source) != ALONE, source.name)):
        by_addition.setdefault(addition(source), {})[source.subject["few"]] = source
    return by_addition
