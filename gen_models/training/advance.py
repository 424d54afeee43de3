"""The compiled programs: many training steps in one dispatch, and drawing samples.

A model is named by its `build` function and the data's `spec`, both static; its config is an
argument, whose real-valued fields are traced. So one compilation serves every learning rate, and
the algorithm is built while tracing.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from gen_models.algorithm import Algorithm, Array, Batch, Key, Metrics, PyTree, Spec, State
from gen_models.data.stream import Chunk

Build = Callable[[PyTree, Spec], Algorithm]

FINITE = "finite"  # the metric that says whether every parameter still is, 1 or 0


def to_batch(images: Array, labels: Array) -> Batch:
    """u8[B,H,W] in [0,255], i32[B] -> f32[B,H,W,1] in [-1,1], the same labels."""
    return Batch(jnp.asarray(images, jnp.float32)[..., None] / 127.5 - 1, labels)


def start(build: Build, spec: Spec, config: PyTree, key: Key) -> State:
    """The state at step 0."""
    return _starter()(build, spec, config, key)


def shapes(build: Build, spec: Spec, config: PyTree) -> State:
    """A state's structure, shapes and dtypes, without computing one."""
    return jax.eval_shape(build(config, spec).init, jax.random.key(0))


@cache
def _starter() -> Callable[[Build, Spec, PyTree, Key], State]:
    """The compiled `init`. It runs once, so on a CPU most of what the compiler would do to make its
    random numbers quick takes longer than they do; the bits are the same."""
    quickly = {"xla_backend_optimization_level": 1} if jax.default_backend() == "cpu" else None
    return jax.jit(
        lambda build, spec, config, key: build(config, spec).init(key),
        static_argnums=(0, 1),
        compiler_options=quickly,
    )


@partial(jax.jit, static_argnames=("build", "spec"), donate_argnames="state")
def advance(
    build: Build, spec: Spec, config: PyTree, state: State, chunk: Chunk, count: Array, key: Key
) -> tuple[State, Metrics]:
    """Train `count` i32[] steps on the batches of `chunk`, from wherever `state.step` is in it.

    `state.step` must be one of the chunk's steps, and the chunk must hold as many from there on.

    Returns the new state and the metrics of the chunk's steps, f32[S] each, of which the `count`
    entries from `state.step - chunk.start` on are filled. `count` is an argument and the state is
    donated, so one program, updating in place, serves every way of cutting a run into dispatches,
    and cutting it differently cannot change a bit of the result.
    """
    algorithm = build(config, spec)
    steps = chunk.labels.shape[0]

    def step(state: State, index: Array) -> tuple[State, Metrics]:
        images, labels = (lax.dynamic_index_in_dim(a, index, keepdims=False) for a in chunk[1:])
        state, metrics = algorithm.step(state, to_batch(images, labels), key)
        return state, metrics | {FINITE: all_finite(state.params).astype(jnp.float32)}

    def body(index: Array, carry: tuple[State, Metrics]) -> tuple[State, Metrics]:
        state, history = carry
        state, metrics = step(state, index)
        return state, {name: history[name].at[index].set(metrics[name]) for name in history}

    first = state.step - chunk.start
    names = jax.eval_shape(step, state, first)[1]
    history = {name: jnp.full(steps, jnp.nan, jnp.float32) for name in names}
    return lax.fori_loop(first, first + count, body, (state, history))


def all_finite(params: PyTree) -> Array:
    """bool[]: whether every parameter is finite."""
    leaves = [jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(params)]
    return jnp.all(jnp.stack(leaves))


@partial(jax.jit, static_argnames=("build", "spec"))
def sample(
    build: Build, spec: Spec, config: PyTree, state: State, key: Key, labels: Array
) -> Array:
    """Images f32[N,H,W,1] in [-1,1], one for each of labels i32[N]."""
    return build(config, spec).sample(state, key, labels)


@partial(jax.jit, static_argnames=("build", "spec"))
def generate(
    build: Build, spec: Spec, config: PyTree, state: State, z: Array, labels: Array
) -> Array:
    """Images f32[N,H,W,1] in [-1,1] of latents f32[N,Z], one for each of labels i32[N]."""
    return build(config, spec).generate(state, z, labels)


@partial(jax.jit, static_argnames=("build", "spec"))
def reconstruct(
    build: Build, spec: Spec, config: PyTree, state: State, images: Array, labels: Array
) -> Array:
    """u8[N,H,W], i32[N] -> f32[N,H,W,1] in [-1,1], encoded and decoded again."""
    return build(config, spec).reconstruct(state, *to_batch(images, labels))


@partial(jax.jit, static_argnames=("build", "spec"))
def encode(
    build: Build, spec: Spec, config: PyTree, state: State, images: Array, labels: Array
) -> Array:
    """u8[N,H,W], i32[N] -> f32[N,…], where they are in the latent space."""
    return build(config, spec).encode(state, *to_batch(images, labels))


@partial(jax.jit, static_argnames=("build", "spec"))
def decode(
    build: Build, spec: Spec, config: PyTree, state: State, places: Array, labels: Array
) -> Array:
    """Images f32[N,H,W,1] in [-1,1] of places f32[N,…] in the latent space, labels i32[N]."""
    return build(config, spec).decode(state, places, labels)


@partial(jax.jit, static_argnames=("build", "spec"))
def codes(build: Build, spec: Spec, config: PyTree, state: State, images: Array) -> Array:
    """u8[N,H,W] -> i32[N,h,w], the codes that stand for them."""
    batch = to_batch(images, jnp.zeros(images.shape[0], jnp.int32))
    return build(config, spec).codes(state, batch.images)


class Bounds(NamedTuple):
    """Bounds on log p(x) of each image and the parts of the first, f32[B] each, in nats."""

    elbo: Array  # (Kingma & Welling 2014, eq. 2), the mean over all k draws: likelihood - kl
    likelihood: Array
    kl: Array
    importance_weighted: Array  # (Burda et al. 2016, eq. 8) with k draws; k = 1 is the ELBO


@partial(jax.jit, static_argnames=("build", "spec"))
def bounds(
    build: Build, spec: Spec, config: PyTree, state: State, batch: Batch, key: Key, draws: Array
) -> Bounds:
    """Bounds for images u8[B,H,W] and labels i32[B] from k = `draws` i32[] >= 1 importance samples
    of each. A conditional model's are of log p(x|label)."""
    algorithm = build(config, spec)
    inputs = to_batch(*batch)

    def body(index: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        total, likelihood, kl = carry
        drawn = algorithm.importance(state, *inputs, jax.random.fold_in(key, index))
        gap = drawn.posterior - drawn.prior
        # The sum of the weights is kept as a logarithm: the weights themselves underflow.
        total = jnp.logaddexp(total, drawn.likelihood - gap)
        return total, likelihood + drawn.likelihood, kl + gap

    zeros = jnp.zeros(len(batch.labels))
    total, likelihood, kl = lax.fori_loop(0, draws, body, (zeros - jnp.inf, zeros, zeros))
    likelihood, kl = likelihood / draws, kl / draws
    return Bounds(likelihood - kl, likelihood, kl, total - jnp.log(draws))
