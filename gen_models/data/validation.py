"""The validation images: a fixed sixth of the training images, for the choice of settings.

A setting that was chosen by a number on the test split makes that number optimistic. So choices are
made on images that neither training nor the report sees. Which images these are depends on their
bytes alone, not on their order.
"""

import hashlib
from typing import NamedTuple

import numpy as np

from gen_models.data.catalog import DataError, Dataset, Splits

SHARE = 6  # one image in six: 10,000 of 60,000


class TrainingParts(NamedTuple):
    """The training images of a data set in two parts."""

    training: Dataset  # images to train on
    validation: Dataset  # images that were set apart


def is_validation(train: Dataset) -> np.ndarray:
    """Mask bool[N] of the training images that are set apart, ⌊N/6⌋ of them.

    Each class contributes its share, rounded by largest remainders so that the shares add up: its
    images with the smallest SHA-256 of their bytes, the first ones of equal images. Raises
    DataError for a data set with too few images to set one apart.
    """
    counts = np.bincount(train.labels, minlength=train.num_classes)
    total = len(train.labels) // SHARE
    shares = counts * total / len(train.labels)
    wanted = np.floor(shares).astype(int)
    wanted[np.argsort(wanted - shares, kind="stable")[: total - wanted.sum()]] += 1
    digests = np.array([hashlib.sha256(image.tobytes()).digest() for image in train.images])
    mask = np.zeros(len(train.labels), bool)
    for label, count in enumerate(wanted):
        members = np.flatnonzero(train.labels == label)
        mask[members[np.argsort(digests[members], kind="stable")[:count]]] = True
    if not mask.any():
        raise DataError(
            f"{train.name} has {len(mask)} training images, expected {SHARE} or more to set "
            "validation images apart; train without --hold-out (--no-hold-out of a sweep)"
        )
    return mask


def separate(train: Dataset) -> TrainingParts:
    """The training images to train on, and the validation images. Raises DataError."""
    mask = is_validation(train)
    return TrainingParts(train.part(~mask, "training"), train.part(mask, "validation"))


def training(splits: Splits, *, hold_out: bool) -> Splits:
    """The splits to train with: with `hold_out`, training images without the validation images.
    Raises DataError."""
    return splits._replace(train=separate(splits.train).training) if hold_out else splits
