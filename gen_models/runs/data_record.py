"""The record that a run keeps of its training data."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from gen_models.algorithm import Spec
from gen_models.data.catalog import Dataset
from gen_models.fields import Between

SHOWN_CLASSES = 64  # largest number of class rows in a picture: EMNIST has up to 62


@dataclass(frozen=True)
class DataRecord:
    """Properties of the training data, recorded so that a trained run can be used without them."""

    digest: str  # digest of the training split, as in Dataset
    height: Annotated[int, Between(1, 2**16)]  # image height, pixels
    width: Annotated[int, Between(1, 2**16)]  # image width, pixels
    class_names: tuple[str, ...]  # names in the order of the labels
    labels: tuple[int, ...] = ()  # labels that training images have; () in older records: all

    @classmethod
    def of(cls, dataset: Dataset) -> "DataRecord":
        """The record of a training split."""
        labels = tuple(np.unique(dataset.labels).tolist())
        return cls(dataset.digest, *dataset.image_shape, dataset.class_names, labels)

    @property
    def classes(self) -> tuple[int, ...]:
        """The labels of the training images, each once, in order."""
        return self.labels or tuple(range(len(self.class_names)))

    @property
    def shown_classes(self) -> tuple[int, ...]:
        """The classes that have a row in pictures: all, or the first SHOWN_CLASSES."""
        return self.classes[:SHOWN_CLASSES]

    @property
    def spec(self) -> Spec:
        """The properties that a model is built for."""
        return Spec(self.height, self.width, len(self.class_names))
