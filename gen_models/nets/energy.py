"""An auto-encoder as a discriminator: what it cannot reproduce is not real (Zhao et al. 2017)."""

from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp

from gen_models.algorithm import Array
from gen_models.nets.blocks import Layers, batch_norm, leaky_relu
from gen_models.nets.net import Verdict


class EnergyDiscriminator(nn.Module):
    """images f32[N,H,W,1] in [-1,1] -> Verdict: energies >= 0, `error` of the differences between
    images and their reproductions, f32[N,H,W,1] -> f32[N]; in the head codes f32[N,code_size].

    DCGAN's discriminator as far as its convolutions go, a dense layer to the code, and DCGAN's
    generator from there, leaky.
    """

    error: Callable[[Array], Array]
    code_size: int
    width: int = 64
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, images: Array, labels: Array, *, train: bool) -> Verdict:
        del labels
        layers = Layers(normalised=True, dtype=self.dtype)

        def finish(x: Array) -> Array:
            return leaky_relu(batch_norm(train, self.dtype)(x))

        x = leaky_relu(layers.halve(self.width, bias=True)(images))
        x = finish(layers.halve(2 * self.width)(x))
        shape = x.shape[1:]
        x = x.reshape(x.shape[0], -1)
        code = layers.dense(self.code_size, bias=True)(x)
        x = finish(layers.dense(x.shape[1])(code).reshape(-1, *shape))
        x = finish(layers.double(self.width)(x))
        x = jnp.tanh(layers.double(1, bias=True)(x).astype(jnp.float32))
        return Verdict(self.error(images - x), code.astype(jnp.float32))
