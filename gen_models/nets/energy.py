"""An auto-encoder as discriminator, with the reconstruction error as score (Zhao et al. 2017)."""

from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp

from gen_models.algorithm import Array
from gen_models.nets.blocks import Layers, batch_norm, leaky_relu
from gen_models.nets.net import Verdict


class EnergyDiscriminator(nn.Module):
    """Auto-encoder: images f32[N,H,W,1] in [-1,1] -> Verdict, with energies >= 0 as scores, and
    codes f32[N,code_size] in its head. It has the convolutions of the GANs' discriminator, a dense
    layer to the code, and the layers of a generator without a hidden layer, with leaky ReLUs.

    error      image minus reconstruction f32[N,H,W,1] -> energy f32[N]
    code_size  dimensions of the code
    width      channels of the layers next to the image
    dtype      type of the computation
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
        code = layers.dense(self.code_size)(x)  # the next normalisation would cancel a bias
        x = finish(layers.dense(x.shape[1])(code)).reshape(-1, *shape)
        x = finish(layers.double(self.width)(x))
        x = jnp.tanh(layers.double(1, bias=True)(x).astype(jnp.float32))
        return Verdict(self.error(images - x), code.astype(jnp.float32))
