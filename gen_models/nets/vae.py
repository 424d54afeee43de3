"""A convolutional encoder and decoder of the size of DCGAN's nets."""

import flax.linen as nn
import jax.numpy as jnp

from gen_models.algorithm import Array
from gen_models.nets.blocks import STRIDE, Conv, ConvTranspose

he_normal = nn.initializers.he_normal()
# A transposed kernel is f32[k,k,out,in]: each output sums over (k/stride)² taps of `in` values.
he_transposed = nn.initializers.variance_scaling(
    2.0 * STRIDE**2, "fan_in", "normal", in_axis=-1, out_axis=-2
)


class Encoder(nn.Module):
    """images f32[N,H,W,1] -> mean f32[N,Z], log-variance f32[N,Z] of the posterior."""

    latent_size: int
    width: int = 64
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, images: Array, *, train: bool) -> tuple[Array, Array]:
        del train
        x = nn.relu(Conv(self.width, init=he_normal, dtype=self.dtype)(images))
        x = nn.relu(Conv(2 * self.width, init=he_normal, dtype=self.dtype)(x))
        x = nn.Dense(2 * self.latent_size, dtype=self.dtype)(x.reshape(x.shape[0], -1))
        mean, log_variance = jnp.split(x.astype(jnp.float32), 2, axis=-1)
        return mean, log_variance


class Decoder(nn.Module):
    """z f32[N,Z] -> f32[N,H,W,1], whatever the likelihood takes (logits or means)."""

    height: int
    image_width: int
    width: int = 64
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, z: Array, *, train: bool) -> Array:
        del train
        h, w = self.height // 4, self.image_width // 4
        x = nn.Dense(h * w * 2 * self.width, kernel_init=he_normal, dtype=self.dtype)(z)
        x = nn.relu(x.reshape(-1, h, w, 2 * self.width))
        x = nn.relu(ConvTranspose(self.width, init=he_transposed, dtype=self.dtype)(x))
        x = ConvTranspose(1, init=he_transposed, dtype=self.dtype)(x)
        return x.astype(jnp.float32)
