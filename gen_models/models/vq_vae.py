"""VQ-VAE (van den Oord et al. 2017): a discrete latent, each place of a small map one code of
a book.

    L = -log p(x|e) + ‖sg[z(x)] - e‖² + β ‖z(x) - sg[e]‖²                                   (eq. 3)

where e is the code nearest to the encoder's output z(x) (eq. 1 and 2), sg stops a gradient, and the
decoder's gradient passes to z(x) as if e were it. The prior is learned at the same time from the
codes as they are: p(e) is a recurrent net's, place by place, where the paper has a PixelCNN and
learns it afterwards. -log p(x|e) - log p(e) bounds -log p(x).

A latent is one standard normal number a place: it picks the code there, as the quantile that it is
of its own distribution is one of the code's.
"""

from typing import Literal

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
from gen_models.config import Positive, Rate, Size, Weight, hyperparameters
from gen_models.elbo import LIKELIHOODS
from gen_models.nets import vq_vae
from gen_models.nets.net import net
from gen_models.optim import average, descend


@hyperparameters
class Config:
    """Options of `vq_vae`: those of van den Oord et al. 2017, §4.1, but for smaller nets and book,
    and the step size that a short training wants."""

    latent_size: Size = 64
    """Dimensions of a code."""
    codes: Size = 128
    """How many codes the book has."""
    width: Size = 64
    """Channels next to the image; the layer beyond has twice as many, the prior's recurrent net
    four times as many units."""
    likelihood: Literal["bernoulli", "gaussian"] = "bernoulli"
    """p(x|e): Bernoulli on grey values, or a Gaussian of deviation 0.1."""
    commitment: Weight = 0.25
    """β, how much the encoder is drawn to the codes."""
    learning_rate: Positive = 1e-3
    """Adam's step size. The paper's 2e-4 is for 250,000 steps."""
    ema_decay: Rate | None = 0.999
    """Decay of the averaged weights, from which samples are drawn; None: no average.
    It is reached gradually: after t steps the decay is at most (1 + t) / (10 + t)."""
    compute_dtype: Literal["float32", "bfloat16"] = "float32"
    """Type of activations and products. Parameters stay float32."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`; its map of codes is a quarter of their sides."""
    dtype = jnp.dtype(config.compute_dtype)
    places = (spec.height // 4, spec.width // 4)
    encoder = net(vq_vae.Encoder(config.latent_size, config.width, dtype))
    decoder = net(vq_vae.Decoder(config.width, dtype))
    recurrent = vq_vae.Prior(config.codes, 4 * config.width)
    scorer, sampler = net(recurrent), net(recurrent, method="sample")
    likelihood = LIKELIHOODS[config.likelihood]
    optimiser = optax.adam(config.learning_rate)

    def init(key: Key) -> State:
        keys = jax.random.split(key, 4)
        # Small: among codes of different lengths the shortest would be nearest to everything.
        bound = 1 / config.codes
        images = jnp.zeros((2, spec.height, spec.width, 1))
        params = {
            "encoder": encoder.init(keys[0], images)[0],
            "decoder": decoder.init(keys[1], jnp.zeros((2, *places, config.latent_size)))[0],
            "book": jax.random.uniform(
                keys[2], (config.codes, config.latent_size), minval=-bound, maxval=bound
            ),
            "prior": scorer.init(keys[3], jnp.zeros((2, *places), jnp.int32))[0],
        }
        return State(
            step=jnp.zeros((), jnp.int32),
            params={"vae": params},
            stats={},
            opt={"vae": optimiser.init(params)},
            ema=params,
            extra=(),
        )

    def encode(params: PyTree, images: Array) -> Array:
        return encoder.apply(params["encoder"], {}, images, train=True)[0]

    def decode(params: PyTree, codes: Array) -> Array:
        return decoder.apply(params["decoder"], {}, codes, train=True)[0]

    def prior_log_prob(params: PyTree, codes: Array) -> Array:
        return scorer.apply(params["prior"], {}, codes, train=True)[0]

    def step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        del key  # nothing here is random

        def loss(params: PyTree) -> tuple[Array, Metrics]:
            z = encode(params, batch.images)
            codes = nearest_code(stop_gradient(z), params["book"])
            e = params["book"][codes]
            outputs = decode(params, z + stop_gradient(e - z))
            reconstruction = -jnp.mean(likelihood.log_prob((batch.images + 1) / 2, outputs))
            book, commitment = squared(stop_gradient(z) - e), squared(z - stop_gradient(e))
            prior = -jnp.mean(prior_log_prob(params, codes))
            total = reconstruction + book + config.commitment * commitment + prior
            metrics = {"loss": total, "reconstruction": reconstruction, "prior": prior}
            used = jnp.mean(jax.nn.one_hot(codes, config.codes), axis=(0, 1, 2))
            perplexity = jnp.exp(-jnp.sum(used * jnp.log(used + 1e-10)))
            return total, metrics | {"commitment": commitment, "perplexity": perplexity}

        grads, metrics = jax.grad(loss, has_aux=True)(state.params["vae"])
        params, opt = descend(optimiser, grads, state.opt["vae"], state.params["vae"])
        ema = average(state.ema, params, config.ema_decay, state.step)
        new = state._replace(step=state.step + 1, params={"vae": params}, opt={"vae": opt}, ema=ema)
        return new, metrics

    def prior(key: Key, count: int) -> Array:
        return jax.random.normal(key, (count, places[0] * places[1]))

    def to_images(state: State, codes: Array) -> Array:
        return 2 * likelihood.mean(decode(state.ema, state.ema["book"][codes])) - 1

    def generate(state: State, z: Array, labels: Array) -> Array:
        del labels
        uniform = jax.scipy.stats.norm.cdf(z)
        codes = sampler.apply(state.ema["prior"], {}, uniform, train=False)[0]
        return to_images(state, codes.reshape(-1, *places))

    def codes_of(state: State, images: Array) -> Array:
        return nearest_code(encode(state.ema, images), state.ema["book"])

    def reconstruct(state: State, images: Array, labels: Array) -> Array:
        del labels
        return to_images(state, codes_of(state, images))

    def importance(state: State, images: Array, labels: Array, key: Key) -> Importance:
        del labels, key  # the posterior is all on one value
        codes = codes_of(state, images)
        outputs = decode(state.ema, state.ema["book"][codes])
        return Importance(
            likelihood=likelihood.log_prob((images + 1) / 2, outputs),
            prior=prior_log_prob(state.ema, codes),
            posterior=jnp.zeros(images.shape[0]),
        )

    return Algorithm(
        init, step, prior, generate, reconstruct, importance, likelihood.name, codes=codes_of
    )


def nearest_code(z: Array, book: Array) -> Array:
    """Which of the codes f32[K,D] is nearest to each of z f32[N,h,w,D]: i32[N,h,w]."""
    distances = jnp.sum(book**2, axis=-1) - 2 * z @ book.T  # but for ‖z‖², the same for all
    return jnp.argmin(distances, axis=-1)


def squared(difference: Array) -> Array:
    """‖·‖² of each image's f32[N,h,w,D], averaged over the images."""
    return jnp.mean(jnp.sum(difference**2, axis=(1, 2, 3)))
