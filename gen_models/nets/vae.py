"""A convolutional encoder and decoder of the size of InfoGAN's nets.

With `hidden` both have a dense layer of `hidden` units and batch normalisation, of each unit by
itself: they are InfoGAN's nets as used by Lucic et al. 2018 (appendix), except for the initial
weights (He et al. 2015) and ReLUs in the encoder too. With `num_classes` both take the label: the
encoder as further channels of the image (Sohn et al. 2015), so that the posterior's shape can
depend on it; the decoder beside z and as further channels of its first map. The label also scales
and shifts the decoder's features (de Vries et al. 2017).
"""

from functools import partial

import flax.linen as nn
import jax.numpy as jnp

from gen_models.algorithm import Array
from gen_models.nets.blocks import (
    ClassAffine,
    Conv,
    ConvTranspose,
    batch_norm,
    he_normal,
    he_transposed,
    with_labels,
)


class Encoder(nn.Module):
    """Encoder: images f32[N,H,W,1], labels i32[N] -> mean f32[N,Z] and log-variance f32[N,Z] of
    the posterior."""

    latent_size: int  # Z
    width: int = 64  # channels of the layer next to the image
    hidden: int | None = None  # units of a hidden dense layer
    num_classes: int | None = None  # None: unconditional
    dtype: jnp.dtype = jnp.float32  # type of the computation

    @nn.compact
    def __call__(self, images: Array, labels: Array, *, train: bool) -> tuple[Array, Array]:
        plain = self.hidden is None  # without batch normalisation
        dense = partial(nn.Dense, use_bias=plain, kernel_init=he_normal, dtype=self.dtype)

        def finish(x: Array) -> Array:
            return nn.relu(x if plain else batch_norm(train, self.dtype)(x))

        x = with_labels(images, labels, self.num_classes)
        x = nn.relu(Conv(self.width, kernel_init=he_normal, dtype=self.dtype)(x))
        x = finish(Conv(2 * self.width, bias=plain, kernel_init=he_normal, dtype=self.dtype)(x))
        x = x.reshape(x.shape[0], -1)
        if self.hidden is not None:
            x = finish(dense(self.hidden)(x))
        x = nn.Dense(2 * self.latent_size, dtype=self.dtype)(x)
        mean, log_variance = jnp.split(x.astype(jnp.float32), 2, axis=-1)
        return mean, log_variance


class Decoder(nn.Module):
    """Decoder: z f32[N,Z], labels i32[N] -> parameters of the likelihood f32[N,H,W,1] (logits or
    means)."""

    height: int  # H, a multiple of 4
    image_width: int  # W, a multiple of 4
    width: int = 64  # channels of the layer next to the image
    hidden: int | None = None  # units of a hidden dense layer
    num_classes: int | None = None  # None: unconditional
    dtype: jnp.dtype = jnp.float32  # type of the computation

    @nn.compact
    def __call__(self, z: Array, labels: Array, *, train: bool) -> Array:
        plain = self.hidden is None  # without batch normalisation
        dense = partial(nn.Dense, use_bias=plain, kernel_init=he_normal, dtype=self.dtype)

        def finish(x: Array) -> Array:
            x = x if plain else batch_norm(train, self.dtype)(x)
            if self.num_classes is not None:
                x = ClassAffine(self.num_classes)(x, labels)
            return nn.relu(x)

        x = with_labels(z, labels, self.num_classes)
        if self.hidden is not None:
            x = finish(dense(self.hidden)(x))
        h, w = self.height // 4, self.image_width // 4
        x = finish(dense(h * w * 2 * self.width)(x)).reshape(-1, h, w, 2 * self.width)
        x = with_labels(x, labels, self.num_classes)
        double = partial(ConvTranspose, kernel_init=he_transposed, dtype=self.dtype)
        x = finish(double(self.width, bias=plain)(x))
        x = double(1)(x)
        return x.astype(jnp.float32)
