"""The engine of VAEs with a normal latent: encoder, decoder and likelihood become an Algorithm."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

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
    View,
)
from gen_models.engines import single
from gen_models.engines.priors import Mixture, StandardNormal
from gen_models.engines.statistics import standing_statistics
from gen_models.engines.updates import Averaging
from gen_models.losses import Draws, Likelihood, Objective, normal_log_prob, reparameterise
from gen_models.nets.net import Net

PLAYER = "vae"
PRIOR = 2  # number of the prior's key, after the nets' keys
PLANE = 15  # images along each side of the picture of a latent plane


class Autoencoder(NamedTuple):
    """The parts of a VAE that one paper defines.

    encoder      Net: Images, Labels -> mean, log-variance f32[B,Z]
    decoder      Net: Latents, Labels -> f32[B,H,W,1], the parameters of the likelihood
    latent_size  Z, dimensions of the latent
    prior        distribution from which latents are drawn; its fitted state is in `ema`
    likelihood   p(x|z), x in [0,1]
    objective    Draws -> the loss that is minimised, and metrics
    optimiser    optimiser of both nets
    averaging    averages of the weights
    draws        latents drawn per image in training, k
    conditional  whether the nets use the labels
    """

    encoder: Net
    decoder: Net
    latent_size: int
    prior: StandardNormal | Mixture
    likelihood: Likelihood
    objective: Objective
    optimiser: optax.GradientTransformation
    averaging: Averaging
    draws: int = 1
    conditional: bool = False


def variational(vae: Autoencoder, spec: Spec) -> Algorithm:
    """The Algorithm that minimises the objective by stochastic gradients through reparameterised
    draws (Kingma & Welling 2014, algorithm 1)."""
    return Algorithm(
        init=partial(_init, vae, spec),
        step=partial(_step, vae),
        prior=partial(_prior, vae),
        finalise=partial(_finalise, vae),
        generate=partial(_generate, vae),
        latent=LatentSpace(
            encode=partial(_encode_images, vae),
            decode=partial(_generate, vae),
        ),
        density=single.density(vae.likelihood, partial(_importance, vae)),
        views=partial(_views, vae),
        conditional=vae.conditional,
    )


def _init(vae: Autoencoder, spec: Spec, key: Key) -> State:
    key_encoder, key_decoder = jax.random.split(key)
    key_prior = jax.random.fold_in(key, PRIOR)
    images, z = jnp.zeros((2, spec.height, spec.width, 1)), jnp.zeros((2, vae.latent_size))
    labels = jnp.zeros(2, jnp.int32)
    encoder, encoder_stats = vae.encoder.init(key_encoder, images, labels)
    decoder, decoder_stats = vae.decoder.init(key_decoder, z, labels)
    params = {"encoder": encoder, "decoder": decoder}
    stats = {"encoder": encoder_stats, "decoder": decoder_stats}
    state = single.initial_state(PLAYER, params, stats, vae.optimiser, vae.averaging)
    prior = {"prior": vae.prior.init(key_prior)}
    averages = tuple(ema | prior for ema in state.averages)
    return state._replace(ema=state.ema | prior, averages=averages)


def _step(vae: Autoencoder, state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
    key_posterior = jax.random.fold_in(key, state.step)
    key_observed, key_prior = jax.random.split(single.key_beside(key, state.step))
    batch = batch._replace(images=vae.likelihood.observed(key_observed, batch.images))
    stats = state.stats[PLAYER]

    def loss(params: PyTree) -> tuple[Array, tuple[PyTree, Metrics]]:
        (mean, log_variance), encoder_stats = vae.encoder.apply(
            params["encoder"], stats["encoder"], batch.images, batch.labels, train=True
        )
        z = reparameterise(key_posterior, mean, log_variance, vae.draws)
        images, labels = (jnp.concatenate([x] * vae.draws) for x in batch)
        outputs, decoder_stats = vae.decoder.apply(
            params["decoder"], stats["decoder"], z.reshape(-1, z.shape[-1]), labels, train=True
        )
        likelihood = vae.likelihood.log_prob((images + 1) / 2, outputs).reshape(z.shape[:2])
        value, metrics = vae.objective(Draws(likelihood, z, mean, log_variance))
        return value, ({"encoder": encoder_stats, "decoder": decoder_stats}, metrics)

    new, metrics = single.update(PLAYER, loss, state, vae.optimiser, vae.averaging)

    def fitted(ema: PyTree) -> PyTree:
        """The average, with its prior updated on codes of the average's own encoder."""
        (z,) = reparameterise(key_prior, *_encode(vae, ema, *batch), draws=1)
        return ema | {"prior": vae.prior.update(ema["prior"], z, batch.labels, state.step)}

    return new._replace(ema=fitted(new.ema), averages=tuple(map(fitted, new.averages))), metrics


def _prior(vae: Autoencoder, state: State, key: Key, labels: Labels) -> Latents:
    return vae.prior.draw(state.ema["prior"], key, labels)


def _finalise(vae: Autoencoder, state: State, labels: Labels, key: Key) -> State:
    """Recompute the decoder's batch statistics on standard normal latents, even with a fitted
    prior, whose latents gave a higher FID (docs/history.md). Reconstructions and likelihoods use
    the same decoder. The encoder's statistics stay averages: recomputing them would need images."""
    params, stats = state.ema["params"]["decoder"], state.ema["stats"]

    def forward(stats: PyTree, key: Key) -> PyTree:
        z = jax.random.normal(key, (labels.shape[0], vae.latent_size))
        return vae.decoder.apply(params, stats, z, labels, train=True)[1]

    standing = stats | {"decoder": standing_statistics(forward, stats["decoder"], key)}
    return state._replace(ema=state.ema | {"stats": standing})


def _encode_images(vae: Autoencoder, state: State, images: Images, labels: Labels) -> Latents:
    """The posterior means of images."""
    return _encode(vae, state.ema, vae.likelihood.likeliest(images), labels)[0]


def _encode(vae: Autoencoder, ema: PyTree, images: Images, labels: Labels) -> tuple[Array, Array]:
    params, stats = (ema[part]["encoder"] for part in ("params", "stats"))
    return vae.encoder.apply(params, stats, images, labels, train=False)[0]


def _decode(vae: Autoencoder, ema: PyTree, z: Latents, labels: Labels) -> Array:
    params, stats = (ema[part]["decoder"] for part in ("params", "stats"))
    return vae.decoder.apply(params, stats, z, labels, train=False)[0]


def _generate(vae: Autoencoder, state: State, z: Latents, labels: Labels) -> Images:
    return 2 * vae.likelihood.mean(_decode(vae, state.ema, z, labels)) - 1


def _importance(
    vae: Autoencoder, state: State, images: Images, labels: Labels, key: Key
) -> Importance:
    mean, log_variance = _encode(vae, state.ema, images, labels)
    (z,) = reparameterise(key, mean, log_variance, draws=1)
    outputs = _decode(vae, state.ema, z, labels)
    return Importance(
        likelihood=vae.likelihood.log_prob((images + 1) / 2, outputs),
        prior=vae.prior.log_prob(state.ema["prior"], z, labels),
        posterior=normal_log_prob(z, mean, log_variance),
    )


def _views(vae: Autoencoder, key: Key) -> dict[str, View]:
    """The plane of a two-dimensional latent, at quantiles of the standard normal along both axes
    (Kingma & Welling 2014, fig. 4); {} for other latents."""
    del key
    if vae.latent_size != 2 or vae.conditional:  # one plane per class would be too many
        return {}
    quantiles = jax.scipy.stats.norm.ppf((jnp.arange(PLANE) + 0.5) / PLANE)
    z = jnp.stack(jnp.meshgrid(quantiles, quantiles), axis=-1).reshape(-1, 2)
    return {"plane": View(PLANE, PLANE, z, jnp.zeros(PLANE**2, jnp.int32))}
