"""Training of nets with one loss and one optimiser: VAEs and classifiers."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from gen_models.algorithm import (
    Array,
    Density,
    Images,
    Importance,
    Key,
    Labels,
    Metrics,
    PyTree,
    State,
)
from gen_models.engines.updates import Averaging, apply_gradients, averaged
from gen_models.losses import Likelihood

BEYOND = 2**32 - 1  # greater than the number of any step


def initial_state(
    player: str,
    params: PyTree,
    stats: PyTree,
    optimiser: optax.GradientTransformation,
    averaging: Averaging,
) -> State:
    """The state at step 0 of training with one player."""
    ema = {"params": params, "stats": stats}
    return State(
        step=jnp.zeros((), jnp.int32),
        params={player: params},
        stats={player: stats},
        opt={player: optimiser.init(params)},
        ema=ema,
        extra=(),
        averages=(ema,) * len(averaging.others),
    )


def update(
    player: str,
    loss: Callable[[PyTree], tuple[Array, tuple[PyTree, Metrics]]],
    state: State,
    optimiser: optax.GradientTransformation,
    averaging: Averaging,
) -> tuple[State, Metrics]:
    """One training step. `loss` maps params to the value minimised and (new stats, metrics)."""
    grads, (stats, metrics) = jax.grad(loss, has_aux=True)(state.params[player])
    params, opt = apply_gradients(optimiser, grads, state.opt[player], state.params[player])
    newest = {"params": params, "stats": stats}
    new = averaged(state, newest, averaging)._replace(
        step=state.step + 1,
        params={player: params},
        stats={player: stats},
        opt={player: opt},
    )
    return new, metrics


def key_beside(key: Key, step: Array) -> Key:
    """A second key of a step, different from `fold_in(key, step)`."""
    return jax.random.fold_in(jax.random.fold_in(key, BEYOND), step)


def density(
    likelihood: Likelihood, importance: Callable[[State, Images, Labels, Key], Importance]
) -> Density:
    """The density of images in [-1,1] under a likelihood of pixels in [0,1]."""
    return Density(
        importance,
        likelihood.observation,
        lambda images: likelihood.ceiling((images + 1) / 2),
        likelihood.observed,
    )
