"""Classes of images by their numbers and names."""

from collections.abc import Sequence

import numpy as np

from gen_models.fields import ConfigError, nearest, shown


def labels_of(classes: object, class_names: Sequence[str]) -> np.ndarray:
    """The labels i32[N] of one class or several, each given by its label or by its name, in upper
    or lower case. Raises ConfigError for a class that does not exist, and for none."""
    labels = {name.casefold(): label for label, name in enumerate(class_names)}
    labels |= {label: label for label in range(len(class_names))}
    asked = np.atleast_1d(np.asarray(classes, object)).tolist()
    wrong = [given for given in asked if _key(given) not in labels]
    if not asked:
        raise ConfigError("there is no label in the list; leave it out for all classes")
    if wrong:
        raise ConfigError(f"labels are {shown(wrong)}, expected {_expected(wrong, class_names)}")
    return np.array([labels[_key(given)] for given in asked], np.int32)


def _key(given: object) -> object:
    """What a class is looked up by; None for what is neither a whole number nor a text."""
    if isinstance(given, str):
        return given.casefold()
    is_number = isinstance(given, int | np.integer) and not isinstance(given, bool)
    return given if is_number else None


def _expected(wrong: Sequence[object], class_names: Sequence[str]) -> str:
    numbers = f"whole numbers from 0 to {len(class_names) - 1}"
    if tuple(class_names) != tuple(map(str, range(len(class_names)))):
        return f"{numbers} or names: {nearest(wrong[0], class_names)}"
    unnamed = "; the classes of this data set have no names"
    return numbers + (unnamed if any(isinstance(given, str) for given in wrong) else "")
