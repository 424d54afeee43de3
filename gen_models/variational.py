"""The engine of every VAE: an encoder, a decoder and a likelihood make an Algorithm."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

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
    View,
)
from gen_models.elbo import Draws, Likelihood, Objective, normal_log_prob, reparameterise
from gen_models.nets.net import Net
from gen_models.optim import lone_player, lone_update


class Autoencoder(NamedTuple):
    """What one variational paper supplies.

    encoder      Net: images f32[B,H,W,1] in [-1,1], labels -> mean, log-variance f32[B,Z]
    decoder      Net: z f32[B,Z], labels i32[B] -> f32[B,H,W,1], what the likelihood takes
    likelihood   p(x|z), x in [0,1]
    objective    what is minimised
    draws        k, latents drawn of each image
    optimiser, ema_decay
    conditional  whether the nets look at the labels
    """

    encoder: Net
    decoder: Net
    latent_size: int
    likelihood: Likelihood
    objective: Objective
    optimiser: optax.GradientTransformation
    ema_decay: float | Array | None
    draws: int = 1
    conditional: bool = False


def variational(model: Autoencoder, spec: Spec) -> Algorithm:
    """Stochastic gradients of the objective through reparameterised draws (Kingma & Welling 2014,
    algorithm 1)."""

    def prior(key: Key, count: int) -> Array:
        return jax.random.normal(key, (count, model.latent_size))

    return Algorithm(
        init=partial(_init, model, spec),
        step=partial(_step, model),
        prior=prior,
        generate=partial(_generate, model),
        encode=lambda state, images, labels: _encode(model, state.ema, images, labels)[0],
        decode=partial(_generate, model),
        importance=partial(_importance, model),
        observation=model.likelihood.name,
        views=partial(_views, model),
        conditional=model.conditional,
    )


def _init(model: Autoencoder, spec: Spec, key: Key) -> State:
    key_encoder, key_decoder = jax.random.split(key)
    images, z = jnp.zeros((2, spec.height, spec.width, 1)), jnp.zeros((2, model.latent_size))
    labels = jnp.zeros(2, jnp.int32)
    encoder, encoder_stats = model.encoder.init(key_encoder, images, labels)
    decoder, decoder_stats = model.decoder.init(key_decoder, z, labels)
    params = {"encoder": encoder, "decoder": decoder}
    stats = {"encoder": encoder_stats, "decoder": decoder_stats}
    return lone_player(params, stats, model.optimiser)


def _step(model: Autoencoder, state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
    key_posterior = jax.random.fold_in(key, state.step)
    stats = state.stats["vae"]

    def loss(params: PyTree) -> tuple[Array, tuple[PyTree, Metrics]]:
        (mean, log_variance), encoder_stats = model.encoder.apply(
            params["encoder"], stats["encoder"], batch.images, batch.labels, train=True
        )
        z = reparameterise(key_posterior, mean, log_variance, model.draws)
        images, labels = (jnp.concatenate([x] * model.draws) for x in batch)
        outputs, decoder_stats = model.decoder.apply(
            params["decoder"], stats["decoder"], z.reshape(-1, z.shape[-1]), labels, train=True
        )
        likelihood = model.likelihood.log_prob((images + 1) / 2, outputs).reshape(z.shape[:2])
        value, metrics = model.objective(Draws(likelihood, z, mean, log_variance))
        return value, ({"encoder": encoder_stats, "decoder": decoder_stats}, metrics)

    return lone_update(loss, state, model.optimiser, model.ema_decay)


def _encode(model: Autoencoder, ema: PyTree, images: Array, labels: Array) -> tuple[Array, Array]:
    params, stats = (ema[part]["encoder"] for part in ("params", "stats"))
    return model.encoder.apply(params, stats, images, labels, train=False)[0]


def _decode(model: Autoencoder, ema: PyTree, z: Array, labels: Array) -> Array:
    params, stats = (ema[part]["decoder"] for part in ("params", "stats"))
    return model.decoder.apply(params, stats, z, labels, train=False)[0]


def _generate(model: Autoencoder, state: State, z: Array, labels: Array) -> Array:
    return 2 * model.likelihood.mean(_decode(model, state.ema, z, labels)) - 1


def _importance(
    model: Autoencoder, state: State, images: Array, labels: Array, key: Key
) -> Importance:
    mean, log_variance = _encode(model, state.ema, images, labels)
    (z,) = reparameterise(key, mean, log_variance, draws=1)
    outputs = _decode(model, state.ema, z, labels)
    return Importance(
        likelihood=model.likelihood.log_prob((images + 1) / 2, outputs),
        prior=normal_log_prob(z, 0.0, jnp.zeros_like(z)),
        posterior=normal_log_prob(z, mean, log_variance),
    )


PLANE = 15  # images along each side of a picture of a latent plane


def _views(model: Autoencoder, key: Key) -> dict[str, View]:
    """Of a latent of two dimensions, the plane: quantiles of the prior along both (Kingma & Welling
    2014, fig. 4)."""
    del key
    if model.latent_size != 2 or model.conditional:  # a plane a class would be many
        return {}
    quantiles = jax.scipy.stats.norm.ppf((jnp.arange(PLANE) + 0.5) / PLANE)
    z = jnp.stack(jnp.meshgrid(quantiles, quantiles), axis=-1).reshape(-1, 2)
    return {"plane": View(PLANE, PLANE, z, jnp.zeros(PLANE**2, jnp.int32))}
