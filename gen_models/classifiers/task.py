"""The task of the process of one setting, and its images."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gen_models.data import idx

TRAIN, TEST = "train", "test"


class Labelled(NamedTuple):
    """Images with their classes."""

    images: np.ndarray  # u8[N,H,W]
    labels: np.ndarray  # i32[N]

    def shuffled(self, seed: int) -> "Labelled":
        """The same images in a random order determined by the seed."""
        order = np.random.default_rng(seed).permutation(len(self.images))
        return Labelled(self.images[order], self.labels[order])


class Task(NamedTuple):
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
    def from_json(cls, text: str) -> "Task":
        """The inverse of `to_json`."""
        return cls(**json.loads(text))


def read(folder: Path, split: str) -> Labelled:
    """The images of a split that `write` wrote, mapped into memory."""
    return Labelled(*(idx.read(path) for path in _paths(folder, split)))


def write(folder: Path, split: str, found: Labelled) -> None:
    """Write the images of a split, for all tasks to read. Raises IdxError."""
    images, labels = _paths(folder, split)
    idx.write(images, found.images)
    idx.write(labels, found.labels.astype(np.int32))


def _paths(folder: Path, split: str) -> tuple[Path, Path]:
    return folder / f"{split}-images.idx", folder / f"{split}-labels.idx"
