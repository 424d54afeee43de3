"""Deep embedded clustering (Xie, Girshick & Farhadi 2016).

An auto-encoder is trained to reconstruct images; then its encoder and K centres are trained to
sharpen their own soft assignment of images to centres. The result depends on how the auto-encoder
is trained (docs/clusters.md): here as a whole and by SGD, as in the program of Guo et al.
(DEC-keras), not layer by layer as in the paper (§3.3).
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from gen_models.algorithm import Array, Key, PyTree
from gen_models.nets.autoencoder import Decoder, Encoder
from gen_models.nets.net import Net, net
from gen_models.render import StageReporter

ENCODED = 5000  # images that are encoded at a time
RESTORING = optax.sgd(1.0, momentum=0.9)  # for the auto-encoder, whose loss is a mean over pixels
SHARPENING = optax.sgd(0.01, momentum=0.9)


@dataclass(frozen=True)
class Config:
    """Options of DEC.

    Layers, embedding, batches and tolerance are the paper's. Initial weights, step sizes, steps
    between targets and the limit of steps are those of DEC-keras, whose auto-encoder has 300
    epochs.
    """

    epochs: int = 100  # epochs of the auto-encoder
    hidden: tuple[int, ...] = (500, 500, 2000)  # units of the encoder's layers before the last
    size: int = 10  # Z, dimensions of the embedding
    batch: int = 256  # images per step
    update_steps: int = 140  # steps between computations of the target
    most_steps: int = 20_000  # largest number of steps
    tolerance: float = 0.001  # training ends when a smaller share of images changes cluster

    @property
    def encoder(self) -> Net:
        return net(Encoder(self.hidden, self.size))

    def decoder(self, size: int) -> Net:
        return net(Decoder(self.hidden, size))


class AutoencoderParams(NamedTuple):
    """Parameters of an auto-encoder."""

    encoder: PyTree
    decoder: PyTree


class DecKeys(NamedTuple):
    """Random keys derived from a seed."""

    encoder: Key  # of the encoder's initial weights
    decoder: Key  # of the decoder's initial weights
    restoring: Key  # of training the auto-encoder
    clusters: Key  # of the second phase

    @classmethod
    def of(cls, seed: int) -> "DecKeys":
        return cls(*jax.random.split(jax.random.key(seed), len(cls._fields)))


class ClustererParams(NamedTuple):
    """Parameters that the second phase of DEC trains."""

    encoder: PyTree
    centres: Array  # f32[K,Z]


def assignment(z: Array, centres: Array) -> Array:
    """Soft assignment q f32[N,K] of embeddings f32[N,Z] to centres f32[K,Z]: Student's t with one
    degree of freedom (eq. 1)."""
    q = 1 / (1 + jnp.sum((z[:, None] - centres) ** 2, axis=-1))
    return q / jnp.sum(q, axis=1, keepdims=True)


def target(q: Array) -> Array:
    """Target p f32[N,K] of an assignment q f32[N,K]: q sharpened, with large clusters weighted less
    (eq. 3)."""
    weight = q**2 / jnp.sum(q, axis=0)
    return weight / jnp.sum(weight, axis=1, keepdims=True)


def divergence(p: Array, q: Array) -> Array:
    """KL(P ‖ Q) in nats (eq. 2), as a mean over images: f32[]."""
    return jnp.mean(jnp.sum(p * (jnp.log(p) - jnp.log(q)), axis=1))


def pretrain(
    config: Config, images: np.ndarray, seed: int, report: StageReporter
) -> AutoencoderParams:
    """Train the auto-encoder of images u8[N,D] as a whole, by SGD on the mean squared error of
    their levels in [0,1]. Equal seeds give equal auto-encoders."""
    size = images.shape[1]
    keys = DecKeys.of(seed)
    encoder, _ = config.encoder.init(keys.encoder, jnp.zeros((1, size)))
    decoder, _ = config.decoder(size).init(keys.decoder, jnp.zeros((1, config.size)))
    data, steps = jnp.asarray(images), -(-len(images) // config.batch)
    params = AutoencoderParams(encoder, decoder)
    carry = (params, RESTORING.init(params))
    for epoch in range(config.epochs):
        key = jax.random.fold_in(keys.restoring, epoch)
        carry = jax.block_until_ready(_reconstruct(config, carry, data, key, steps))
        report("auto-encoder", (epoch + 1) / config.epochs)
    return carry[0]


@partial(jax.jit, static_argnums=0, donate_argnums=1)
def _reconstruct(config: Config, carry: tuple, images: Array, key: Key, steps: Array) -> tuple:
    """Train the auto-encoder for `steps` steps, each on images drawn at random."""

    def loss(params: AutoencoderParams, x: Array) -> Array:
        z = _apply(config.encoder, params.encoder, x)
        return jnp.mean((x - _apply(config.decoder(x.shape[1]), params.decoder, z)) ** 2)

    def step(index: Array, carry: tuple) -> tuple:
        params, opt = carry
        batch = _draw_batch(config, key, index, images)
        grads = jax.grad(loss)(params, _levels(images[batch]))
        updates, opt = RESTORING.update(grads, opt)
        return optax.apply_updates(params, updates), opt

    return lax.fori_loop(0, steps, step, carry)


def refine(
    config: Config,
    images: np.ndarray,
    encoder: PyTree,
    centres: np.ndarray,
    seed: int,
    report: StageReporter,
) -> tuple[np.ndarray, ClustererParams]:
    """Train the encoder and the centres f32[K,Z] on images u8[N,D], until hardly any image changes
    its cluster from one target to the next. Returns the soft assignment f32[N,K] of the images and
    the trained parameters."""
    params = ClustererParams(jax.tree.map(jnp.array, encoder), jnp.asarray(centres))
    carry, data = (params, SHARPENING.init(params)), jnp.asarray(images)
    key = DecKeys.of(seed).clusters
    before, most = None, config.most_steps // config.update_steps
    for update in range(most + 1):
        q = assign(config, carry[0], data)
        clusters = np.asarray(jnp.argmax(q, axis=1))
        settled = before is not None and np.mean(clusters != before) < config.tolerance
        if settled or update == most:
            break
        before = clusters
        report("DEC", update / most)
        carry = _sharpen(config, carry, data, target(q), jax.random.fold_in(key, update))
    return np.asarray(q), carry[0]


@partial(jax.jit, static_argnums=0, donate_argnums=1)
def _sharpen(config: Config, carry: tuple, images: Array, p: Array, key: Key) -> tuple:
    """Train for `update_steps` steps towards the target p f32[N,K]."""

    def loss(params: ClustererParams, x: Array, p: Array) -> Array:
        z = _apply(config.encoder, params.encoder, x)
        return divergence(p, assignment(z, params.centres))

    def step(index: Array, carry: tuple) -> tuple:
        params, opt = carry
        batch = _draw_batch(config, key, index, images)
        grads = jax.grad(loss)(params, _levels(images[batch]), p[batch])
        updates, opt = SHARPENING.update(grads, opt)
        return optax.apply_updates(params, updates), opt

    return lax.fori_loop(0, config.update_steps, step, carry)


@partial(jax.jit, static_argnums=0)
def assign(config: Config, params: ClustererParams, images: Array) -> Array:
    """The soft assignment f32[N,K] of images u8[N,D]."""
    return assignment(embeddings(config, params.encoder, images), params.centres)


@partial(jax.jit, static_argnums=0)
def embeddings(config: Config, encoder: PyTree, images: Array) -> Array:
    """Embeddings f32[N,Z] of images u8[N,D], a few thousand at a time."""

    def embed(image: Array) -> Array:
        return _apply(config.encoder, encoder, _levels(image)[None])[0]

    return lax.map(embed, images, batch_size=min(ENCODED, len(images)))


def _apply(part: Net, params: PyTree, x: Array) -> Array:
    return part.apply(params, {}, x, train=False)[0]


def _draw_batch(config: Config, key: Key, index: Array, images: Array) -> Array:
    """Indices i32[batch] of a step's images, drawn at random."""
    return jax.random.randint(jax.random.fold_in(key, index), (config.batch,), 0, len(images))


def _levels(images: Array) -> Array:
    """Bytes as levels f32[…] in [0,1]."""
    return images.astype(jnp.float32) / 255
