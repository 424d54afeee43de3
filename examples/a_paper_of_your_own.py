"""A paper of your own, before it moves into the package: boundary-seeking GAN (Hjelm et al. 2018).

    python examples/a_paper_of_your_own.py

trains it for 500 steps on Fashion-MNIST and writes bgan.png, in about a minute on a laptop's CPU.
docs/a_paper_of_your_own.md then makes it a model that every command knows.
"""

from contextlib import closing

import jax
import jax.numpy as jnp
import numpy as np
from jax.nn import softplus

import gen_models as gm
from gen_models import programs
from gen_models.algorithm import Algorithm, Array, Spec
from gen_models.data import catalog
from gen_models.data.catalog import Dataset
from gen_models.data.pixels import to_bytes
from gen_models.data.stream import chunk_steps, stream
from gen_models.engines.adversarial import adversarial
from gen_models.fields import hyperparameters
from gen_models.model import Model
from gen_models.models import _gans

BATCH_SIZE = 64


def boundary_seeking(real: Array, fake: Array) -> tuple[Array, Array]:
    """BGAN (Hjelm et al. 2018): -log D(x) - log(1 - D(G(z))); ½(log D - log(1 - D))² at G(z)."""
    disc = jnp.mean(softplus(-real)) + jnp.mean(softplus(fake))
    return disc, jnp.mean(fake**2) / 2  # the difference of the logarithms is the logit


@hyperparameters
class Config(_gans.Config):
    """Options of `bgan`."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`."""
    disc = _gans.discriminator(config)
    return adversarial(_gans.game(config, spec, boundary_seeking, disc), spec)


def train(dataset: Dataset, config: Config, steps: int) -> np.ndarray:
    """Train for some steps. Returns a hundred samples, u8[100,H,W]."""
    key_init, key_train, key_sample = jax.random.split(jax.random.key(0), 3)
    model = Model(build, dataset.spec, config)
    state, length = programs.start(model, key_init), chunk_steps(dataset, BATCH_SIZE)
    with closing(stream(dataset, seed=0, batch_size=BATCH_SIZE)) as chunks:
        for done, chunk in zip(range(0, steps, length), chunks, strict=False):
            count = min(length, steps - done)
            state, metrics = programs.advance(model, state, chunk, count, key_train)
            print(f"step {done + count}: gen_loss {metrics['gen_loss'][count - 1]:.3f}")
    labels = np.zeros(100, np.int32)  # an unconditional model ignores them
    return to_bytes(programs.sample(model, state, key_sample, labels))


if __name__ == "__main__":
    gm.grid(train(catalog.load("fashion_mnist"), Config(), steps=500)).save("bgan.png")
