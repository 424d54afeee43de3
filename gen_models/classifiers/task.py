"""The task of the process of one setting, and its images."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gen_models.data import idx

TRAIN, TEST = "train", "test"


class LabelledImages(NamedTuple):
    """Images with their classes."""

    images: np.ndarray  # u8[N,H,W]
    labels: np.ndarray  # i32[N]

    def shuffled(self, seed: int) -> "LabelledImages":
        """The same images in a random order determined by the seed."""
        order = np.random.default_rng(seed).permutation(len(self.images))
        return LabelledImages(self.images[order], self.labels[order])


class FitTask(NamedTuple):
    """One setting to train and test on the images in a folder."""

    folder: str  # folder with both splits
    number: int  # number of the setting
    images: int  # number of training images, the first in the folder
    classes: int  # number of classes of the data set
    seed: int  # seed of the classifier

    def to_json(self) -> str:
        """The task as text for a command line."""
        return json.dumps(self._asdict())

    @classmethod
    def from_json(cls, text: str) -> "FitTask":
        """The inverse of `to_json`."""
        return cls(**json.loads(text))


def read_images(folder: Path, split: str) -> LabelledImages:
    """The images of a split that `write_images` wrote, mapped into memory."""
    return LabelledImages(*(idx.read(path) for path in _paths(folder, split)))


def write_images(folder: Path, split: str, labelled: LabelledImages) -> None:
    """Write the images of a split, for all tasks to read. Raises IdxError."""
    images_path, labels_path = _paths(folder, split)
    idx.write(images_path, labelled.images)
    idx.write(labels_path, labelled.labels.astype(np.int32))


def _paths(folder: Path, split: str) -> tuple[Path, Path]:
    return folder / f"{split}-images.idx", folder / f"{split}-labels.idx"
