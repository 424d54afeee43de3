"""Boundary equilibrium GAN (Berthelot et al. 2017): an auto-encoder as discriminator, and a weight
k that keeps the energies of generated and real images at a ratio γ.

    L_D = L(x) - k L(G(z)),  L_G = L(G(z)),  k ← k + λ (γ L(x) - L(G(z))), in [0, 1]    (§3.4)

L is the mean absolute difference of pixels. The metric `convergence` is L(x) + |γ L(x) - L(G(z))|
(§3.4.1): it falls as training succeeds. Differences from the paper: the generator is InfoGAN's, the
auto-encoder has DCGAN's layers, both with batch normalisation, which the paper has in neither; both
players see the same fake images; and k follows the energies before the discriminator's update. (An
auto-encoder without normalisation gives flat grey almost no energy from the start, which attracts
the generator.)
"""

import jax.numpy as jnp

from gen_models.algorithm import Algorithm, Array, Batch, Key, Metrics, Spec, State
from gen_models.engines.adversarial import adversarial
from gen_models.fields import Decay, Positive, Rate, Size, hyperparameters
from gen_models.losses import equilibrium
from gen_models.models import _gans
from gen_models.nets.energy import EnergyDiscriminator
from gen_models.nets.net import net


@hyperparameters
class Config(_gans.Config):
    """Options of `began`. Step size, β1, average, γ and λ were chosen on held-out images of
    Fashion-MNIST (docs/results.md), for training some hundred times shorter than the paper's: with
    the paper's values the generator collapses to a single shape before k has moved. `arch` applies
    to the generator only."""

    latent_size: Size = 64
    learning_rate: Positive = 1.6e-3
    """Step size of Adam. The paper has 1e-4, decaying."""
    disc_learning_rate: Positive | None = None
    beta1: Decay = 0.2
    ema_decay: Rate | None = 0.998
    code_size: Size = 64
    """Size of the code in the discriminator's auto-encoder."""
    gamma: Rate = 0.98
    """Diversity ratio γ: energy of generated images over energy of real images. The paper shows
    pictures for 0.3 to 0.7."""
    balance_rate: Rate = 0.0075
    """Step size λ of k. The paper has 0.001."""


def difference(images: Array) -> Array:
    """Mean absolute value of each image, f32[N,H,W,1] -> f32[N] (Berthelot et al. 2017, §3.1)."""
    return jnp.mean(jnp.abs(images), axis=(1, 2, 3))


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`; k is in the state's `extra`."""
    dtype = jnp.dtype(config.compute_dtype)
    disc = net(EnergyDiscriminator(difference, config.code_size, config.width, dtype))

    def with_weight(k: Array) -> Algorithm:
        return adversarial(_gans.game(config, spec, equilibrium(k), disc), spec)

    start = jnp.zeros(())
    algorithm = with_weight(start)

    def init(key: Key) -> State:
        return algorithm.init(key)._replace(extra=start)

    def step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        k = state.extra
        state, metrics = with_weight(k).step(state, batch, key)
        balance = config.gamma * metrics["real_score"] - metrics["fake_score"]
        convergence = metrics["real_score"] + jnp.abs(balance)
        new = jnp.clip(k + config.balance_rate * balance, 0, 1)
        return state._replace(extra=new), metrics | {"convergence": convergence, "k": new}

    return algorithm._replace(init=init, step=step)
