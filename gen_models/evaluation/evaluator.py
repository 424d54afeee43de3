"""Measuring against one data set: its feature net, its real images, the floor of each measure.

The floor is the score of real images under the same protocol: as many images of the other split as
there are samples (or all, if there are fewer), treated as samples. A model equal to the data's
distribution would reach it. The floors of label accuracy and authenticity are from the test split:
the feature net has seen the training images, and each of them is a copy of itself. A model can
exceed these two, by avoiding ambiguous images and by drawing images far from all real ones.
"""

import json
from collections.abc import Callable
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np

from gen_models.data.catalog import Dataset, Splits
from gen_models.evaluation import classifier, features, record
from gen_models.evaluation.features import Described, FeatureNet
from gen_models.evaluation.frechet import MeasureError, distance, extrapolated, gaussian
from gen_models.evaluation.measure import Estimate, Score, by_class, mean, measure
from gen_models.evaluation.memorisation import closeness, copied, duplicates
from gen_models.evaluation.protocol import MEASURES_VERSION, Protocol
from gen_models.storage import cache

MIN_SAMPLES = 10
SCORE_STEPS = 300  # training steps of 128 images, per classifier of a classification accuracy score
CLOSEST = 40  # recorded pairs of a sample and a training image
SEED = 0  # seed of the choice of images for the floor

Remembered = dict[str, list[float | None]]  # value and error by name


class Memorisation(NamedTuple):
    """Evidence on whether samples are copies of training images."""

    authenticity: Score | None  # fraction of samples that are no near-copies; None: all train equal
    details: dict[str, Any]  # distances, exact copies and the closest pairs, for JSON


class Evaluator:
    """A feature net and the data that samples are measured against.

    Raises UserError if the net was made for other data.
    """

    def __init__(
        self, net: FeatureNet, splits: Splits, reference: Literal["test", "train"] = "test"
    ) -> None:
        if (net.record["train"], net.record["test"]) != (splits.train.digest, splits.test.digest):
            raise features.FeatureError(
                f"{net.name} was made for other data than this {splits.train.name}; make one for "
                "it with python -m experiments.train_features"
            )
        self.net, self.splits, self.split = net, splits, reference
        self.remembered: dict[str, Remembered] = {}

    @property
    def reference(self) -> Dataset:
        """The split that samples are compared to."""
        return getattr(self.splits, self.split)

    def protocol(self, samples: int) -> Protocol:
        """The protocol for this number of samples."""
        return Protocol(self.net.name, self.splits.train.name, self.split, samples)

    @cached_property
    def described(self) -> dict[str, Described]:
        """Both splits as the feature net sees them."""
        splits = self.splits._asdict().items()
        return {name: features.describe_real(self.net, data) for name, data in splits}

    @cached_property
    def groups(self) -> np.ndarray:
        """Group numbers i64[M] of the training images, equal for duplicates."""
        return duplicates(self.splits.train.images)

    def describe(self, images: np.ndarray, labels: np.ndarray | None) -> Described:
        """Samples u8[N,H,W] as the feature net sees them. Raises UserError for too few samples.

        labels i32[N] are the requested classes, None from an unconditional model.
        """
        if len(images) < MIN_SAMPLES:
            raise MeasureError(f"found {len(images)} samples, expected {MIN_SAMPLES} or more")
        return features.describe(self.net, images, labels)

    def quality(self, samples: Described, *, fd_infinity: bool = False) -> dict[str, Score]:
        """Fidelity, diversity and label accuracy, by their names in MEASURES."""
        floor, target = self.floor(len(samples.features)), self.net.gaussians[self.split]
        found = measure(samples, self.described[self.split], target)
        if fd_infinity:
            found["fd_infinity"] = Estimate(extrapolated(samples.features, target, SEED), None)
        return {name: Score.of(estimate, floor.get(name)) for name, estimate in found.items()}

    def within_classes(self, samples: Described) -> dict[str, dict[str, Any]]:
        """FID, precision, recall and label accuracy within each class, by its name."""
        return by_class(samples, self.described[self.split], self.splits.train.class_names)

    def memorisation(self, samples: Described, images: np.ndarray) -> Memorisation:
        """Evidence on whether samples, images u8[N,H,W], are copies of training images."""
        near = closeness(samples.features, self.described["train"].features, self.groups)
        floor = self.floor(len(images))
        details = {
            "nearest_distance": float(np.median(near.distance)),
            "nearest_distance_of_test": floor.get("nearest_distance", [None])[0],
            "exact_copies": int(copied(images, self.splits.train.images).sum()),
            "closest": [[int(i), int(near.index[i])] for i in near.most_suspicious(CLOSEST)],
        }
        if np.isinf(near.own).all():
            return Memorisation(None, details)
        return Memorisation(Score.of(mean(near.authentic), floor.get("authenticity")), details)

    def classification_score(self, images: np.ndarray, labels: np.ndarray) -> Score:
        """Test accuracy of a classifier trained on samples (CAS; Ravuri & Vinyals 2019, §3).

        images u8[N,H,W], labels i32[N]; the floor is the accuracy of the same classifier trained on
        the real images for as many steps.
        """
        real = self._remembered(f"real-score-{SCORE_STEPS}", self._real_score)["accuracy"]
        train = self.splits.train._replace(images=images, labels=labels)
        return Score.of(self._accuracy(train), real)

    def _real_score(self) -> dict[str, Estimate]:
        return {"accuracy": self._accuracy(self.splits.train)}

    def _accuracy(self, dataset: Dataset) -> Estimate:
        """Test accuracy of a classifier trained on `dataset`."""
        config = classifier.Config(steps=SCORE_STEPS, mirror=self.net.record["mirror"])
        weights = classifier.train(dataset, config, SEED)
        _, predicted = classifier.classify(weights, self.splits.test.images)
        return mean(predicted == self.splits.test.labels)

    def floor(self, samples: int) -> Remembered:
        """Value and error of each measure of real images, as many as there are samples."""
        return self._remembered(
            f"floor-{self.split}-{samples}", lambda: self._measure_floor(samples)
        )

    def _remembered(self, what: str, compute: Callable[[], dict[str, Estimate]]) -> Remembered:
        """Estimates that depend only on real images, computed once and kept in the user's cache."""
        if what not in self.remembered:
            self.remembered[what] = self._recalled(what, compute)
        return self.remembered[what]

    def _recalled(self, what: str, compute: Callable[[], dict[str, Estimate]]) -> Remembered:
        entry = "features", f"{self.net.name}-v{MEASURES_VERSION}-{what}.json"
        try:
            return json.loads(cache.recalled(*entry), parse_constant=record.refuse)
        except ValueError:
            pass  # missing or damaged: it can be computed again
        found = {name: list(estimate) for name, estimate in compute().items()}
        cache.keep(*entry, json.dumps(found).encode())
        return found

    def _measure_floor(self, samples: int) -> dict[str, Estimate]:
        """Estimates for disjoint parts of the other split, each as large as the samples if there
        are enough images. Without those that these images cannot give."""
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
        unseen = ~copied(self.splits.test.images, self.splits.train.images)
        if not unseen.any():
            return found
        near = closeness(test.features[unseen], self.described["train"].features, self.groups)
        if np.isfinite(near.own).all():
            found["authenticity"] = mean(near.authentic)
        found["nearest_distance"] = Estimate(float(np.median(near.distance)), None)
        return found
