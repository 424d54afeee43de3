"""The compiled programs: many training steps in one dispatch, drawing, encoding, likelihoods.

Each takes a `Model`, which is static except for its real-valued options: one compilation serves
every learning rate, and the algorithm is built while tracing.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from gen_models.algorithm import Array, Batch, Images, Key, Labels, Latents, Metrics, PyTree, State
from gen_models.data import pixels
from gen_models.data.stream import Chunk
from gen_models.model import Model

FINITE = "finite"  # metric: 1 if every parameter is finite, else 0


def to_batch(images: Array, labels: Labels) -> Batch:
    """A batch for a model from bytes u8[B,H,W] and labels i32[B]."""
    return Batch(pixels.to_float(images, jnp), labels)


def start(model: Model, key: Key) -> State:
    """The state of a model at step 0."""
    return _starter()(model, key)


def shapes(model: Model) -> State:
    """The structure, shapes and dtypes of a model's state, without computing a state."""
    return jax.eval_shape(_starter(), model, jax.random.key(0))


@cache
def _starter() -> Callable[[Model, Key], State]:
    """The compiled `init`. On a CPU it is compiled with less optimisation: full optimisation takes
    longer than it saves in a program that runs once. The results are bit-identical."""
    quickly = {"xla_backend_optimization_level": 1} if jax.default_backend() == "cpu" else None
    return jax.jit(lambda model, key: model.algorithm.init(key), compiler_options=quickly)


@partial(jax.jit, donate_argnames="state")
def advance(
    model: Model, state: State, chunk: Chunk, count: Array, key: Key
) -> tuple[State, Metrics]:
    """Train `count` i32[] steps on the batches of `chunk`, beginning at `state.step`.

    `state.step` must be one of the chunk's steps, with at least `count` of them left.

    Returns the new state and the metrics of the chunk's steps, f32[S] each, of which the `count`
    entries from `state.step - chunk.start` on are filled; the others are 0, not NaN, which would
    set off JAX_DEBUG_NANS. `count` is an argument and the state is donated, so one program,
    updating in place, serves every division of a run into dispatches, and the division cannot
    change a bit of the result.
    """
    steps = chunk.labels.shape[0]

    def body(index: Array, carry: tuple[State, Metrics]) -> tuple[State, Metrics]:
        state, history = carry
        state, metrics = _step(model, state, chunk, index, key)
        return state, {name: history[name].at[index].set(metrics[name]) for name in history}

    first = state.step - chunk.start
    names = jax.eval_shape(_step, model, state, chunk, first, key)[1]
    history = {name: jnp.zeros(steps, jnp.float32) for name in names}
    return lax.fori_loop(first, first + count, body, (state, history))


@partial(jax.jit, inline=True)  # so that it is traced once for the names and for the loop
def _step(
    model: Model, state: State, chunk: Chunk, index: Array, key: Key
) -> tuple[State, Metrics]:
    """The state after the step at an index of the chunk, and its metrics."""
    images, labels = (lax.dynamic_index_in_dim(a, index, keepdims=False) for a in chunk[1:])
    algorithm = model.at(state.step).algorithm
    state, metrics = algorithm.step(state, to_batch(images, labels), key)
    return state, metrics | {FINITE: all_finite(state.params).astype(jnp.float32)}


def all_finite(params: PyTree) -> Array:
    """Whether every parameter is finite, bool[]."""
    leaves = [jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(params)]
    return jnp.all(jnp.stack(leaves))


@jax.jit
def finalise(model: Model, state: State, labels: Labels, key: Key) -> State:
    """The state to sample from, with the batch statistics of the averaged weights recomputed from
    samples with these labels."""
    return model.algorithm.finalise(state, labels, key)


@jax.jit
def sample(model: Model, state: State, key: Key, labels: Labels) -> Images:
    """Images of latents drawn from the prior, one for each label."""
    return model.algorithm.sample(state, key, labels)


@jax.jit
def generate(model: Model, state: State, z: Latents, labels: Labels) -> Images:
    """Images generated from latents, each with its label."""
    return model.algorithm.generate(state, z, labels)


@jax.jit
def reconstruct(model: Model, state: State, images: Array, labels: Labels) -> Images:
    """Reconstructions of bytes u8[N,H,W]: encoded and decoded again."""
    latent, batch = model.algorithm.latent, to_batch(images, labels)
    return latent.decode(state, latent.encode(state, *batch), labels)


@jax.jit
def encode(model: Model, state: State, images: Array, labels: Labels) -> Array:
    """Places f32[N,…] of bytes u8[N,H,W] in the latent space."""
    return model.algorithm.latent.encode(state, *to_batch(images, labels))


@jax.jit
def decode(model: Model, state: State, places: Array, labels: Labels) -> Images:
    """Images of places f32[N,…] in the latent space."""
    return model.algorithm.latent.decode(state, places, labels)


@jax.jit
def codes(model: Model, state: State, images: Array) -> Array:
    """Discrete codes i32[N,h,w] of bytes u8[N,H,W]."""
    return model.algorithm.latent.codes(state, pixels.to_float(images, jnp))


@jax.jit
def recognise(model: Model, state: State, images: Array) -> Array:
    """Estimated codes f32[N,C] of bytes u8[N,H,W], by the recognition net of a run's state."""
    return model.algorithm.recognise(state, pixels.to_float(images, jnp))


OBSERVED = 2**32 - 1  # index of the key of `density.observed`, beyond those of the draws


class Bounds(NamedTuple):
    """Bounds on log p(x) of each image, the two parts of the ELBO, and the upper limit of its
    likelihood part, f32[B] each, in nats."""

    elbo: Array  # likelihood - kl, the mean over k draws (Kingma & Welling 2014, eq. 2)
    likelihood: Array  # E log p(x|z)
    kl: Array  # KL(q(z|x) ‖ p(z))
    importance_weighted: Array  # bound of k draws (Burda et al. 2016, eq. 8); k = 1 is the ELBO
    ceiling: Array  # largest E log p(x|z) of any decoder


@jax.jit
def bounds(
    model: Model, state: State, images: Array, labels: Labels, key: Key, draws: Array
) -> Bounds:
    """Likelihood bounds of images u8[B,H,W] with labels i32[B], from k = `draws` i32[] >= 1
    importance samples per image. For a conditional model they bound log p(x|label). Matrix products
    have full float32 precision on every device, as in all measures."""
    density, batch = model.algorithm.density, to_batch(images, labels)
    seen = density.observed(jax.random.fold_in(key, OBSERVED), batch.images)

    def body(index: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        total, likelihood, kl = carry
        with jax.default_matmul_precision("highest"):
            drawn = density.importance(state, seen, labels, jax.random.fold_in(key, index))
        gap = drawn.posterior - drawn.prior
        # The sum of the weights is kept as a logarithm: the weights themselves underflow.
        total = jnp.logaddexp(total, drawn.likelihood - gap)
        return total, likelihood + drawn.likelihood, kl + gap

    zeros = jnp.zeros(len(labels))
    total, likelihood, kl = lax.fori_loop(0, draws, body, (zeros - jnp.inf, zeros, zeros))
    likelihood, kl = likelihood / draws, kl / draws
    weighted = total - jnp.log(draws)
    return Bounds(likelihood - kl, likelihood, kl, weighted, density.ceiling(seen))
