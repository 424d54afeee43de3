"""The benchmark's families of classifiers in today's scikit-learn.

The settings are written for the scikit-learn of 2017. Since then it has renamed and removed options
and changed defaults; a family's entry says how to get the same algorithm with the same defaults.
The entries' notes appear in the tables of results.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

FIVE_PASSES = {"max_iter": 5, "tol": None}
PART = 2_500  # training images of families that would take days on all of them


class Estimator(NamedTuple):
    """A family of classifiers in today's scikit-learn."""

    place: str  # module and class
    given: Mapping[str, Any] = {}  # options that were defaults in 2017, or are new
    renamed: Mapping[str, Mapping[str, Any]] = {}  # today's options by 2017's "name=value"
    one_vs_rest: bool = False  # whether to train one classifier per class against all others
    part: int | None = None  # largest number of training images; None: all
    note: str = ""  # what differs from 2017, as text

    def options(self, parameters: Sequence[str], classes: int) -> dict[str, Any]:
        """Today's options for 2017's `parameters`, each "name=value", with `classes` classes."""
        options = dict(self.given)
        for parameter in parameters:
            name, _, text = parameter.partition("=")
            options |= self.renamed.get(parameter, {name: _value(text)})
        if options.get("priors") == EQUAL:
            options["priors"] = [1 / classes] * classes
        return options


EQUAL = "equal"  # priors of 1/K each, for K classes


def _value(text: str) -> Any:
    """`text` as an int, a list of ints (from "[100,10]"), or itself."""
    if text.startswith("["):
        return [int(size) for size in text.strip("[]").split(",")]
    try:
        return int(text)
    except ValueError:
        return text


ESTIMATORS = {
    "PassiveAggressiveClassifier": Estimator(
        "sklearn.linear_model.SGDClassifier",
        given={"loss": "hinge", "penalty": None, "learning_rate": "pa1", **FIVE_PASSES},
        renamed={f"C={c}": {"eta0": c} for c in (1, 10, 100)},
        note="today SGDClassifier(learning_rate='pa1', eta0=C); five passes, the default of 2017",
    ),
    "SGDClassifier": Estimator(
        "sklearn.linear_model.SGDClassifier",
        given=FIVE_PASSES,
        renamed={"loss=log": {"loss": "log_loss"}},
        note="five passes, the default of 2017; loss 'log' is 'log_loss' today",
    ),
    "Perceptron": Estimator(
        "sklearn.linear_model.Perceptron",
        given=FIVE_PASSES,
        note="five passes, the default of 2017",
    ),
    "DecisionTreeClassifier": Estimator("sklearn.tree.DecisionTreeClassifier"),
    "RandomForestClassifier": Estimator("sklearn.ensemble.RandomForestClassifier"),
    "LogisticRegression": Estimator(
        "sklearn.linear_model.LogisticRegression",
        given={"solver": "liblinear"},
        renamed={
            "penalty=l1": {"l1_ratio": 1.0},
            "penalty=l2": {"l1_ratio": 0.0},
            "multi_class=ovr": {},
        },
        one_vs_rest=True,
        note="solver liblinear, the default of 2017, in OneVsRestClassifier; penalty is l1_ratio",
    ),
    "MLPClassifier": Estimator("sklearn.neural_network.MLPClassifier"),
    "KNeighborsClassifier": Estimator("sklearn.neighbors.KNeighborsClassifier"),
    "SVC": Estimator(
        "sklearn.svm.SVC",
        given={"gamma": "auto"},
        note="gamma='auto', one by the number of pixels, the default of 2017",
    ),
    "GaussianNB": Estimator(
        "sklearn.naive_bayes.GaussianNB", renamed={"priors=0.1": {"priors": EQUAL}, "each": {}}
    ),
    "ExtraTreeClassifier": Estimator("sklearn.tree.ExtraTreeClassifier"),
    "GradientBoostingClassifier": Estimator(
        "sklearn.ensemble.GradientBoostingClassifier",
        renamed={"loss=deviance": {"loss": "log_loss"}},
        part=PART,
        note="loss 'deviance' is 'log_loss' today",
    ),
    "LinearSVC": Estimator(
        "sklearn.svm.LinearSVC",
        given={"dual": True},
        note="dual=True, the default of 2017",
    ),
    # In the grid, but without a result: the kernel of 60,000 images takes 28.8 GB, and its
    # factorisation days.
    "GaussianProcessClassifier": Estimator("sklearn.gaussian_process.GaussianProcessClassifier"),
}
