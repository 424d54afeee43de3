"""The auto-encoder of deep embedded clustering (Xie et al. 2016, §4.3): D-500-500-2000-10 and
back."""

from collections.abc import Sequence

import flax.linen as nn

from gen_models.algorithm import Array, PyTree

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
    size: int  # D, dimensions of what is reconstructed

    @nn.compact
    def __call__(self, z: Array, *, train: bool) -> Array:
        del train
        for units in reversed(self.hidden):
            z = nn.relu(nn.Dense(units, kernel_init=init)(z))
        return nn.Dense(self.size, kernel_init=init)(z)


Layer = PyTree  # kernel and bias of a dense layer
Pair = tuple[Layer, Layer]  # a layer of the encoder, and that of the decoder which undoes it


def pairs(encoder: PyTree, decoder: PyTree) -> list[Pair]:
    """The layers of parameters of both, in the encoder's order."""
    count = len(encoder)
    return [(encoder[f"Dense_{i}"], decoder[f"Dense_{count - 1 - i}"]) for i in range(count)]


def of_pairs(layers: Sequence[Pair]) -> tuple[PyTree, PyTree]:
    """Parameters of encoder and decoder: the inverse of `pairs`."""
    encoder = {f"Dense_{i}": pair[0] for i, pair in enumerate(layers)}
    decoder = {f"Dense_{i}": pair[1] for i, pair in enumerate(reversed(layers))}
    return encoder, decoder


def dense(layer: Layer, x: Array) -> Array:
    """x f32[N,A] -> f32[N,B], a layer alone, without its ReLU."""
    return x @ layer["kernel"] + layer["bias"]
