"""Distributions from which a VAE's latents are drawn: the standard normal that the VAE was trained
with, or a mixture fitted to the codes of its training images.

Among all priors the aggregate posterior, the mean of q(z|x) over the images, gives the highest ELBO
(Hoffman & Johnson 2016, §2; Tomczak & Welling 2018, §2). The encoder does not fill the standard
normal evenly, so that many draws from the standard normal are codes of no image; a mixture of
normals, fitted by expectation maximisation to codes drawn from q(z|x), avoids such draws.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from gen_models.algorithm import Array, Key, Labels, Latents, PyTree
from gen_models.losses import normal_log_prob

FIRST_VARIANCE = 0.25  # variance of the components before any code was seen
LEAST_VARIANCE = 1e-3
FORGETTING = 0.75  # α of the step sizes t^-α
FIRST_STEPS = 10  # added to t, so that the first batches do not empty most components
EMPTY, BEGUN = 0.1, 0.5  # of an equal share: components below EMPTY restart with BEGUN


class StandardNormal(NamedTuple):
    """N(0, I), the same for every label. Nothing is fitted."""

    latent_size: int  # Z

    def init(self, key: Key) -> dict:
        del key
        return {}

    def update(self, fitted: PyTree, z: Latents, labels: Labels, step: Array) -> PyTree:
        del z, labels, step
        return fitted

    def draw(self, fitted: PyTree, key: Key, labels: Labels) -> Latents:
        del fitted
        return jax.random.normal(key, (labels.shape[0], self.latent_size))

    def log_prob(self, fitted: PyTree, z: Latents, labels: Labels) -> Array:
        del fitted, labels
        return normal_log_prob(z, 0.0, 0.0)


class Mixture(NamedTuple):
    """Σ_k w_k N(m_k, diag v_k), whose weights depend on the label if the model is conditional.

    The mixture is fitted during training and does not affect it: each training step is followed by
    one step of online expectation maximisation on codes of the batch (Cappé & Moulines 2009, §2.2).
    A component to which hardly any code belongs restarts at one of the codes. The fitted state
    holds averages of sufficient statistics:

        counts   f32[C,K], by label and component; C = 1 without labels
        sums     f32[K,Z], of codes
        squares  f32[K,Z], of squared codes
    """

    latent_size: int  # Z
    components: int  # K
    classes: int  # C, number of labels, each with weights of its own; 1: one set for all labels

    def init(self, key: Key) -> dict:
        means = jax.random.normal(key, (self.components, self.latent_size))
        counts = jnp.full((self.classes, self.components), 1 / (self.classes * self.components))
        each = 1 / self.components
        return {
            "counts": counts,
            "sums": each * means,
            "squares": each * (means**2 + FIRST_VARIANCE),
        }

    def update(self, fitted: PyTree, z: Latents, labels: Labels, step: Array) -> PyTree:
        """The fitted state after one step on codes z f32[N,Z] of images with labels i32[N]."""
        # E step: responsibilities under the old parameters, and the batch's statistics.
        shares = jax.nn.softmax(self._joint(fitted, z, labels), axis=-1) / len(z)
        seen = {
            "counts": jax.nn.one_hot(self._own(labels), self.classes).T @ shares,
            "sums": shares.T @ z,
            "squares": shares.T @ z**2,
        }
        rate = (step + FIRST_STEPS) ** -FORGETTING
        moved = jax.tree.map(lambda old, new: old + rate * (new - old), fitted, seen)
        return self._refilled(moved, z[step % len(z)])

    def _refilled(self, fitted: PyTree, code: Array) -> PyTree:
        """The fitted state, with the emptiest component, if it is empty, restarted around a code
        f32[Z], with the components' mean variance and the same weight for every label."""
        counts, (_, _, log_variance) = fitted["counts"].sum(0), self._parameters(fitted)
        emptiest, share = jnp.argmin(counts), jnp.sum(counts) / self.components
        usual = counts @ jnp.exp(log_variance) / jnp.sum(counts)
        begun = BEGUN * share * jnp.array([code, code**2 + usual])
        anew = {
            "counts": fitted["counts"].at[:, emptiest].set(BEGUN * share / self.classes),
            "sums": fitted["sums"].at[emptiest].set(begun[0]),
            "squares": fitted["squares"].at[emptiest].set(begun[1]),
        }
        is_empty = counts[emptiest] < EMPTY * share
        return jax.tree.map(lambda new, old: jnp.where(is_empty, new, old), anew, fitted)

    def draw(self, fitted: PyTree, key: Key, labels: Labels) -> Latents:
        key_component, key_normal = jax.random.split(key)
        log_weights, mean, log_variance = self._parameters(fitted)
        component = jax.random.categorical(key_component, log_weights[self._own(labels)])
        noise = jax.random.normal(key_normal, (labels.shape[0], self.latent_size))
        return mean[component] + jnp.exp(0.5 * log_variance[component]) * noise

    def log_prob(self, fitted: PyTree, z: Latents, labels: Labels) -> Array:
        """log p(z|label) of z f32[…,B,Z] and labels i32[B]: f32[…,B], nats."""
        return jax.nn.logsumexp(self._joint(fitted, z, labels), axis=-1)

    def _joint(self, fitted: PyTree, z: Latents, labels: Labels) -> Array:
        """log w_k N(z; m_k, diag v_k), f32[…,B,K]."""
        log_weights, mean, log_variance = self._parameters(fitted)
        return log_weights[self._own(labels)] + normal_log_prob(z[..., None, :], mean, log_variance)

    def _parameters(self, fitted: PyTree) -> tuple[Array, Array, Array]:
        """The M step. Returns log-weights f32[C,K], means f32[K,Z] and log-variances f32[K,Z]."""
        counts = fitted["counts"] + jnp.finfo(jnp.float32).tiny
        mean, square = (fitted[name] / counts.sum(0)[:, None] for name in ("sums", "squares"))
        variance = jnp.maximum(square - mean**2, LEAST_VARIANCE)
        log_weights = jnp.log(counts) - jnp.log(counts.sum(1, keepdims=True))
        return log_weights, mean, jnp.log(variance)

    def _own(self, labels: Labels) -> Labels:
        """The row of the weights for each label."""
        return labels if self.classes > 1 else jnp.zeros_like(labels)
