"""Parameter updates that all engines share: optimiser step, clipping, and exponential moving
averages (EMA) of the weights."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from gen_models.algorithm import Array, PyTree, State


def apply_gradients(
    optimiser: optax.GradientTransformation, grads: PyTree, opt: PyTree, params: PyTree
) -> tuple[PyTree, PyTree]:
    """One update by the optimiser. Returns the new (params, opt)."""
    updates, opt = optimiser.update(grads, opt, params)
    return optax.apply_updates(params, updates), opt


def clipped(
    optimiser: optax.GradientTransformation, limit: float | Array
) -> optax.GradientTransformation:
    """The optimiser, with every parameter kept in [-limit, limit] up to rounding (Arjovsky et al.
    2017, algorithm 1)."""

    def update(grads: PyTree, opt: PyTree, params: PyTree) -> tuple[PyTree, PyTree]:
        updates, opt = optimiser.update(grads, opt, params)
        kept = jax.tree.map(lambda x, u: jnp.clip(x + u, -limit, limit) - x, params, updates)
        return kept, opt

    return optax.GradientTransformation(optimiser.init, update)


class Averaging(NamedTuple):
    """The averages kept of the weights of the player that samples."""

    decay: float | Array | None  # decay of the average drawn from; None: the newest weights
    others: tuple[float, ...] = ()  # decays of further averages


def averaged(state: State, newest: PyTree, averaging: Averaging) -> State:
    """The state with its averages after one more step. Call it before `step` is incremented."""

    def moved(ema: dict, decay: float | Array | None) -> dict:
        own = {name: ema[name] for name in newest}  # `ema` may have parts that are not averaged
        return ema | exponential_moving_average(own, newest, decay, state.step)

    others = zip(state.averages, averaging.others, strict=True)
    return state._replace(
        ema=moved(state.ema, averaging.decay),
        averages=tuple(moved(ema, decay) for ema, decay in others),
    )


def exponential_moving_average(
    ema: PyTree, new: PyTree, decay: float | Array | None, step: Array
) -> PyTree:
    """The average of weights after one more step; `decay` None returns the newest weights.

    The decay at step t is min(decay, (1 + t) / (10 + t)), so that the average forgets the
    initialisation within the first steps instead of keeping it for some 1 / (1 - decay) steps. A
    decay of 0.999 is reached at step 8990; until then the average spans a ninth of the run.
    """
    if decay is None:
        return new
    rate = 1 - jnp.minimum(decay, (1.0 + step) / (10.0 + step))
    return jax.tree.map(lambda old, x: old + rate * (x - old), ema, new)
