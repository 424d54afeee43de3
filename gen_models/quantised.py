"""The engine of every auto-encoder whose latent is a map of codes, each place of it one of a book.

The decoder is given the code e nearest to the encoder's output z(x) at each place; its gradient
passes to z(x) as if e were it (van den Oord et al. 2017, eq. 1 and 2, §3.2). The prior over maps is
learned at the same time, from the codes as they are: -log p(x|e) - log p(e) bounds -log p(x).

To sample, a latent has one standard normal number for each place. Its cumulative probability, which
is uniform, picks the code there by the cumulative distribution that the prior gives of it.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.lax import stop_gradient

from gen_models.algorithm import (
    Algorithm,
    Array,
    Batch,
    Importance,
    Key,
    Metrics,
    PyTree,
    Spec,
    State,
)
from gen_models.elbo import Likelihood
from gen_models.nets.net import Net
from gen_models.optim import lone_player, lone_update


class Quantiser(NamedTuple):
    """What one paper with a discrete latent supplies.

    encoder     Net: images f32[B,H,W,1] in [-1,1] -> f32[B,h,w,D]
    decoder     Net: codes' vectors f32[B,h,w,D] -> f32[B,H,W,1], what the likelihood takes
    prior       Net: codes i32[B,h,w] -> their log-probabilities f32[B], nats
    sampler     the same net the other way: uniform numbers f32[B,h·w] -> codes i32[B,h·w]
    places      h and w
    book        how many codes there are, and D
    attraction  z and the codes' vectors e, f32[B,h,w,D] both -> terms of the loss by name, f32[],
                that draw the two together
    likelihood  p(x|e), x in [0,1]
    optimiser, ema_decay
    """

    encoder: Net
    decoder: Net
    prior: Net
    sampler: Net
    places: tuple[int, int]
    book: tuple[int, int]
    attraction: Callable[[Array, Array], Metrics]
    likelihood: Likelihood
    optimiser: optax.GradientTransformation
    ema_decay: float | Array | None


def quantised(model: Quantiser, spec: Spec) -> Algorithm:
    """Stochastic gradients of -log p(x|e) - log p(e), and of what draws encodings and codes to each
    other."""
    return Algorithm(
        init=partial(_init, model, spec),
        step=partial(_step, model),
        prior=partial(_latents, model),
        generate=partial(_generate, model),
        encode=lambda state, images, _labels: _encode(model, state.ema["params"], images),
        decode=partial(_decode_nearest, model),
        importance=partial(_importance, model),
        observation=model.likelihood.name,
        codes=partial(_codes, model),
    )


def _init(model: Quantiser, spec: Spec, key: Key) -> State:
    key_encoder, key_decoder, key_book, key_prior = jax.random.split(key, 4)
    count, size = model.book
    images = jnp.zeros((2, spec.height, spec.width, 1))
    # Small: among codes of different lengths the shortest would be nearest to everything.
    bound = 1 / count
    params = {
        "encoder": model.encoder.init(key_encoder, images)[0],
        "decoder": model.decoder.init(key_decoder, jnp.zeros((2, *model.places, size)))[0],
        "book": jax.random.uniform(key_book, model.book, minval=-bound, maxval=bound),
        "prior": model.prior.init(key_prior, jnp.zeros((2, *model.places), jnp.int32))[0],
    }
    return lone_player(params, {}, model.optimiser)


def _step(model: Quantiser, state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
    del key  # nothing here is random

    def loss(params: PyTree) -> tuple[Array, tuple[PyTree, Metrics]]:
        z = _encode(model, params, batch.images)
        codes = nearest_code(stop_gradient(z), params["book"])
        e = params["book"][codes]
        outputs = _decode(model, params, z + stop_gradient(e - z))
        log_prob = model.likelihood.log_prob((batch.images + 1) / 2, outputs)
        terms = {
            "reconstruction": -jnp.mean(log_prob),
            **model.attraction(z, e),
            "prior": -jnp.mean(_log_prior(model, params, codes)),
        }
        total = sum(terms.values())
        return total, ({}, terms | {"loss": total, "perplexity": perplexity(codes, model.book[0])})

    return lone_update(loss, state, model.optimiser, model.ema_decay)


def _encode(model: Quantiser, params: PyTree, images: Array) -> Array:
    return model.encoder.apply(params["encoder"], {}, images, train=True)[0]


def _decode(model: Quantiser, params: PyTree, vectors: Array) -> Array:
    return model.decoder.apply(params["decoder"], {}, vectors, train=True)[0]


def _log_prior(model: Quantiser, params: PyTree, codes: Array) -> Array:
    return model.prior.apply(params["prior"], {}, codes, train=True)[0]


def _latents(model: Quantiser, key: Key, count: int) -> Array:
    height, width = model.places
    return jax.random.normal(key, (count, height * width))


def _to_images(model: Quantiser, params: PyTree, codes: Array) -> Array:
    return 2 * model.likelihood.mean(_decode(model, params, params["book"][codes])) - 1


def _generate(model: Quantiser, state: State, z: Array, labels: Array) -> Array:
    del labels
    params = state.ema["params"]
    uniform = jax.scipy.stats.norm.cdf(z)
    codes = model.sampler.apply(params["prior"], {}, uniform, train=False)[0]
    return _to_images(model, params, codes.reshape(-1, *model.places))


def _codes(model: Quantiser, state: State, images: Array) -> Array:
    params = state.ema["params"]
    return nearest_code(_encode(model, params, images), params["book"])


def _decode_nearest(model: Quantiser, state: State, z: Array, labels: Array) -> Array:
    del labels
    params = state.ema["params"]
    return _to_images(model, params, nearest_code(z, params["book"]))


def _importance(
    model: Quantiser, state: State, images: Array, labels: Array, key: Key
) -> Importance:
    del labels, key  # the posterior is all on one value
    params, codes = state.ema["params"], _codes(model, state, images)
    outputs = _decode(model, params, params["book"][codes])
    return Importance(
        likelihood=model.likelihood.log_prob((images + 1) / 2, outputs),
        prior=_log_prior(model, params, codes),
        posterior=jnp.zeros(images.shape[0]),
    )


def nearest_code(z: Array, book: Array) -> Array:
    """Which of the codes f32[K,D] is nearest to each of z f32[N,h,w,D]: i32[N,h,w]."""
    distances = jnp.sum(book**2, axis=-1) - 2 * z @ book.T  # but for ‖z‖², the same for all
    return jnp.argmin(distances, axis=-1)


def perplexity(codes: Array, count: int) -> Array:
    """How many of `count` codes are in use, i32[N,h,w] -> f32[]: e to the entropy of their
    frequencies."""
    used = jnp.mean(jax.nn.one_hot(codes, count), axis=(0, 1, 2))
    return jnp.exp(-jnp.sum(used * jnp.log(used + 1e-10)))
