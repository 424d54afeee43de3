"""Drawing any number of images from a trained model, and finding its states."""

from collections.abc import Callable
from enum import IntEnum
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gen_models import programs
from gen_models.algorithm import Array, Key, Labels, Latents, State
from gen_models.data.pixels import to_bytes
from gen_models.errors import UserError
from gen_models.fields import ConfigError
from gen_models.model import Model
from gen_models.runs import DataRecord, Run, checkpoint

BLOCK = 20  # images drawn in one dispatch
STATISTICS_BATCH = 500  # images of each batch whose statistics are computed
LATENTS = 500  # latents drawn with one key, a multiple of BLOCK


class Purpose(IntEnum):
    """Purpose of a key. Its number distinguishes the keys of one seed from each other and from the
    keys of the training, which count from 0."""

    SAMPLES = 2**31 + 1
    EVALUATION = 2**31 + 2
    COMPARISON = 2**31 + 3
    GALLERY = 2**31 + 4
    STATISTICS = 2**31 + 5
    LIKELIHOOD = 2**31 + 6


def key_for(purpose: Purpose, seed: int) -> Key:
    """The key of a purpose and a seed."""
    return jax.random.fold_in(jax.random.key(seed), purpose)


def finalise(model: Model, data: DataRecord, state: State) -> State:
    """The state of a training, ready to be sampled: with the batch statistics of the averaged
    weights over images of all classes that were trained on, always with the same key."""
    labels = np.resize(np.array(data.classes, np.int32), STATISTICS_BATCH)
    return programs.finalise(model, state, labels, key_for(Purpose.STATISTICS, 0))


def draw(model: Model, state: State, key: Key, labels: np.ndarray) -> np.ndarray:
    """Images u8[N,H,W] for labels i32[N]. The first images do not depend on N, to the last bit:
    programs for other sizes would round differently, so all images are drawn BLOCK by BLOCK.
    """
    images = []
    for start in range(0, len(labels), BLOCK):
        index, offset = divmod(start, LATENTS)
        if offset == 0:
            latent_labels = np.resize(labels[start : start + LATENTS], LATENTS)
            z = _latents(model, state, jax.random.fold_in(key, index), latent_labels)
        part = labels[start : start + BLOCK]
        block = programs.generate(model, state, z[offset : offset + BLOCK], np.resize(part, BLOCK))
        images.append(to_bytes(block)[: len(part)])
    return np.concatenate(images)


@jax.jit
def _latents(model: Model, state: State, key: Key, labels: Labels) -> Latents:
    return model.algorithm.prior(state, key, labels)


def paths(model: Model, state: State, key: Key, labels: np.ndarray, steps: int) -> np.ndarray:
    """Images u8[N·steps,H,W] of latents on the great circle between two latents (White 2016, §2.1),
    one path for each of labels i32[N]."""
    a, b = jnp.split(model.algorithm.prior(state, key, np.tile(labels, 2)), 2)
    latents = great_circle(a, b, steps).reshape(-1, *a.shape[1:])
    return to_bytes(programs.generate(model, state, latents, np.repeat(labels, steps)))


def great_circle(a: Array, b: Array, steps: int) -> Array:
    """Latents f32[N,steps,Z] on the great circle from a to b, f32[N,Z] both, at equal angles."""
    norms = jnp.linalg.norm(a, axis=-1) * jnp.linalg.norm(b, axis=-1)
    angle = jnp.arccos(jnp.clip(jnp.sum(a * b, axis=-1) / norms, -1, 1))[:, None, None]
    t = jnp.linspace(0, 1, steps)[None, :, None]
    near = jnp.sin(angle) < 1e-6  # (anti)parallel: the circle is undefined
    safe = jnp.where(near, 1.0, jnp.sin(angle))
    from_a = jnp.where(near, 1 - t, jnp.sin((1 - t) * angle) / safe)
    from_b = jnp.where(near, t, jnp.sin(t * angle) / safe)
    return from_a * a[:, None] + from_b * b[:, None]


def load_state(
    run: Run,
    report: Callable[[str], None],
    *,
    best: bool = False,
    ema_decay: float | None = None,
) -> State:
    """The state of the newest whole checkpoint, or of the checkpoint of the best evaluation, ready
    to be sampled, with the average of another decay if `ema_decay` names one that the run kept.

    `report` is called with a line about each damaged checkpoint. Raises UserError if there is none.
    """
    folder = run.best if best else run.checkpoints
    newest = checkpoint.load_newest(folder, programs.shapes(run.model), report)
    if newest is None:
        raise UserError(_no_checkpoint(run, best))
    state = with_average(run.recipe.config, newest.state, ema_decay)
    return finalise(run.model, run.data, jax.device_put(state))


def check_state(run: Run, *, best: bool = False, ema_decay: float | None = None) -> None:
    """Raise the errors of `load_state`, without reading a state: UserError if there is no
    checkpoint, ConfigError for an average that was not kept."""
    if not checkpoint.steps(run.best if best else run.checkpoints):
        raise UserError(_no_checkpoint(run, best))
    check_average(run.recipe.config, ema_decay)


def _no_checkpoint(run: Run, best: bool) -> str:
    advice = "train it with --evaluate-every-steps" if best else "train it first, or go on with it"
    return f"{run.best if best else run.checkpoints} holds no checkpoint; {advice}"


def with_average(config: Any, state: State, ema_decay: float | None) -> State:
    """The state with the average of another decay as the one drawn from; None: unchanged. Raises
    ConfigError for a decay that is not among the `ema_decays` of the model's config."""
    check_average(config, ema_decay)
    if ema_decay in (None, config.ema_decay):
        return state
    return state._replace(ema=state.averages[config.ema_decays.index(ema_decay)])


def check_average(config: Any, ema_decay: float | None) -> None:
    """Raise ConfigError for the decay of an average that a model of this config does not keep."""
    if ema_decay not in (None, config.ema_decay, *config.ema_decays):
        kept = ", ".join(map(str, (config.ema_decay, *config.ema_decays)))
        raise ConfigError(
            f"ema_decay is {ema_decay}, expected that of an average that was kept: {kept}; train "
            "with --ema-decays to keep several"
        )
