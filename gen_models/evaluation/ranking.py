"""A ranking that does not depend on the choice of the features."""

from collections.abc import Sequence

import numpy as np


def ranks(*distances: Sequence[float]) -> list[str]:
    """The rank of each of K subjects, from its distance in each space, lower is better.

    A rank is given as far as all spaces agree on it: "2", or "2–4" for three subjects that are
    second to fourth in every space, but in another order.
    """
    orders = [np.argsort(values, kind="stable") for values in distances]
    found, first = [""] * len(orders[0]), 0
    for last in range(1, len(orders[0]) + 1):
        leading = [set(order[:last].tolist()) for order in orders]
        if all(group == leading[0] for group in leading):
            label = str(last) if last == first + 1 else f"{first + 1}–{last}"
            for subject in orders[0][first:last]:
                found[subject] = label
            first = last
    return found
