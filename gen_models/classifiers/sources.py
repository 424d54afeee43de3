"""Sources of training images: real images, samples of a trained model, and IDX files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from gen_models import assessment, runs, trained
from gen_models.algorithm import Spec
from gen_models.classifiers.task import LabelledImages
from gen_models.data import catalog, idx, images
from gen_models.data.catalog import Dataset, Splits
from gen_models.data.frequencies import labels_like
from gen_models.errors import UserError
from gen_models.fields import ConfigError
from gen_models.runs import Recipe
from gen_models.sampling import portable
from gen_models.trained import Trained

REAL = "real"


class TrainingSource(NamedTuple):
    """Training images for classifiers. Equal subjects and seeds mean equal images."""

    name: str  # name of the column in tables, and of the file of results
    subject: dict[str, Any]  # what determines the images, for JSON
    draw: Callable[[int], LabelledImages]  # returns the images of a seed, in any order
    run: Path | None = None  # folder of the run that draws the images, if any


def real(train: Dataset) -> TrainingSource:
    """The real training images."""
    return TrainingSource(
        REAL, {"train": train.digest}, lambda _: LabelledImages(train.images, train.labels)
    )


def is_model(text: str) -> bool:
    """Whether `text` names a model for `trained.load`: a shipped or saved model, or a run
    folder."""
    path = Path(text)
    is_portable = text in portable.SHIPPED or path.suffix == portable.SUFFIX
    return is_portable or (path / runs.CONFIG).is_file()


def load_model(text: str) -> Trained:
    """Load a trained model whose samples have labels. Raises UserError; ConfigError if the model is
    not conditional."""
    model = trained.load(text)
    check_labelled(model.recipe, model.data.spec, text)
    return model


def check_labelled(recipe: Recipe, spec: Spec, text: str) -> None:
    """Raise ConfigError that names `text` if a recipe's model is not conditional."""
    if not recipe.model(spec).algorithm.conditional:
        raise ConfigError(
            f"{text}: samples of {recipe.options.model} have no labels to train on; choose a "
            "conditional model, such as cgan"
        )


def load_data(model: Trained, data_dir: Path | None) -> Splits:
    """The data set that a model was trained on. Raises UserError."""
    return assessment.load_run_data(model.recipe.options, model.data, data_dir)


def samples(text: str, model: Trained, train: Dataset, count: int) -> TrainingSource:
    """Source of `count` samples of a model, with the class frequencies of the training images. A
    seed is that of `python -m experiments.sample`. The subject identifies the model by weights and
    step, not options: the options that a name stands for may change."""
    labels = labels_like(train.labels, count)
    subject = {
        "step": int(model.state.step),
        "weights": model.digest,
        "samples": count,
        "train": model.data.digest,
    }
    folder = Path(text) if (Path(text) / runs.CONFIG).is_file() else None
    draw = lambda seed: LabelledImages(model.sample(count, labels, seed), labels)
    return TrainingSource(model.name, subject, draw, folder)


def idx_pair(text: str, test: Dataset) -> TrainingSource:
    """Source of the images of an IDX pair, named by its prefix as in `experiments.sample --idx`, or
    of the training split in a folder. Raises UserError, also for labels and sizes that are not the
    data set's."""
    path = Path(text)
    prefix = path / "train" if path.is_dir() else path
    files = [_idx_path(prefix, kind) for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")]
    train = LabelledImages(images.read_images(files[0])[0], images.read_labels(files[1]))
    _check_pair(train, files, test)
    subject = {"train": [idx.digest(array) for array in train]}
    return TrainingSource(path.resolve().name, subject, lambda _: train)


def _idx_path(prefix: Path, kind: str) -> Path:
    """Path of the IDX file of one kind, raw or .gz. Raises UserError if it does not exist."""
    plain = prefix.parent / f"{prefix.name}-{kind}"
    for path in (plain, plain.with_name(f"{plain.name}.gz")):
        if path.is_file():
            return path
    raise UserError(
        f"{plain} is not there, raw or .gz; name real images as {REAL}, a run by its folder, a "
        "shipped model by its name, an IDX pair by its prefix or a folder with train-… files"
    )


def _check_pair(train: LabelledImages, files: list[Path], test: Dataset) -> None:
    if train.images.shape[1:] != test.image_shape:
        raise ConfigError(
            f"{files[0]} has images of {train.images.shape[1:]}, expected {test.image_shape} as "
            f"those of {test.name}"
        )
    if len(train.images) != len(train.labels):
        raise ConfigError(
            f"{files[1]} has {len(train.labels)} labels, expected one for each of the "
            f"{len(train.images)} images of {files[0]}"
        )
    if train.labels.max() >= test.num_classes:
        raise ConfigError(
            f"{files[1]} has label {train.labels.max()}, expected at most {test.num_classes - 1} "
            f"as {test.name} has"
        )


def load_splits(dataset: str | None, data_dir: Path | None) -> Splits:
    """The data set of real images: the named one, else that of the folder, else the default."""
    return catalog.load_splits(catalog.name_to_look_for(dataset, data_dir), data_dir)
