"""Drawing any number of images from a trained model, and finding its states."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from gen_models.algorithm import Key, Spec, State
from gen_models.errors import UserError
from gen_models.training import advance, checkpoint
from gen_models.training.advance import Build
from gen_models.training.run import Run

BATCH = 500  # images drawn in one dispatch


def draw(model: tuple[Build, Spec, Any], state: State, key: Key, labels: np.ndarray) -> np.ndarray:
    """Images f32[N,H,W,1] in [-1,1] for labels i32[N], in dispatches of one size."""
    padded = np.resize(labels, -(-len(labels) // BATCH) * BATCH).reshape(-1, BATCH)
    parts = [
        np.asarray(advance.sample(*model, state, jax.random.fold_in(key, i), part))
        for i, part in enumerate(padded)
    ]
    return np.concatenate(parts)[: len(labels)]


def newest_state(run: Run, report: Callable[[str], None], *, best: bool = False) -> State:
    """The state in the newest whole checkpoint, or in that of the best evaluation.

    `report` is told of damaged ones. Raises UserError if there is none.
    """
    folder = run.best if best else run.checkpoints
    found = checkpoint.newest(folder, advance.shapes(*run.model), report)
    if found is None:
        advice = "train it with --eval-every" if best else "train it first, or go on with it"
        raise UserError(f"{folder} holds no checkpoint; {advice}")
    return jax.device_put(found[1])
