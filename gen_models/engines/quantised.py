"""The engine of auto-encoders whose latent is a map with one code of a codebook at each place.

The decoder is given the code e nearest to the encoder's output z(x) at each place; the gradient at
e is passed to z(x) unchanged (van den Oord et al. 2017, eq. 1 and 2, §3.2). The prior over maps is
learned at the same time, from the current codes: -log p(x|e) - log p(e) bounds -log p(x).

For sampling, a latent is one standard normal number per place. Its cumulative probability, which is
uniform, selects the code of the place by inverting the prior's cumulative distribution.
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
    Images,
    Importance,
    Key,
    Labels,
    Latents,
    LatentSpace,
    Metrics,
    PyTree,
    Spec,
    State,
)
from gen_models.engines import single
from gen_models.engines.updates import Averaging
from gen_models.losses import Likelihood
from gen_models.nets.net import Net

PLAYER = "vae"


class Quantiser(NamedTuple):
    """The parts of an auto-encoder with a discrete latent that one paper defines. Its nets have no
    batch statistics.

    encoder     Net: Images -> f32[B,h,w,D]
    decoder     Net: codes' vectors f32[B,h,w,D] -> f32[B,H,W,1], the parameters of the likelihood
    prior       Net: codes i32[B,h,w] -> their log-probabilities f32[B], nats
    sampler     Net that shares the prior's parameters: uniform f32[B,h·w] -> codes i32[B,h·w]
    places      height h and width w of the map
    book        number of codes, and their dimension D
    attraction  z and the codes' vectors e, f32[B,h,w,D] both -> terms of the loss by name, f32[],
                which pull z and e together
    likelihood  p(x|e), x in [0,1]
    optimiser   optimiser of all nets and the codebook
    averaging   averages of the weights
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
    averaging: Averaging


def quantised(quantiser: Quantiser, spec: Spec) -> Algorithm:
    """The Algorithm that minimises -log p(x|e) - log p(e) and the terms that pull encodings and
    codes together, by stochastic gradients."""
    return Algorithm(
        init=partial(_init, quantiser, spec),
        step=partial(_step, quantiser),
        prior=partial(_prior, quantiser),
        generate=partial(_generate, quantiser),
        latent=LatentSpace(
            encode=partial(_encode_images, quantiser),
            decode=partial(_decode_nearest, quantiser),
            codes=partial(_codes, quantiser),
        ),
        density=single.density(quantiser.likelihood, partial(_importance, quantiser)),
    )


def _init(quantiser: Quantiser, spec: Spec, key: Key) -> State:
    key_encoder, key_decoder, key_book, key_prior = jax.random.split(key, 4)
    count, size = quantiser.book
    images = jnp.zeros((2, spec.height, spec.width, 1))
    # Small initial codes: among codes of different norms the shortest would be nearest to all z.
    bound = 1 / count
    params = {
        "encoder": quantiser.encoder.init(key_encoder, images)[0],
        "decoder": quantiser.decoder.init(key_decoder, jnp.zeros((2, *quantiser.places, size)))[0],
        "book": jax.random.uniform(key_book, quantiser.book, minval=-bound, maxval=bound),
        "prior": quantiser.prior.init(key_prior, jnp.zeros((2, *quantiser.places), jnp.int32))[0],
    }
    return single.initial_state(PLAYER, params, {}, quantiser.optimiser, quantiser.averaging)


def _step(quantiser: Quantiser, state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
    images = quantiser.likelihood.observed(single.key_beside(key, state.step), batch.images)

    def loss(params: PyTree) -> tuple[Array, tuple[PyTree, Metrics]]:
        z = _encode(quantiser, params, images)
        codes = nearest_code(stop_gradient(z), params["book"])
        e = params["book"][codes]
        outputs = _decode(quantiser, params, z + stop_gradient(e - z))
        log_prob = quantiser.likelihood.log_prob((images + 1) / 2, outputs)
        terms = {
            "reconstruction": -jnp.mean(log_prob),
            **quantiser.attraction(z, e),
            "prior": -jnp.mean(_log_prior(quantiser, params, codes)),
        }
        total = sum(terms.values())
        used = perplexity(codes, quantiser.book[0])
        return total, ({}, terms | {"loss": total, "perplexity": used})

    return single.update(PLAYER, loss, state, quantiser.optimiser, quantiser.averaging)


def _encode(quantiser: Quantiser, params: PyTree, images: Images) -> Array:
    return quantiser.encoder.apply(params["encoder"], {}, images, train=True)[0]


def _decode(quantiser: Quantiser, params: PyTree, vectors: Array) -> Array:
    return quantiser.decoder.apply(params["decoder"], {}, vectors, train=True)[0]


def _log_prior(quantiser: Quantiser, params: PyTree, codes: Array) -> Array:
    return quantiser.prior.apply(params["prior"], {}, codes, train=True)[0]


def _prior(quantiser: Quantiser, state: State, key: Key, labels: Labels) -> Latents:
    del state  # `generate` turns standard normal numbers into codes
    height, width = quantiser.places
    return jax.random.normal(key, (labels.shape[0], height * width))


def _to_images(quantiser: Quantiser, params: PyTree, codes: Array) -> Images:
    return 2 * quantiser.likelihood.mean(_decode(quantiser, params, params["book"][codes])) - 1


def _generate(quantiser: Quantiser, state: State, z: Latents, labels: Labels) -> Images:
    del labels
    params = state.ema["params"]
    uniform = jax.scipy.stats.norm.cdf(z)
    codes = quantiser.sampler.apply(params["prior"], {}, uniform, train=False)[0]
    return _to_images(quantiser, params, codes.reshape(-1, *quantiser.places))


def _encode_images(quantiser: Quantiser, state: State, images: Images, labels: Labels) -> Array:
    del labels
    return _encode(quantiser, state.ema["params"], quantiser.likelihood.likeliest(images))


def _codes(quantiser: Quantiser, state: State, images: Images) -> Array:
    images = quantiser.likelihood.likeliest(images)
    params = state.ema["params"]
    return nearest_code(_encode(quantiser, params, images), params["book"])


def _decode_nearest(quantiser: Quantiser, state: State, z: Array, labels: Labels) -> Images:
    del labels
    params = state.ema["params"]
    return _to_images(quantiser, params, nearest_code(z, params["book"]))


def _importance(
    quantiser: Quantiser, state: State, images: Images, labels: Labels, key: Key
) -> Importance:
    del labels, key  # the posterior is deterministic
    params, codes = state.ema["params"], _codes(quantiser, state, images)
    outputs = _decode(quantiser, params, params["book"][codes])
    return Importance(
        likelihood=quantiser.likelihood.log_prob((images + 1) / 2, outputs),
        prior=_log_prior(quantiser, params, codes),
        posterior=jnp.zeros(images.shape[0]),
    )


def nearest_code(z: Array, book: Array) -> Array:
    """Indices i32[N,h,w] of the codes f32[K,D] nearest to each vector of z f32[N,h,w,D]."""
    distances = jnp.sum(book**2, axis=-1) - 2 * z @ book.T  # without ‖z‖², equal for all codes
    return jnp.argmin(distances, axis=-1)


def perplexity(codes: Array, count: int) -> Array:
    """Effective number of codes in use out of `count`, i32[N,h,w] -> f32[]: the exponential of the
    entropy of their frequencies."""
    used = jnp.mean(jax.nn.one_hot(codes, count), axis=(0, 1, 2))
    return jnp.exp(-jnp.sum(used * jnp.log(used + 1e-10)))
