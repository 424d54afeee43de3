"""Measuring against one data set: its feature nets, its real images, the floor of each measure.

The floor of a measure is the score of real images under the same protocol: as many images from
outside the reference as there are samples (or all, if there are fewer), treated as samples. A model
that matches the data distribution would reach it. The floors of label accuracy and authenticity are
from the test split: the feature nets have seen the training images, and each training image is a
copy of itself. A model can exceed these two floors, by avoiding ambiguous images and by drawing
images far from all real ones.
"""

import json
from collections.abc import Callable
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np

from gen_models.data import validation
from gen_models.data.catalog import Dataset, Splits
from gen_models.data.validation import TrainingParts
from gen_models.evaluation import classifier, features, record
from gen_models.evaluation.features import Described, FeatureNet
from gen_models.evaluation.frechet import (
    MeasureError,
    check_enough,
    extrapolated_distance,
    gaussian,
)
from gen_models.evaluation.measure import Estimate, Score, by_class, fids, mean, measure
from gen_models.evaluation.memorisation import Closeness, closeness, duplicates, is_copy
from gen_models.evaluation.protocol import MEASURES_VERSION, SPACES, Protocol
from gen_models.nets.features import NARROW
from gen_models.storage import cache, json_files

MIN_SAMPLES = 10
SCORE_STEPS = 4500  # training steps of each classifier of a classification accuracy score
SCORE_SEEDS = 3  # number of classifiers of a classification accuracy score
COPIES = "self-supervised"  # feature space in which near-copies are searched
CLOSEST = 40  # number of recorded pairs of a sample and a training image
FLOOR_PARTS = 10  # largest number of parts of the real images that a floor averages over
SEED = 0  # seed of the choice of images for the floor

Reference = Literal["test", "validation", "train"]
Floors = dict[str, list[float | None]]  # values and errors of real images, by name


class Memorisation(NamedTuple):
    """Evidence on whether samples are copies of training images."""

    authenticity: Score | None  # share that are no near-copies; None if all train images are equal
    details: dict[str, Any]  # distances, exact copies and the closest pairs, for JSON


class Evaluator:
    """Feature nets and the data that samples are measured against.

    The training images of `splits` include the validation images. Raises UserError if the nets were
    made for other data.
    """

    def __init__(self, net: FeatureNet, splits: Splits, reference: Reference = "test") -> None:
        if (net.record["train"], net.record["test"]) != (splits.train.digest, splits.test.digest):
            raise features.FeatureError(
                f"{net.name} was made for other data than this {splits.train.name}; make one for "
                "it with python -m experiments.train_features"
            )
        self.net, self.splits, self.split = net, splits, reference
        self._floors: dict[str, Floors] = {}

    def protocol(self, samples: int) -> Protocol:
        """The protocol for this number of samples."""
        return Protocol(self.net.name, self.splits.train.name, self.split, samples)

    @cached_property
    def described(self) -> dict[str, Described]:
        """Features and predicted classes of both splits, by name of the split."""
        splits = self.splits._asdict().items()
        return {name: features.describe_real(self.net, data) for name, data in splits}

    @cached_property
    def reference(self) -> Described:
        """The images that samples are compared to, with their features. For "train" these are the
        validation images too, which are few enough for a fast comparison."""
        if self.split == "test":
            return self.described["test"]
        return self.described["train"].take(self._is_validation)

    @property
    def others(self) -> Described:
        """Real images that are not in the reference, for the floor."""
        if self.split == "validation":
            return self.described["train"].take(~self._is_validation)
        return self.described["train" if self.split == "test" else "test"]

    @cached_property
    def seen(self) -> Dataset:
        """The images that a model may have learnt from: all training images, or, against the
        validation images, the rest of them. Against the test images, a run with --hold-out has
        learnt from only a part of them."""
        return self._parts.training if self.split == "validation" else self.splits.train

    @cached_property
    def unseen(self) -> Dataset:
        """Real images that a model has not seen, for likelihoods and to test classifiers."""
        return self._parts.validation if self.split == "validation" else self.splits.test

    @cached_property
    def _parts(self) -> TrainingParts:
        return validation.separate(self.splits.train)

    @cached_property
    def _is_validation(self) -> np.ndarray:
        """Mask bool[N] of the validation images among the training images. Raises DataError."""
        return validation.is_validation(self.splits.train)

    @cached_property
    def groups(self) -> np.ndarray:
        """Group numbers i64[M] of the images of `seen`, equal for duplicates."""
        return duplicates(self.seen.images)

    def describe(self, images: np.ndarray, labels: np.ndarray | None) -> Described:
        """Features and predicted classes of samples u8[N,H,W]. Raises UserError for too few.

        labels i32[N] are the requested classes, None for an unconditional model.
        """
        if len(images) < MIN_SAMPLES:
            raise MeasureError(
                f"found {len(images)} samples, expected {MIN_SAMPLES} or more; draw more"
            )
        return features.describe(self.net, images, labels)

    def quality(self, samples: Described, *, fd_infinity: bool = False) -> dict[str, Score]:
        """Fidelity, diversity and label accuracy, by their names in MEASURES."""
        floor, estimates = self.floor(len(samples.predicted)), measure(samples, self.reference)
        if fd_infinity:
            estimates |= self._extrapolate(samples)
        return {name: Score.of(estimate, floor.get(name)) for name, estimate in estimates.items()}

    def check_extrapolation(self, samples: int, source: str) -> None:
        """Raise MeasureError, with their `source`, if `samples` samples are too few for FD∞."""
        for real in self.reference.features.values():
            check_enough(samples, real.shape[1], source)

    def _extrapolate(self, samples: Described) -> dict[str, Estimate]:
        estimates = {}
        for space, suffix in SPACES.items():
            target = gaussian(self.reference.features[space])
            value = extrapolated_distance(samples.features[space], target, SEED)
            estimates[f"fd_infinity{suffix}"] = Estimate(value, None)
        return estimates

    def within_classes(self, samples: Described) -> dict[str, dict[str, Any]]:
        """Measures within each class, by the class's name."""
        return by_class(samples, self.reference, self.splits.train.class_names)

    def memorisation(self, samples: Described, images: np.ndarray) -> Memorisation:
        """Evidence on whether samples, images u8[N,H,W], are copies of training images."""
        near = self._closeness(samples)
        floor = self.floor(len(images))
        details = {
            "nearest_distance": float(np.median(near.distance)),
            "nearest_distance_of_test": floor.get("nearest_distance", [None])[0],
            "exact_copies": int(is_copy(images, self.seen.images).sum()),
            "closest": [[int(i), int(near.index[i])] for i in near.most_suspicious(CLOSEST)],
        }
        if np.isinf(near.spacing).all():
            return Memorisation(None, details)
        return Memorisation(Score.of(mean(near.authentic), floor.get("authenticity")), details)

    def _closeness(self, described: Described) -> Closeness:
        train = self.described["train"].features[COPIES]
        if self.split == "validation":
            train = train[~self._is_validation]
        return closeness(described.features[COPIES], train, self.groups)

    def classification_score(self, images: np.ndarray, labels: np.ndarray) -> Score:
        """Test accuracy of classifiers trained on samples (CAS; Ravuri & Vinyals 2019, §3): the
        mean over three seeds and its standard error.

        images u8[N,H,W], labels i32[N]; the floor is the accuracy of the same classifiers trained
        on the real images for as many steps.
        """
        apart = "-validation" if self.split == "validation" else ""
        entry = f"real-score{apart}-{SCORE_STEPS}"
        real = self._compute_once(entry, self._real_score)["accuracy"]
        train = self.seen._replace(images=images, labels=labels)
        return Score.of(self._accuracy(train), real)

    def _real_score(self) -> dict[str, Estimate]:
        return {"accuracy": self._accuracy(self.seen)}

    def _accuracy(self, dataset: Dataset) -> Estimate:
        """Accuracy on unseen images of classifiers trained on `dataset`. The error is scaled so
        that CONFIDENCE times it is half the interval of Student's t for so few classifiers."""
        config = classifier.Config(
            steps=SCORE_STEPS, channels=NARROW, mirror=self.net.record["mirror"]
        )
        test, accuracies = self.unseen, []
        for seed in range(SCORE_SEEDS):
            weights = classifier.train(dataset, config, seed)
            prediction = classifier.classify(weights, dataset.num_classes, test.images, NARROW)
            accuracies.append(np.mean(prediction.labels == test.labels))
        accuracy = mean(np.array(accuracies))
        half = accuracy.error * record.student_quantile(SCORE_SEEDS)
        return accuracy._replace(error=half / record.CONFIDENCE)

    def floor(self, samples: int) -> Floors:
        """Value and error of each measure for as many real images as there are samples."""
        return self._compute_once(
            f"floor-of-parts-{self.split}-{samples}", lambda: self._measure_floor(samples)
        )

    def _compute_once(self, entry: str, compute: Callable[[], dict[str, Estimate]]) -> Floors:
        """Estimates that depend only on real images, computed once and kept in the user's cache."""
        if entry not in self._floors:
            self._floors[entry] = self._recall_or_compute(entry, compute)
        return self._floors[entry]

    def _recall_or_compute(self, entry: str, compute: Callable[[], dict[str, Estimate]]) -> Floors:
        file = "features", f"{self.net.name}-v{MEASURES_VERSION}-{entry}.json"
        try:
            return json_files.parse(cache.recalled(*file))
        except ValueError:
            pass  # missing or damaged: it can be computed again
        floors = {name: list(estimate) for name, estimate in compute().items()}
        cache.keep(*file, json.dumps(floors).encode())
        return floors

    def _measure_floor(self, samples: int) -> dict[str, Estimate]:
        """Estimates from disjoint parts of `others`, each of `samples` images if there are enough.
        Measures that these images do not allow are left out."""
        real = self.others._replace(labels=None)
        order = np.random.Generator(np.random.Philox(SEED)).permutation(len(real.predicted))
        parts = np.array_split(order, max(1, len(order) // samples))[:FLOOR_PARTS]
        parts = [real.take(part[:samples]) for part in parts]
        floor = measure(parts[0], self.reference)
        if len(parts) > 1:
            others = [fids(part, self.reference) for part in parts[1:]]
            for name in set(floor).intersection(*others):
                values = [estimates[name].value for estimates in (floor, *others)]
                error = float(np.std(values, ddof=1) / np.sqrt(len(values)))
                floor[name] = Estimate(float(np.mean(values)), error)
        test = self.described["test"]
        floor["label_accuracy"] = mean(test.predicted == test.labels)  # on images not trained on
        unseen = ~is_copy(self.splits.test.images, self.splits.train.images)
        if not unseen.any():
            return floor
        near = self._closeness(test.take(unseen))
        if np.isfinite(near.spacing).all():
            floor["authenticity"] = mean(near.authentic)
        floor["nearest_distance"] = Estimate(float(np.median(near.distance)), None)
        return floor
