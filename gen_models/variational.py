"""The engine of every VAE: an encoder, a decoder and a likelihood make an Algorithm."""

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
)
from gen_models.elbo import (
    Likelihood,
    kl_to_standard_normal,
    normal_log_prob,
    reparameterise,
)
from gen_models.nets.net import Net
from gen_models.optim import average, descend


class Autoencoder(NamedTuple):
    """What one variational paper supplies.

    encoder     Net: images f32[B,H,W,1] in [-1,1] -> mean, log-variance f32[B,Z]
    decoder     Net: z f32[B,Z] -> f32[B,H,W,1], what the likelihood takes
    likelihood  p(x|z), x in [0,1]
    beta        weight of the KL term (Higgins et al. 2017, eq. 4); 1 is the ELBO
    """

    encoder: Net
    decoder: Net
    latent_size: int
    likelihood: Likelihood
    beta: float | Array
    optimiser: optax.GradientTransformation
    ema_decay: float | Array | None


def variational(model: Autoencoder, spec: Spec) -> Algorithm:
    """Maximise log p(x|z) - β KL(q(z|x) ‖ p(z)), one z an image (Kingma & Welling 2014, eq. 10)."""

    def encode(params: PyTree, images: Array) -> tuple[Array, Array]:
        return model.encoder.apply(params["encoder"], {}, images, train=True)[0]

    def decode(params: PyTree, z: Array) -> Array:
        return model.decoder.apply(params["decoder"], {}, z, train=True)[0]

    def to_images(outputs: Array) -> Array:
        return 2 * model.likelihood.mean(outputs) - 1

    def init(key: Key) -> State:
        key_encoder, key_decoder = jax.random.split(key)
        images, z = jnp.zeros((2, spec.height, spec.width, 1)), jnp.zeros((2, model.latent_size))
        params = {
            "encoder": model.encoder.init(key_encoder, images)[0],
            "decoder": model.decoder.init(key_decoder, z)[0],
        }
        return State(
            step=jnp.zeros((), jnp.int32),
            params={"vae": params},
            stats={},
            opt={"vae": model.optimiser.init(params)},
            ema=params,
            extra=(),
        )

    def step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        key_posterior = jax.random.fold_in(key, state.step)

        def loss(params: PyTree) -> tuple[Array, Metrics]:
            mean, log_variance = encode(params, batch.images)
            outputs = decode(params, reparameterise(key_posterior, mean, log_variance))
            x = (batch.images + 1) / 2
            reconstruction = -jnp.mean(model.likelihood.log_prob(x, outputs))
            kl = jnp.mean(kl_to_standard_normal(mean, log_variance))
            total = reconstruction + model.beta * kl
            return total, {"loss": total, "reconstruction": reconstruction, "kl": kl}

        grads, metrics = jax.grad(loss, has_aux=True)(state.params["vae"])
        params, opt = descend(model.optimiser, grads, state.opt["vae"], state.params["vae"])
        new = state._replace(
            step=state.step + 1,
            params={"vae": params},
            opt={"vae": opt},
            ema=average(state.ema, params, model.ema_decay, state.step),
        )
        return new, metrics

    def prior(key: Key, count: int) -> Array:
        return jax.random.normal(key, (count, model.latent_size))

    def generate(state: State, z: Array, labels: Array) -> Array:
        del labels
        return to_images(decode(state.ema, z))

    def reconstruct(state: State, images: Array) -> Array:
        mean, _ = encode(state.ema, images)
        return to_images(decode(state.ema, mean))

    def importance(state: State, images: Array, key: Key) -> Importance:
        mean, log_variance = encode(state.ema, images)
        z = reparameterise(key, mean, log_variance)
        return Importance(
            likelihood=model.likelihood.log_prob((images + 1) / 2, decode(state.ema, z)),
            prior=normal_log_prob(z, 0.0, jnp.zeros_like(z)),
            posterior=normal_log_prob(z, mean, log_variance),
        )

    return Algorithm(init, step, prior, generate, reconstruct, importance, model.likelihood.name)
