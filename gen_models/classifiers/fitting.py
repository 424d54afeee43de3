"""One classifier, trained and tested."""

import importlib
import warnings
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import StandardScaler

from gen_models.classifiers.settings import ClassifierSetting


class FitOutcome(NamedTuple):
    """The result of training and testing one classifier."""

    accuracy: float  # share of test images classified correctly, in [0,1]
    converged: bool  # False if the solver warns that it stopped at its iteration limit


def classifier(setting: ClassifierSetting, classes: int, seed: int) -> Any:  # an estimator
    """The untrained classifier of a setting for a data set of `classes` classes; `seed` determines
    everything random in it."""
    module, _, name = setting.estimator.place.rpartition(".")
    estimator = getattr(importlib.import_module(module), name)(**setting.options(classes))
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=seed)
    return OneVsRestClassifier(estimator) if setting.estimator.one_vs_rest else estimator


def standardise(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels u8[N,H,W] of both splits as f64[N,H·W], each pixel standardised to mean 0 and variance
    1 over the training images; a pixel that is constant over them keeps its scale."""
    flat = [images.reshape(len(images), -1).astype(np.float64) for images in (train, test)]
    scaler = StandardScaler(copy=False).fit(flat[0])
    return scaler.transform(flat[0]), scaler.transform(flat[1])


def fit_and_score(
    estimator: Any,  # an estimator
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
) -> FitOutcome:
    """Train and test, each on pixels f64[N,P] and labels i32[N]. Raises what scikit-learn raises
    for settings that it refuses."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(*train)
    converged = not any(issubclass(w.category, ConvergenceWarning) for w in caught)
    return FitOutcome(float(estimator.score(*test)), converged)
