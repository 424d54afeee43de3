"""VQ-VAE (van den Oord et al. 2017): a discrete latent, each place of a small map one code of
a book.

    L = -log p(x|e) + ‖sg[z(x)] - e‖² + β ‖z(x) - sg[e]‖²                                   (eq. 3)

where e is the code nearest to the encoder's output z(x) (eq. 1 and 2), sg stops a gradient, and the
decoder's gradient passes to z(x) as if e were it. Every term is summed over the places of the map,
where the paper averages the last two over them (§3.2). The prior is learned at the same time from
the codes as they are: p(e) is a recurrent net's, place by place, where the paper has a PixelCNN and
learns it afterwards. -log p(x|e) - log p(e) bounds -log p(x).

To sample, a latent has one standard normal number for each place. Its cumulative probability, which
is uniform, picks the code there by the cumulative distribution that the prior gives of it.
"""

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
from gen_models.config import Positive, Size, Weight, hyperparameters
from gen_models.elbo import LIKELIHOODS, Likelihood
from gen_models.models import vaes
from gen_models.nets import vq_vae
from gen_models.nets.net import Net, net
from gen_models.optim import average, descend


@hyperparameters
class Config(vaes.Common):
    """Options of `vq_vae`: those of van den Oord et al. 2017, §4.1, but for smaller nets and book,
    and the step size that a short training wants."""

    latent_size: Size = 64
    """Dimensions of a code."""
    codes: Size = 128
    """How many codes the book has."""
    width: Size = 64
    """Channels next to the image; the layer beyond has twice as many, the prior's recurrent net
    four times as many units."""
    commitment: Weight = 0.25
    """β, how much the encoder is drawn to the codes."""
    learning_rate: Positive = 1e-3
    """Adam's step size. The paper's 2e-4 is for 250,000 steps."""


class Parts(NamedTuple):
    """The nets, the map's height and width, the likelihood, the optimiser, and the options."""

    encoder: Net
    decoder: Net
    scorer: Net
    sampler: Net
    places: tuple[int, int]
    likelihood: Likelihood
    optimiser: optax.GradientTransformation
    config: Config


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`; its map of codes is a quarter of their sides."""
    dtype = jnp.dtype(config.compute_dtype)
    recurrent = vq_vae.Prior(config.codes, 4 * config.width)
    parts = Parts(
        encoder=net(vq_vae.Encoder(config.latent_size, config.width, dtype)),
        decoder=net(vq_vae.Decoder(config.width, dtype)),
        scorer=net(recurrent),
        sampler=net(recurrent, method="sample"),
        places=(spec.height // 4, spec.width // 4),
        likelihood=LIKELIHOODS[config.likelihood],
        optimiser=optax.adam(config.learning_rate),
        config=config,
    )
    return Algorithm(
        init=partial(_init, parts, spec),
        step=partial(_step, parts),
        prior=partial(_prior, parts),
        generate=partial(_generate, parts),
        encode=partial(_places, parts),
        decode=partial(_quantised, parts),
        importance=partial(_importance, parts),
        observation=parts.likelihood.name,
        codes=partial(_codes, parts),
    )


def _init(parts: Parts, spec: Spec, key: Key) -> State:
    key_encoder, key_decoder, key_book, key_prior = jax.random.split(key, 4)
    images = jnp.zeros((2, spec.height, spec.width, 1))
    shape = (parts.config.codes, parts.config.latent_size)
    # Small: among codes of different lengths the shortest would be nearest to everything.
    bound = 1 / parts.config.codes
    params = {
        "encoder": parts.encoder.init(key_encoder, images)[0],
        "decoder": parts.decoder.init(key_decoder, jnp.zeros((2, *parts.places, shape[1])))[0],
        "book": jax.random.uniform(key_book, shape, minval=-bound, maxval=bound),
        "prior": parts.scorer.init(key_prior, jnp.zeros((2, *parts.places), jnp.int32))[0],
    }
    return State(
        step=jnp.zeros((), jnp.int32),
        params={"vae": params},
        stats={},
        opt={"vae": parts.optimiser.init(params)},
        ema=params,
        extra=(),
    )


def _step(parts: Parts, state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
    del key  # nothing here is random

    def loss(params: PyTree) -> tuple[Array, Metrics]:
        z = _encode(parts, params, batch.images)
        codes = nearest_code(stop_gradient(z), params["book"])
        e = params["book"][codes]
        outputs = _decode(parts, params, z + stop_gradient(e - z))
        log_prob = parts.likelihood.log_prob((batch.images + 1) / 2, outputs)
        terms = {
            "reconstruction": -jnp.mean(log_prob),
            "book": squared(stop_gradient(z) - e),
            "commitment": squared(z - stop_gradient(e)),
            "prior": -jnp.mean(_prior_log_prob(parts, params, codes)),
        }
        weighted = terms | {"commitment": parts.config.commitment * terms["commitment"]}
        total = sum(weighted.values())
        return total, terms | {"loss": total, "perplexity": perplexity(codes, parts.config.codes)}

    grads, metrics = jax.grad(loss, has_aux=True)(state.params["vae"])
    params, opt = descend(parts.optimiser, grads, state.opt["vae"], state.params["vae"])
    ema = average(state.ema, params, parts.config.ema_decay, state.step)
    new = state._replace(step=state.step + 1, params={"vae": params}, opt={"vae": opt}, ema=ema)
    return new, metrics


def _encode(parts: Parts, params: PyTree, images: Array) -> Array:
    return parts.encoder.apply(params["encoder"], {}, images, train=True)[0]


def _decode(parts: Parts, params: PyTree, vectors: Array) -> Array:
    return parts.decoder.apply(params["decoder"], {}, vectors, train=True)[0]


def _prior_log_prob(parts: Parts, params: PyTree, codes: Array) -> Array:
    return parts.scorer.apply(params["prior"], {}, codes, train=True)[0]


def _prior(parts: Parts, key: Key, count: int) -> Array:
    height, width = parts.places
    return jax.random.normal(key, (count, height * width))


def _to_images(parts: Parts, state: State, codes: Array) -> Array:
    outputs = _decode(parts, state.ema, state.ema["book"][codes])
    return 2 * parts.likelihood.mean(outputs) - 1


def _generate(parts: Parts, state: State, z: Array, labels: Array) -> Array:
    del labels
    uniform = jax.scipy.stats.norm.cdf(z)
    codes = parts.sampler.apply(state.ema["prior"], {}, uniform, train=False)[0]
    return _to_images(parts, state, codes.reshape(-1, *parts.places))


def _places(parts: Parts, state: State, images: Array, labels: Array) -> Array:
    del labels
    return _encode(parts, state.ema, images)


def _codes(parts: Parts, state: State, images: Array) -> Array:
    return nearest_code(_encode(parts, state.ema, images), state.ema["book"])


def _quantised(parts: Parts, state: State, z: Array, labels: Array) -> Array:
    del labels
    return _to_images(parts, state, nearest_code(z, state.ema["book"]))


def _importance(parts: Parts, state: State, images: Array, labels: Array, key: Key) -> Importance:
    del labels, key  # the posterior is all on one value
    codes = _codes(parts, state, images)
    outputs = _decode(parts, state.ema, state.ema["book"][codes])
    return Importance(
        likelihood=parts.likelihood.log_prob((images + 1) / 2, outputs),
        prior=_prior_log_prob(parts, state.ema, codes),
        posterior=jnp.zeros(images.shape[0]),
    )


def nearest_code(z: Array, book: Array) -> Array:
    """Which of the codes f32[K,D] is nearest to each of z f32[N,h,w,D]: i32[N,h,w]."""
    distances = jnp.sum(book**2, axis=-1) - 2 * z @ book.T  # but for ‖z‖², the same for all
    return jnp.argmin(distances, axis=-1)


def squared(difference: Array) -> Array:
    """‖·‖² of each image's f32[N,h,w,D], averaged over the images."""
    return jnp.mean(jnp.sum(difference**2, axis=(1, 2, 3)))


def perplexity(codes: Array, count: int) -> Array:
    """How many of `count` codes are in use, i32[N,h,w] -> f32[]: e to the entropy of their
    frequencies."""
    used = jnp.mean(jax.nn.one_hot(codes, count), axis=(0, 1, 2))
    return jnp.exp(-jnp.sum(used * jnp.log(used + 1e-10)))
