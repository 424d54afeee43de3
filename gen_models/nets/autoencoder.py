"""The auto-encoder of deep embedded clustering (Xie et al. 2016, §4.3): D-500-500-2000-10 and
back."""

import flax.linen as nn

from gen_models.algorithm import Array

init = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")


class Encoder(nn.Module):
    """x f32[N,D] -> f32[N,Z], ReLU after all layers but the last."""

    hidden: tuple[int, ...]  # units of the layers before the last
    size: int  # Z, dimensions of the embedding

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        del train
        for units in self.hidden:
            x = nn.relu(nn.Dense(units, kernel_init=init)(x))
        return nn.Dense(self.size, kernel_init=init)(x)


class Decoder(nn.Module):
    """z f32[N,Z] -> f32[N,D], the mirror image of the encoder."""

    hidden: tuple[int, ...]  # units of the encoder's layers, which are reversed here
    size: int  # D, dimensions of the reconstruction

    @nn.compact
    def __call__(self, z: Array, *, train: bool) -> Array:
        del train
        for units in reversed(self.hidden):
            z = nn.relu(nn.Dense(units, kernel_init=init)(z))
        return nn.Dense(self.size, kernel_init=init)(z)
