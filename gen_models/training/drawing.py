"""Drawing any number of images from a trained model, and finding its states."""

from collections.abc import Callable
from enum import IntEnum
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gen_models.algorithm import Array, Key, Spec, State
from gen_models.errors import UserError
from gen_models.training import advance, checkpoint
from gen_models.training.advance import Build
from gen_models.training.run import Run

BATCH = 500  # images drawn in one dispatch


class Purpose(IntEnum):
    """What is drawn. Its number parts the keys of one seed from each other and from those that a
    training makes of it, which count from 0."""

    SAMPLES = 2**31 + 1
    EVALUATION = 2**31 + 2
    COMPARISON = 2**31 + 3
    GALLERY = 2**31 + 4


def key_for(purpose: Purpose, seed: int) -> Key:
    """The key of one purpose."""
    return jax.random.fold_in(jax.random.key(seed), purpose)


def draw(model: tuple[Build, Spec, Any], state: State, key: Key, labels: np.ndarray) -> np.ndarray:
    """Images f32[N,H,W,1] in [-1,1] for labels i32[N], in dispatches of one size."""
    padded = np.resize(labels, -(-len(labels) // BATCH) * BATCH).reshape(-1, BATCH)
    parts = [
        np.asarray(advance.sample(*model, state, jax.random.fold_in(key, i), part))
        for i, part in enumerate(padded)
    ]
    return np.concatenate(parts)[: len(labels)]


def paths(
    model: tuple[Build, Spec, Any], state: State, key: Key, labels: np.ndarray, steps: int
) -> np.ndarray:
    """Images f32[N·steps,H,W,1] in [-1,1], for each of labels i32[N] a row on the great circle
    between two latents (White 2016, §2.1)."""
    build, spec, config = model
    a, b = jnp.split(build(config, spec).prior(key, 2 * len(labels)), 2)
    latents = great_circle(a, b, steps).reshape(-1, *a.shape[1:])
    return np.asarray(advance.generate(*model, state, latents, np.repeat(labels, steps)))


def great_circle(a: Array, b: Array, steps: int) -> Array:
    """Latents f32[N,Z] both -> f32[N,steps,Z], from a to b at equal angles."""
    norms = jnp.linalg.norm(a, axis=-1) * jnp.linalg.norm(b, axis=-1)
    angle = jnp.arccos(jnp.clip(jnp.sum(a * b, axis=-1) / norms, -1, 1))[:, None, None]
    t = jnp.linspace(0, 1, steps)[None, :, None]
    near = jnp.sin(angle) < 1e-6  # on one line, where the circle is not defined
    safe = jnp.where(near, 1.0, jnp.sin(angle))
    from_a = jnp.where(near, 1 - t, jnp.sin((1 - t) * angle) / safe)
    from_b = jnp.where(near, t, jnp.sin(t * angle) / safe)
    return from_a * a[:, None] + from_b * b[:, None]


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
