"""What the engines do with parameters once they have gradients."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from gen_models.algorithm import Array, Metrics, PyTree, State


def descend(
    optimiser: optax.GradientTransformation, grads: PyTree, opt: PyTree, params: PyTree
) -> tuple[PyTree, PyTree]:
    """One optimiser update: returns (params, opt), new."""
    updates, opt = optimiser.update(grads, opt, params)
    return optax.apply_updates(params, updates), opt


def clipped(
    optimiser: optax.GradientTransformation, limit: float | Array
) -> optax.GradientTransformation:
    """The optimiser, every parameter kept in [-limit, limit] but for rounding (Arjovsky et al.
    2017, algorithm 1)."""

    def update(grads: PyTree, opt: PyTree, params: PyTree) -> tuple[PyTree, PyTree]:
        updates, opt = optimiser.update(grads, opt, params)
        kept = jax.tree.map(lambda x, u: jnp.clip(x + u, -limit, limit) - x, params, updates)
        return kept, opt

    return optax.GradientTransformation(optimiser.init, update)


def average(ema: PyTree, new: PyTree, decay: float | Array | None, step: Array) -> PyTree:
    """Exponential moving average of a pytree; `decay` None keeps the newest alone.

    The decay starts low, min(decay, (1 + t) / (10 + t)), so that the average forgets the
    initialisation within the first steps instead of dragging it along for 1 / (1 - decay) of them.
    It reaches 0.999 at step 8990: until then the average looks back over a ninth of the run.
    """
    if decay is None:
        return new
    rate = 1 - jnp.minimum(decay, (1.0 + step) / (10.0 + step))
    return jax.tree.map(lambda old, x: old + rate * (x - old), ema, new)


def lone_player(params: PyTree, stats: PyTree, optimiser: optax.GradientTransformation) -> State:
    """Step 0 of a model that has one player, "vae"."""
    return State(
        step=jnp.zeros((), jnp.int32),
        params={"vae": params},
        stats={"vae": stats},
        opt={"vae": optimiser.init(params)},
        ema={"params": params, "stats": stats},
        extra=(),
    )


def lone_update(
    loss: Callable[[PyTree], tuple[Array, tuple[PyTree, Metrics]]],
    state: State,
    optimiser: optax.GradientTransformation,
    ema_decay: float | Array | None,
) -> tuple[State, Metrics]:
    """One step of it. loss: params -> what is minimised, (its new stats, metrics)."""
    grads, (stats, metrics) = jax.grad(loss, has_aux=True)(state.params["vae"])
    params, opt = descend(optimiser, grads, state.opt["vae"], state.params["vae"])
    newest = {"params": params, "stats": stats}
    new = state._replace(
        step=state.step + 1,
        params={"vae": params},
        stats={"vae": stats},
        opt={"vae": opt},
        ema=average(state.ema, newest, ema_decay, state.step),
    )
    return new, metrics
