"""The engine of VAEs with a hierarchy of normal latents.

A level's latent is z_l = μ + σ ε_l, with the mean μ(z_<l) and deviation σ(z_<l) of its prior. Here
"the latent" is the concatenated noise ε of all levels: given the levels above, ε_l and z_l
determine each other, so that KL divergences and bounds on log p(x) are the same for both. The prior
of ε is standard normal; the posterior N(Δμ, Δσ²) of ε_l is the posterior N(μ + σ Δμ, (σ Δσ)²) of
z_l relative to the prior of z_l (Vahdat & Kautz 2020, §3.2; there Δμ is not in units of σ), and

    KL(q(z|x) ‖ p(z)) = Σ_l E KL(N(Δμ_l, Δσ_l²) ‖ N(0, I))

where the expectation is over the levels above.
"""

from collections.abc import Callable
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
)
from gen_models.engines import single
from gen_models.engines.updates import Averaging
from gen_models.losses import Draws, Likelihood, Objective, kl_to_standard_normal, normal_log_prob
from gen_models.nets.net import Inference, Net

PLAYER = "vae"


class Hierarchy(NamedTuple):
    """The parts of a hierarchical VAE that one paper defines.

    inference   Net: Images, noise f32[B,Z] -> Inference
    generator   Net that shares the parameters of `inference`: Latents -> f32[B,H,W,1], the
                parameters of the likelihood
    sizes       dimensions of each level's latent, the top one first; their sum is Z
    likelihood  p(x|z), x in [0,1]
    objective   step i32[] -> Objective of that step: Draws -> the loss that is minimised, and
                metrics
    optimiser   optimiser of the nets
    averaging   averages of the weights
    """

    inference: Net
    generator: Net
    sizes: tuple[int, ...]
    likelihood: Likelihood
    objective: Callable[[Array], Objective]
    optimiser: optax.GradientTransformation
    averaging: Averaging


def hierarchical(vae: Hierarchy, spec: Spec) -> Algorithm:
    """The Algorithm that minimises the objective by stochastic gradients through reparameterised
    draws, from the top level down. Images are encoded as posterior means, each given the means of
    the levels above."""
    return Algorithm(
        init=partial(_init, vae, spec),
        step=partial(_step, vae),
        prior=partial(_prior, vae),
        generate=partial(_generate, vae),
        latent=LatentSpace(encode=partial(_encode, vae), decode=partial(_generate, vae)),
        density=single.density(vae.likelihood, partial(_importance, vae)),
    )


def _init(vae: Hierarchy, spec: Spec, key: Key) -> State:
    images, noise = jnp.zeros((2, spec.height, spec.width, 1)), jnp.zeros((2, sum(vae.sizes)))
    params, stats = vae.inference.init(key, images, noise)
    return single.initial_state(PLAYER, params, stats, vae.optimiser, vae.averaging)


def _step(vae: Hierarchy, state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
    noise = _noise(vae, jax.random.fold_in(key, state.step), len(batch.images))
    images = vae.likelihood.observed(single.key_beside(key, state.step), batch.images)
    objective = vae.objective(state.step)

    def loss(params: PyTree) -> tuple[Array, tuple[PyTree, Metrics]]:
        (z, mean, log_variance, outputs), stats = vae.inference.apply(
            params, state.stats[PLAYER], images, noise, train=True
        )
        likelihood = vae.likelihood.log_prob((images + 1) / 2, outputs)
        value, metrics = objective(Draws(likelihood[None], z[None], mean, log_variance))
        return value, (stats, metrics | _kl_by_level(vae, mean, log_variance))

    return single.update(PLAYER, loss, state, vae.optimiser, vae.averaging)


def _kl_by_level(vae: Hierarchy, mean: Array, log_variance: Array) -> Metrics:
    """Mean KL divergence of each level, nats; `kl_1` is that of the top level."""
    each = jnp.mean(kl_to_standard_normal(mean, log_variance), axis=0)
    ends = [sum(vae.sizes[: level + 1]) for level in range(len(vae.sizes) - 1)]
    parts = jnp.split(each, ends)
    return {f"kl_{level}": jnp.sum(part) for level, part in enumerate(parts, 1)}


def _noise(vae: Hierarchy, key: Key, count: int) -> Latents:
    return jax.random.normal(key, (count, sum(vae.sizes)))


def _prior(vae: Hierarchy, state: State, key: Key, labels: Labels) -> Latents:
    del state  # the levels' priors are part of the decoder
    return _noise(vae, key, labels.shape[0])


def _infer(vae: Hierarchy, state: State, images: Images, noise: Latents) -> Inference:
    params, stats = state.ema["params"], state.ema["stats"]
    return vae.inference.apply(params, stats, images, noise, train=False)[0]


def _encode(vae: Hierarchy, state: State, images: Images, labels: Labels) -> Latents:
    del labels
    means = jnp.zeros((len(images), sum(vae.sizes)))  # noise that is zero
    return _infer(vae, state, vae.likelihood.likeliest(images), means).z


def _generate(vae: Hierarchy, state: State, z: Latents, labels: Labels) -> Images:
    del labels
    params, stats = state.ema["params"], state.ema["stats"]
    outputs = vae.generator.apply(params, stats, z, train=False)[0]
    return 2 * vae.likelihood.mean(outputs) - 1


def _importance(
    vae: Hierarchy, state: State, images: Images, labels: Labels, key: Key
) -> Importance:
    del labels
    z, mean, log_variance, outputs = _infer(vae, state, images, _noise(vae, key, len(images)))
    return Importance(
        likelihood=vae.likelihood.log_prob((images + 1) / 2, outputs),
        prior=normal_log_prob(z, 0.0, 0.0),
        posterior=normal_log_prob(z, mean, log_variance),
    )
