"""What a data set's numbers are measured with: its feature net, its real images, the floor.

The floor is what real images score under the same protocol: as many images of the other split as
there are samples (or all, if there are fewer), taken for samples. A model that were the data's own
distribution would score that. Label accuracy and authenticity are those of the test split: the
feature net has seen the training images, and each of them is its own copy. A model can do better at
these two, by avoiding what is hard to tell apart and by making what is far from all images.
"""

import json
from collections.abc import Callable
from functools import cached_property
from typing import Literal

import numpy as np

from gen_models.data.catalog import Dataset, cache_folder
from gen_models.evaluation import classifier, features
from gen_models.evaluation.features import Described, FeatureNet
from gen_models.evaluation.frechet import MeasureError, distance, extrapolated, gaussian
from gen_models.evaluation.measure import Estimate, by_class, mean, measure
from gen_models.evaluation.memorisation import closeness, copied, duplicates
from gen_models.evaluation.protocol import MEASURES_VERSION, Protocol
from gen_models.evaluation.record import Evaluation
from gen_models.files import atomic_write

MIN_SAMPLES = 10
SCORE_STEPS = 300  # of 128 images, for each classifier of a classification accuracy score
CLOSEST = 40  # pairs of a sample and a training image that are recorded
SEED = 0  # of the training images that make the floor

Remembered = dict[str, list[float | None]]  # name -> value and error


class Yardstick:
    """A feature net and the data that samples are measured against.

    Raises UserError where net and data do not belong together.
    """

    def __init__(
        self,
        net: FeatureNet,
        train: Dataset,
        test: Dataset,
        reference: Literal["test", "train"] = "test",
    ) -> None:
        if (net.record["train"], net.record["test"]) != (train.digest, test.digest):
            raise features.FeatureError(
                f"{net.name} was made for other data than this {train.name}; make one for it with "
                "python -m experiments.train_features"
            )
        self.net, self.train, self.test, self.split = net, train, test, reference

    @property
    def reference(self) -> Dataset:
        """The split that samples are compared to."""
        return self.test if self.split == "test" else self.train

    def protocol(self, samples: int) -> Protocol:
        """Under which so many samples are measured."""
        return Protocol(self.net.name, self.train.name, self.split, samples)

    @cached_property
    def described(self) -> dict[str, Described]:
        """Both splits as the feature net sees them."""
        splits = {"train": self.train, "test": self.test}
        return {name: features.describe_real(self.net, data) for name, data in splits.items()}

    @cached_property
    def groups(self) -> np.ndarray:
        """Numbers of the training images, equal for duplicates."""
        return duplicates(self.train.images)

    def describe(self, images: np.ndarray, labels: np.ndarray | None) -> Described:
        """Samples u8[N,H,W] as the feature net sees them. Raises UserError for unfit ones.

        labels i32[N] are the classes asked for, None from a model without labels.
        """
        if len(images) < MIN_SAMPLES:
            raise MeasureError(f"found {len(images)} samples, expected {MIN_SAMPLES} or more")
        return features.describe(self.net, images, labels)

    def evaluate(self, samples: Described, *, fd_infinity: bool = False) -> Evaluation:
        """Fidelity, diversity and label accuracy."""
        count = len(samples.features)
        floor = self.floor(count)
        reference, target = self.described[self.split], self.net.gaussians[self.split]
        found = measure(samples, reference, target)
        if fd_infinity:
            value = extrapolated(samples.features, target, SEED)
            found["fd_infinity"] = Estimate(value, None)
        return Evaluation(
            subject={"dataset": self.train.name},
            protocol=self.protocol(count),
            measures={name: _row(estimate, floor.get(name)) for name, estimate in found.items()},
            likelihood={},
            details={"per_class": by_class(samples, reference, self.train.class_names)},
        )

    def add_memorisation(
        self, evaluation: Evaluation, samples: Described, images: np.ndarray
    ) -> None:
        """Measure whether samples, images u8[N,H,W], are copies of training images."""
        near = closeness(samples.features, self.described["train"].features, self.groups)
        closest = near.most_suspicious(CLOSEST)
        floor = self.floor(len(images))
        evaluation.measures["authenticity"] = _row(mean(near.authentic), floor["authenticity"])
        evaluation.details["memorisation"] = {
            "nearest_distance": float(np.median(near.distance)),
            "nearest_distance_of_test": floor["nearest_distance"][0],
            "exact_copies": int(copied(images, self.train.images).sum()),
            "closest": [[int(i), int(near.index[i])] for i in closest],
        }

    def add_classification_score(
        self, evaluation: Evaluation, images: np.ndarray, labels: np.ndarray
    ) -> None:
        """Test accuracy of a classifier trained on samples (CAS; Ravuri & Vinyals 2019, §3).

        images u8[N,H,W], labels i32[N]; the floor is the same classifier trained on the real
        images for as many steps.
        """
        real = self._remembered(f"real-score-{SCORE_STEPS}", self._real_score)["accuracy"]
        found = self._score(self.train._replace(images=images, labels=labels))
        evaluation.measures["classification_score"] = _row(found, real)

    def _real_score(self) -> dict[str, Estimate]:
        return {"accuracy": self._score(self.train)}

    def _score(self, dataset: Dataset) -> Estimate:
        """Accuracy on the test split of a classifier trained on `dataset`."""
        config = classifier.Config(steps=SCORE_STEPS, mirror=self.net.record["mirror"])
        weights = classifier.train(dataset, config, SEED)
        _, predicted = classifier.classify(weights, self.test.images)
        return mean(predicted == self.test.labels)

    def floor(self, samples: int) -> Remembered:
        """Each measure of as many real images."""
        return self._remembered(
            f"floor-{self.split}-{samples}", lambda: self._measure_floor(samples)
        )

    def _remembered(self, what: str, compute: Callable[[], dict[str, Estimate]]) -> Remembered:
        """Estimates about the real images alone, computed once and kept in the user's cache."""
        path = cache_folder("features") / f"{self.net.name}-v{MEASURES_VERSION}-{what}.json"
        try:
            return json.loads(path.read_text())
        except (OSError, ValueError):
            pass  # not there, or damaged: it can always be computed again
        found = {name: list(estimate) for name, estimate in compute().items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file:
            file.write(json.dumps(found).encode())
        return found

    def _measure_floor(self, samples: int) -> dict[str, Estimate]:
        """Of disjoint parts of the other split, each as large as the samples if there is enough."""
        other = self.described["train" if self.split == "test" else "test"]
        reference, target = self.described[self.split], self.net.gaussians[self.split]
        order = np.random.Generator(np.random.Philox(SEED)).permutation(len(other.features))
        parts = np.array_split(order, max(1, len(order) // samples))
        parts = [other.take(part[:samples]) for part in parts]
        found = measure(parts[0], reference, target)
        if len(parts) > 1:
            values = [distance(gaussian(part.features), target) for part in parts]
            found["fid"] = Estimate(float(np.mean(values)), float(np.std(values, ddof=1)))
        test = self.described["test"]
        found["label_accuracy"] = mean(test.predicted == test.labels)  # on images not trained on
        unseen = ~copied(self.test.images, self.train.images)
        near = closeness(test.features[unseen], self.described["train"].features, self.groups)
        found["authenticity"] = mean(near.authentic)
        found["nearest_distance"] = Estimate(float(np.median(near.distance)), None)
        return found


def _row(estimate: Estimate, floor: list[float | None] | None) -> dict[str, float | None]:
    """A measure as evaluation.json has it: value, standard error, and those of real images."""
    value, error = floor or (None, None)
    return {**estimate._asdict(), "floor": value, "floor_error": error}
