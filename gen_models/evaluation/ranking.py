"""A ranking that does not depend on the choice of the features."""

from collections.abc import Sequence

import numpy as np


def ranks(*distances: Sequence[float]) -> list[str]:
    """The rank of each of K subjects, from its distance in each feature space; lower is better.

    A rank is given as far as all spaces agree on it: "2–4" for one of five subjects if, in every
    space, one other is nearer and one other is farther; "2" if only that rank is possible. Of equal
    distances the earlier one counts as the nearer.
    """
    places = np.array([np.argsort(np.argsort(values, kind="stable")) for values in distances])
    ahead = np.all(places[:, :, None] < places[:, None, :], axis=0)  # of row before column
    first, last = 1 + ahead.sum(axis=0), places.shape[1] - ahead.sum(axis=1)
    pairs = zip(first.tolist(), last.tolist(), strict=True)
    return [str(low) if low == high else f"{low}–{high}" for low, high in pairs]
