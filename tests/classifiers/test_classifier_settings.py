"""The table of the benchmark's settings, and what each is in today's scikit-learn."""

import numpy as np
import pytest

from gen_models.classifiers import fitting, settings


def test_the_table_has_the_settings_of_the_benchmark_and_its_published_accuracies():
    assert [setting.number for setting in settings.every()] == list(range(1, 144))
    assert len(settings.runnable()) == 129
    assert sum(bool(setting.published) for setting in settings.every()) == 126
    assert all(setting.can_run for setting in settings.every() if setting.published)


def test_best_settings_are_the_paper_s_best_of_13_families():
    numbers = {setting.family: setting.number for setting in settings.best()}
    assert numbers == {
        "SVC": 89,
        "GradientBoostingClassifier": 118,
        "RandomForestClassifier": 51,
        "MLPClassifier": 69,
        "KNeighborsClassifier": 78,
        "LogisticRegression": 52,
        "LinearSVC": 126,
        "SGDClassifier": 5,
        "DecisionTreeClassifier": 28,
        "Perceptron": 19,
        "PassiveAggressiveClassifier": 1,
        "ExtraTreeClassifier": 97,
        "GaussianNB": 96,
    }


def test_settings_are_chosen_by_family_and_subset_quick_ones_first():
    selected = settings.select("all", ["SVC", "Perceptron"])
    assert len(selected) == 12 + 3
    assert [s.minutes for s in selected] == sorted(s.minutes for s in selected)
    assert [s.number for s in settings.select("best", ["SVC"])] == [89]


@pytest.mark.parametrize(
    "number, parameters",
    [
        (2, {"learning_rate": "pa1", "eta0": 10, "max_iter": 5, "tol": None}),
        (13, {"loss": "log_loss", "penalty": "l1", "max_iter": 5, "tol": None}),
        (51, {"criterion": "entropy", "max_depth": 100, "n_estimators": 100}),
        (71, {"activation": "relu", "hidden_layer_sizes": [100, 10]}),
        (89, {"C": 10, "kernel": "rbf", "gamma": "auto"}),
        (96, {"priors": [0.25] * 4}),
        (118, {"loss": "log_loss"}),
        (138, {"loss": "squared_hinge", "penalty": "l2", "multi_class": "ovr", "dual": True}),
    ],
)
def test_options_of_2017_are_written_as_today(number, parameters):
    options = fitting.classifier(settings.every()[number - 1], classes=4, seed=3).get_params()
    assert {name: options[name] for name in parameters} == parameters
    assert options.get("random_state", 3) == 3


def test_logistic_regression_is_one_liblinear_problem_a_class():
    options = fitting.classifier(settings.every()[51], classes=4, seed=3).get_params()
    assert options["estimator__solver"] == "liblinear"
    assert (options["estimator__l1_ratio"], options["estimator__C"]) == (1.0, 1)


@pytest.mark.parametrize("setting", settings.best(), ids=lambda setting: setting.family)
def test_the_best_of_each_family_tells_bright_bands_apart(setting, tiny):
    pixels = fitting.standardise(tiny.train.images, tiny.test.images)
    labels = tiny.train.labels, tiny.test.labels
    estimator = fitting.classifier(setting, 3, 0)
    outcome = fitting.fit_and_score(estimator, *zip(pixels, labels, strict=True))
    assert outcome.accuracy > 0.8


def test_every_setting_is_accepted_by_today_s_scikit_learn():
    for setting in settings.runnable():
        estimator = fitting.classifier(setting, classes=3, seed=0)
        getattr(estimator, "estimator", estimator)._validate_params()


def test_pixels_are_standardised_by_the_training_images():
    train = np.array([[[0, 7]], [[2, 7]]], np.uint8)
    of_train, of_test = fitting.standardise(train, np.array([[[4, 9]]], np.uint8))
    np.testing.assert_allclose(of_train, [[-1, 0], [1, 0]])
    np.testing.assert_allclose(of_test, [[3, 2]])
