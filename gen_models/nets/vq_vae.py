"""VQ-VAE's encoder and decoder, of the size of DCGAN's nets, and a recurrent prior over codes."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from gen_models.algorithm import Array
from gen_models.nets.blocks import Conv, ConvTranspose, he_normal, he_transposed


class Encoder(nn.Module):
    """Encoder: images f32[N,H,W,1] -> vectors f32[N,H/4,W/4,D], for quantisation."""

    code_size: int  # D
    width: int = 64  # channels of the layer next to the image
    dtype: jnp.dtype = jnp.float32  # type of the computation

    @nn.compact
    def __call__(self, images: Array, *, train: bool) -> Array:
        del train
        x = nn.relu(Conv(self.width, kernel_init=he_normal, dtype=self.dtype)(images))
        x = nn.relu(Conv(2 * self.width, kernel_init=he_normal, dtype=self.dtype)(x))
        return nn.Dense(self.code_size, dtype=self.dtype)(x).astype(jnp.float32)


class Decoder(nn.Module):
    """Decoder: codes' vectors f32[N,h,w,D] -> parameters of the likelihood f32[N,4h,4w,1]."""

    width: int = 64  # channels of the layer next to the image
    dtype: jnp.dtype = jnp.float32  # type of the computation

    @nn.compact
    def __call__(self, codes: Array, *, train: bool) -> Array:
        del train
        x = nn.Dense(2 * self.width, kernel_init=he_normal, dtype=self.dtype)(codes)
        x = ConvTranspose(self.width, kernel_init=he_transposed, dtype=self.dtype)(nn.relu(x))
        x = ConvTranspose(1, kernel_init=he_transposed, dtype=self.dtype)(nn.relu(x))
        return x.astype(jnp.float32)


class Prior(nn.Module):
    """Autoregressive distribution of a map of codes, each given the codes before it in reading
    order.

    A gated recurrent net (Cho et al. 2014). Called with codes i32[N,h,w] it gives their
    log-probabilities f32[N], nats; `sample` turns uniform numbers f32[N,h·w] into codes i32[N,h·w].
    """

    codes: int  # number of codes in the codebook
    width: int  # units of the recurrent net

    def setup(self) -> None:
        self.embed = nn.Embed(self.codes + 1, self.width)  # the last is input at the first place
        self.cell = nn.GRUCell(self.width)
        self.out = nn.Dense(self.codes)

    def __call__(self, codes: Array, *, train: bool) -> Array:
        del train
        flat = codes.reshape(codes.shape[0], -1)
        before = jnp.pad(flat[:, :-1], ((0, 0), (1, 0)), constant_values=self.codes)

        def place(prior: Prior, hidden: Array, inputs: Array) -> tuple[Array, Array]:
            return prior.cell(hidden, inputs)

        scan = nn.scan(
            place, variable_broadcast="params", split_rngs={"params": False}, in_axes=1, out_axes=1
        )
        _, features = scan(self, self._start(len(flat)), self.embed(before))
        logits = jax.nn.log_softmax(self.out(features))
        return jnp.sum(jnp.take_along_axis(logits, flat[..., None], axis=-1), axis=(1, 2))

    def sample(self, noise: Array, *, train: bool) -> Array:
        del train

        def place(
            prior: Prior, carry: tuple[Array, Array], uniform: Array
        ) -> tuple[tuple[Array, Array], Array]:
            hidden, before = carry
            hidden, features = prior.cell(hidden, prior.embed(before))
            below = jnp.cumsum(jax.nn.softmax(prior.out(features)), axis=-1)
            code = jnp.sum(below < uniform[:, None], axis=-1, dtype=jnp.int32)
            code = jnp.minimum(code, prior.codes - 1)  # rounding may leave the sum below 1
            return (hidden, code), code

        scan = nn.scan(
            place, variable_broadcast="params", split_rngs={"params": False}, in_axes=1, out_axes=1
        )
        first = jnp.full(noise.shape[0], self.codes, jnp.int32)
        return scan(self, (self._start(noise.shape[0]), first), noise)[1]

    def _start(self, count: int) -> Array:
        return jnp.zeros((count, self.width))
