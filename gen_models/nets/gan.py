"""InfoGAN's generator and discriminator (Chen et al. 2016, appendix C.1), which without hidden
layers are DCGAN's (Radford et al. 2016) for small images.

The layers are the published ones, at a width of 64; the slope below zero is 0.2 instead of 0.1
(0.01 in InfoGAN's program), and images are in [-1, 1], by a tanh instead of a sigmoid. Three
properties are options:

- `hidden` is the number of units of a dense layer in both nets, as in Radford's own program for
  MNIST. Without it the discriminator's score is a sum over 49 patches of 10×10 pixels, which
  cannot judge whether two halves of an image belong together.
- `num_classes` makes the pair conditional. The label scales and shifts the generator's normalised
  features (de Vries et al. 2017); the discriminator projects the features from which it computes
  the score on a vector of the class (Miyato & Koyama 2018). Its hidden layer then has no batch
  normalisation: with labels, batch-normalised features distinguish real from generated batches so
  early that the generator never learns.
- `normalisation` of the discriminator is batch, spectral (of its weights) or none; the generator
  has batch normalisation or none. Nets without normalisation start from weights that preserve the
  variance from layer to layer (He et al. 2015).

Each unit of a dense layer is normalised by itself, before the units are arranged as a map:
statistics over the places of a map would count a pattern that all images share as variance.
"""

from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from gen_models.algorithm import Array
from gen_models.nets.blocks import ClassAffine, Layers, Projection, batch_norm, leaky_relu
from gen_models.nets.net import Verdict

Normalisation = Literal["batch", "spectral", "none"]
Architecture = Literal["infogan", "patch"]


def hidden_units(architecture: Architecture, width: int) -> int | None:
    """Units of the nets' hidden dense layer, or None for nets without one."""
    return 16 * width if architecture == "infogan" else None


class Generator(nn.Module):
    """Generator: z f32[N,Z], labels i32[N] -> images f32[N,H,W,1], in [-1,1] if `bounded`."""

    height: int  # H, a multiple of 4
    image_width: int  # W, a multiple of 4
    width: int = 64  # channels of the layer next to the image
    hidden: int | None = None  # units of a hidden dense layer
    num_classes: int | None = None  # None: unconditional
    normalised: bool = True  # whether to use batch normalisation
    bounded: bool = True  # whether a tanh follows the last layer
    dtype: jnp.dtype = jnp.float32  # type of the computation

    @nn.compact
    def __call__(self, z: Array, labels: Array, *, train: bool) -> Array:
        def normalise(x: Array) -> Array:
            return batch_norm(train, self.dtype)(x) if self.normalised else x

        def activate(x: Array) -> Array:
            if self.num_classes is not None:
                x = ClassAffine(self.num_classes)(x, labels)
            return nn.relu(x)

        layers = Layers(self.normalised, self.dtype)
        x = z
        if self.hidden is not None:
            x = activate(normalise(layers.dense(self.hidden)(x)))
        h, w = self.height // 4, self.image_width // 4
        x = normalise(layers.dense(h * w * 2 * self.width)(x))
        x = activate(x.reshape(-1, h, w, 2 * self.width))
        x = activate(normalise(layers.double(self.width)(x)))
        x = layers.double(1, bias=True, gain=1.0)(x).astype(jnp.float32)
        return jnp.tanh(x) if self.bounded else x


class Discriminator(nn.Module):
    """Discriminator: images f32[N,H,W,1], labels i32[N] -> Verdict, with scores that are positive
    for real images, and further outputs f32[N,outputs] in its head.

    With `num_classes` the score is that of an image with its label, and the head has the scores
    with each label, f32[N,num_classes].
    """

    width: int = 64  # channels of the layer next to the image
    hidden: int | None = None  # units of a hidden dense layer
    num_classes: int | None = None  # None: unconditional
    normalisation: Normalisation = "batch"  # see above
    outputs: int = 0  # size of the head, for terms of a loss; unused if conditional
    head_hidden: int | None = None  # units of a hidden dense layer of the head
    dtype: jnp.dtype = jnp.float32  # type of the computation

    @nn.compact
    def __call__(self, images: Array, labels: Array, *, train: bool) -> Verdict:
        by_batch, spectral = (self.normalisation == name for name in ("batch", "spectral"))
        layers = Layers(by_batch, self.dtype)

        def apply(layer: nn.Module, *inputs: Array) -> Array:
            if spectral:  # (Miyato et al. 2018, algorithm 1)
                layer = nn.SpectralNorm(layer, collection_name="batch_stats")
                return layer(*inputs, update_stats=train)
            return layer(*inputs)

        def finish(x: Array) -> Array:
            return leaky_relu(batch_norm(train, self.dtype)(x) if by_batch else x)

        x = leaky_relu(apply(layers.halve(self.width, bias=True), images))
        x = finish(apply(layers.halve(2 * self.width), x))
        x = x.reshape(x.shape[0], -1)
        if self.hidden is not None:
            plain = self.num_classes is not None  # without batch normalisation: see above
            x = apply(layers.dense(self.hidden, bias=plain), x)
            x = leaky_relu(x) if plain else finish(x)
        score = apply(layers.dense(1, bias=True), x).astype(jnp.float32)
        if self.num_classes is not None:
            scores = score + apply(Projection(self.num_classes), x).astype(jnp.float32)
            with_own = jnp.sum(scores * jax.nn.one_hot(labels, self.num_classes), axis=1)
            return Verdict(with_own, scores)
        head = ()
        if self.outputs:
            if self.head_hidden is not None:
                x = finish(apply(layers.dense(self.head_hidden), x))
            head = apply(layers.dense(self.outputs, bias=True), x).astype(jnp.float32)
        return Verdict(score[:, 0], head)
