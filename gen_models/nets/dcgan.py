"""DCGAN's generator and discriminator (Radford et al. 2016) for small images, labels optional.

No hidden dense layers. With `num_classes` the pair is conditional: the label scales and shifts what
the generator's batch normalisations give (Dumoulin et al. 2017), and the discriminator projects its
last features on a vector of the class (Miyato & Koyama 2018).
"""

import flax.linen as nn
import jax.numpy as jnp

from gen_models.algorithm import Array
from gen_models.nets.blocks import (
    ClassAffine,
    Conv,
    ConvTranspose,
    Projection,
    batch_norm,
    leaky_relu,
    normal,
)


class Generator(nn.Module):
    """z f32[N,Z], labels i32[N] -> images f32[N,H,W,1] in [-1,1]. H and W divide by 4."""

    height: int
    image_width: int
    width: int = 64
    num_classes: int | None = None
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, z: Array, labels: Array, *, train: bool) -> Array:
        def finish(x: Array) -> Array:
            x = batch_norm(train, self.dtype)(x)
            if self.num_classes is not None:
                x = ClassAffine(self.num_classes)(x, labels)
            return nn.relu(x)

        h, w = self.height // 4, self.image_width // 4
        dense = nn.Dense(
            h * w * 2 * self.width, use_bias=False, kernel_init=normal, dtype=self.dtype
        )
        x = finish(dense(z).reshape(-1, h, w, 2 * self.width))
        x = finish(ConvTranspose(self.width, bias=False, dtype=self.dtype)(x))
        x = ConvTranspose(1, dtype=self.dtype)(x)
        return jnp.tanh(x.astype(jnp.float32))


class Discriminator(nn.Module):
    """images f32[N,H,W,1], labels i32[N] -> logits f32[N]; positive means real."""

    width: int = 64
    num_classes: int | None = None
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, images: Array, labels: Array, *, train: bool) -> Array:
        x = leaky_relu(Conv(self.width, dtype=self.dtype)(images))
        x = Conv(2 * self.width, bias=False, dtype=self.dtype)(x)
        x = leaky_relu(batch_norm(train, self.dtype)(x))
        x = x.reshape(x.shape[0], -1)
        logits = nn.Dense(1, kernel_init=normal, dtype=self.dtype)(x)
        if self.num_classes is not None:
            logits += Projection(self.num_classes)(x, labels)
        return logits[:, 0].astype(jnp.float32)
