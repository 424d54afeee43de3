"""Deep embedded clustering (Xie, Girshick & Farhadi 2016).

An auto-encoder is trained to reconstruct, layer by layer with dropout and then as a whole (§3.3);
then its encoder and K centres are trained to make their own soft assignment of images to centres
sharper. The layers' own training matters, and so do the epochs (docs/clusters.md).
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
from gen_models.nets.autoencoder import Decoder, Encoder, Layer, Pair, dense, of_pairs, pairs
from gen_models.nets.net import Net, net
from gen_models.render import Report

ENCODED = 5000  # images that are encoded at a time
ADAM = optax.adam(1e-3)
SGD = optax.sgd(0.01, momentum=0.9)


@dataclass(frozen=True)
class Config:
    """Options of DEC.

    Layers, embedding, batches, dropout and tolerance are the paper's. Adam instead of SGD for the
    auto-encoder, and steps between targets and their limit, are of the program of Guo et al.
    (DEC-keras). The epochs are fewer, 366 in the paper, and images are in [0,1], not scaled to a
    mean square of 1 as there.
    """

    epochs: int = 20  # epochs of the auto-encoder as a whole, and half as many of each layer
    dropout: float = 0.2  # share of what enters a layer that is zero while that is trained alone
    hidden: tuple[int, ...] = (500, 500, 2000)  # units of the encoder's layers before the last
    size: int = 10  # Z, dimensions of the embedding
    batch: int = 256  # images of a step
    update_steps: int = 140  # steps from one computation of the target to the next
    most_steps: int = 20_000  # steps after which training ends in any case
    tolerance: float = 0.001  # it ends when a smaller share of images changes its cluster

    @property
    def encoder(self) -> Net:
        return net(Encoder(self.hidden, self.size))

    def decoder(self, size: int) -> Net:
        return net(Decoder(self.hidden, size))


class Autoencoder(NamedTuple):
    """Parameters of both halves."""

    encoder: PyTree
    decoder: PyTree


class Keys(NamedTuple):
    """The keys of a seed."""

    encoder: Key  # of the first weights
    decoder: Key  # of the first weights
    layers: Key  # of their training, one by one
    whole: Key  # of the auto-encoder's training
    clusters: Key  # of the second phase

    @classmethod
    def of(cls, seed: int) -> "Keys":
        return cls(*jax.random.split(jax.random.key(seed), len(cls._fields)))


class Clusterer(NamedTuple):
    """Parameters that the second phase trains."""

    encoder: PyTree
    centres: Array  # f32[K,Z]


def assignment(z: Array, centres: Array) -> Array:
    """Soft assignment q f32[N,K] of embeddings f32[N,Z] to centres f32[K,Z]: Student's t with one
    degree of freedom (eq. 1)."""
    q = 1 / (1 + jnp.sum((z[:, None] - centres) ** 2, axis=-1))
    return q / jnp.sum(q, axis=1, keepdims=True)


def target(q: Array) -> Array:
    """The target p f32[N,K] of an assignment q f32[N,K]: sharper, and less of large clusters
    (eq. 3)."""
    weight = q**2 / jnp.sum(q, axis=0)
    return weight / jnp.sum(weight, axis=1, keepdims=True)


def divergence(p: Array, q: Array) -> Array:
    """KL(P ‖ Q) in nats (eq. 2), as a mean over images: f32[]."""
    return jnp.mean(jnp.sum(p * (jnp.log(p) - jnp.log(q)), axis=1))


def pretrained(config: Config, images: np.ndarray, seed: int, report: Report) -> Autoencoder:
    """The auto-encoder of images u8[N,D], trained by Adam on the mean squared error of their levels
    in [0,1], layer by layer and then as a whole. Equal seeds give equal auto-encoders."""
    size = images.shape[1]
    keys = Keys.of(seed)
    encoder, _ = config.encoder.init(keys.encoder, jnp.zeros((1, size)))
    decoder, _ = config.decoder(size).init(keys.decoder, jnp.zeros((1, config.size)))
    data, steps = jnp.asarray(images), -(-len(images) // config.batch)
    layers = pairs(encoder, decoder)
    for index, key_layer in enumerate(jax.random.split(keys.layers, len(layers))):
        carry = (layers[index], ADAM.init(layers[index]))
        before = [layer for layer, _ in layers[:index]]
        place = Place(is_first=index == 0, is_last=index == len(layers) - 1)
        epochs = -(-config.epochs // 2)
        for epoch in range(epochs):
            key = jax.random.fold_in(key_layer, epoch)
            carry = jax.block_until_ready(_denoise(config, place, carry, before, data, key, steps))
            report("layers of the auto-encoder", (index + (epoch + 1) / epochs) / len(layers))
        layers[index] = carry[0]
    params = Autoencoder(*of_pairs(layers))
    carry = (params, ADAM.init(params))
    for epoch in range(config.epochs):
        key = jax.random.fold_in(keys.whole, epoch)
        carry = jax.block_until_ready(_reconstruct(config, carry, data, key, steps))
        report("auto-encoder", (epoch + 1) / config.epochs)
    return carry[0]


class Place(NamedTuple):
    """Where a layer is in the encoder, which decides where it has ReLUs."""

    is_first: bool
    is_last: bool


@partial(jax.jit, static_argnums=(0, 1), donate_argnums=2)
def _denoise(
    config: Config,
    place: Place,
    carry: tuple,
    before: list[Layer],
    images: Array,
    key: Key,
    steps: Array,
) -> tuple:
    """So many steps of a layer and of the one that undoes it, alone: they learn to restore what the
    layers before give from a part of it (§3.3, eq. 7 to 10)."""

    def loss(pair: Pair, x: Array, key: Key) -> Array:
        key_in, key_hidden = jax.random.split(key)
        h = dense(pair[0], _dropped(config, key_in, x))
        h = h if place.is_last else _dropped(config, key_hidden, jax.nn.relu(h))
        y = dense(pair[1], h)
        return jnp.mean((x - (y if place.is_first else jax.nn.relu(y))) ** 2)

    def step(index: Array, carry: tuple) -> tuple:
        pair, opt = carry
        key_images, key_dropout = jax.random.split(jax.random.fold_in(key, index))
        drawn = jax.random.randint(key_images, (config.batch,), 0, len(images))
        x = _levels(images[drawn])
        for layer in before:
            x = jax.nn.relu(dense(layer, x))
        grads = jax.grad(loss)(pair, x, key_dropout)
        updates, opt = ADAM.update(grads, opt)
        return optax.apply_updates(pair, updates), opt

    return lax.fori_loop(0, steps, step, carry)


def _dropped(config: Config, key: Key, x: Array) -> Array:
    """x with a share of its numbers zero and the others larger, so that its mean stays."""
    kept = 1 - config.dropout
    return jnp.where(jax.random.bernoulli(key, kept, x.shape), x / kept, 0.0)


@partial(jax.jit, static_argnums=0, donate_argnums=1)
def _reconstruct(config: Config, carry: tuple, images: Array, key: Key, steps: Array) -> tuple:
    """So many steps of the auto-encoder, each on images drawn at random."""

    def loss(params: Autoencoder, x: Array) -> Array:
        z = _apply(config.encoder, params.encoder, x)
        return jnp.mean((x - _apply(config.decoder(x.shape[1]), params.decoder, z)) ** 2)

    def step(index: Array, carry: tuple) -> tuple:
        params, opt = carry
        grads = jax.grad(loss)(params, _levels(images[_drawn(config, key, index, images)]))
        updates, opt = ADAM.update(grads, opt)
        return optax.apply_updates(params, updates), opt

    return lax.fori_loop(0, steps, step, carry)


def refined(
    config: Config,
    images: np.ndarray,
    encoder: PyTree,
    centres: np.ndarray,
    seed: int,
    report: Report,
) -> tuple[np.ndarray, Clusterer]:
    """The soft assignment f32[N,K] of images u8[N,D] after training the encoder and the centres
    f32[K,Z], and these. It ends when hardly an image changes its cluster from one target to the
    next."""
    params = Clusterer(jax.tree.map(jnp.array, encoder), jnp.asarray(centres))
    carry, data, key = (params, SGD.init(params)), jnp.asarray(images), Keys.of(seed).clusters
    before, most = None, config.most_steps // config.update_steps
    for update in range(most + 1):
        q = assigned(config, carry[0], data)
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
    """`update_steps` steps towards the target p f32[N,K]."""

    def loss(params: Clusterer, x: Array, p: Array) -> Array:
        z = _apply(config.encoder, params.encoder, x)
        return divergence(p, assignment(z, params.centres))

    def step(index: Array, carry: tuple) -> tuple:
        params, opt = carry
        chosen = _drawn(config, key, index, images)
        grads = jax.grad(loss)(params, _levels(images[chosen]), p[chosen])
        updates, opt = SGD.update(grads, opt)
        return optax.apply_updates(params, updates), opt

    return lax.fori_loop(0, config.update_steps, step, carry)


@partial(jax.jit, static_argnums=0)
def assigned(config: Config, params: Clusterer, images: Array) -> Array:
    """The soft assignment f32[N,K] of images u8[N,D]."""
    return assignment(embeddings(config, params.encoder, images), params.centres)


@partial(jax.jit, static_argnums=0)
def embeddings(config: Config, encoder: PyTree, images: Array) -> Array:
    """Embeddings f32[N,Z] of images u8[N,D], a few thousand at a time."""

    def one(image: Array) -> Array:
        return _apply(config.encoder, encoder, _levels(image)[None])[0]

    return lax.map(one, images, batch_size=min(ENCODED, len(images)))


def _apply(part: Net, params: PyTree, x: Array) -> Array:
    return part.apply(params, {}, x, train=False)[0]


def _drawn(config: Config, key: Key, index: Array, images: Array) -> Array:
    """The images of a step, i32[batch]."""
    return jax.random.randint(jax.random.fold_in(key, index), (config.batch,), 0, len(images))


def _levels(images: Array) -> Array:
    """Levels f32[…] in [0,1] of bytes."""
    return images.astype(jnp.float32) / 255
