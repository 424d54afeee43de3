"""Layers that the networks share."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from gen_models.algorithm import Array
from gen_models.nets import conv

normal = nn.initializers.normal(0.02)  # all weights of DCGAN (Radford et al. 2016, §4)
KERNEL, STRIDE, PADDING = 4, 2, 1  # a convolution halves an image, a transposed one doubles it
he_normal = nn.initializers.he_normal()


def transposed(gain: float) -> nn.initializers.Initializer:
    """Initialiser of a transposed kernel f32[k,k,out,in] that multiplies the mean square of its
    inputs by `gain`: each output sums over (k/stride)² taps of `in` values."""
    return nn.initializers.variance_scaling(
        gain * STRIDE**2, "fan_in", "normal", in_axis=-1, out_axis=-2
    )


he_transposed = transposed(2.0)
MOMENTUM = 0.9  # of the running statistics of batch normalisation
leaky_relu = partial(nn.leaky_relu, negative_slope=0.2)


class Conv(nn.Module):
    """Convolution, 4×4 of stride 2, padded by 1: x f32[N,H,W,C] -> f32[N,H/s,W/s,features].

    The output sizes also hold for a kernel of 3 with a stride s of 1.
    """

    features: int  # output channels
    bias: bool = True  # whether to add a bias
    kernel_init: Callable = normal  # initialiser of the kernel
    dtype: jnp.dtype = jnp.float32  # type of the computation
    kernel: int = KERNEL  # height and width of the kernel
    stride: int = STRIDE  # s, along both axes

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (self.kernel, self.kernel, x.shape[-1], self.features)
        w = self.param("kernel", self.kernel_init, shape)
        x, w = x.astype(self.dtype), w.astype(self.dtype)
        y = conv.convolve(x, w, stride=self.stride, padding=PADDING)
        return _add_bias(self, y) if self.bias else y


class ConvTranspose(nn.Module):
    """4×4 transposed convolution of stride 2: x f32[N,h,w,C] -> f32[N,2h,2w,features].

    The kernel is f32[4,4,features,C], that of the convolution of which this is the transpose.
    """

    features: int  # output channels
    bias: bool = True  # whether to add a bias
    kernel_init: Callable = normal  # initialiser of the kernel
    dtype: jnp.dtype = jnp.float32  # type of the computation

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (KERNEL, KERNEL, self.features, x.shape[-1])
        w = self.param("kernel", self.kernel_init, shape)
        x, w = x.astype(self.dtype), w.astype(self.dtype)
        image = (x.shape[1] * STRIDE, x.shape[2] * STRIDE)
        y = conv.convolve_transpose(x, w, image=image, stride=STRIDE, padding=PADDING)
        return _add_bias(self, y) if self.bias else y


def _add_bias(module: nn.Module, y: Array) -> Array:
    bias = module.param("bias", nn.initializers.zeros, (module.features,))
    return y + bias.astype(y.dtype)


class Layers(NamedTuple):
    """Layers of a net with its initialisation: N(0, 0.02) in nets with batch normalisation, else
    weights that preserve the variance from layer to layer (He et al. 2015). A normalisation cancels
    the bias of the layer before it: `bias` is for layers that no normalisation follows."""

    normalised: bool  # whether the net has batch normalisation
    dtype: jnp.dtype  # type of the computation

    def dense(self, features: int, *, bias: bool = False) -> nn.Dense:
        bias = bias or not self.normalised
        init = normal if self.normalised else he_normal
        return nn.Dense(features, use_bias=bias, kernel_init=init, dtype=self.dtype)

    def halve(self, features: int, *, bias: bool = False) -> Conv:
        init = normal if self.normalised else he_normal
        bias = bias or not self.normalised
        return Conv(features, bias=bias, kernel_init=init, dtype=self.dtype)

    def double(self, features: int, *, bias: bool = False, gain: float = 2.0) -> ConvTranspose:
        """In a net without batch normalisation, the initial weights multiply the mean square by
        `gain`: 2 if a ReLU follows."""
        bias = bias or not self.normalised
        init = normal if self.normalised else transposed(gain)
        return ConvTranspose(features, bias=bias, kernel_init=init, dtype=self.dtype)


class ClassAffine(nn.Module):
    """Scale and shift of each channel by class: x f32[N,…,C], labels i32[N] -> f32[N,…,C].

    After a batch normalisation this is conditional batch normalisation (de Vries et al. 2017; the
    form is that of Dumoulin et al. 2017, eq. 5). Initially it is the identity for all classes.
    """

    num_classes: int  # labels are in [0, num_classes)

    @nn.compact
    def __call__(self, x: Array, labels: Array) -> Array:
        shape = (self.num_classes, x.shape[-1])
        scale = self.param("scale", nn.initializers.zeros, shape)
        shift = self.param("shift", nn.initializers.zeros, shape)
        return x * (1 + of_class(scale, labels, x)) + of_class(shift, labels, x)


class Projection(nn.Module):
    """Inner products of features with learned vectors of the classes, h f32[N,D] -> f32[N,K]
    (Miyato & Koyama 2018, eq. 3)."""

    num_classes: int  # K

    @nn.compact
    def __call__(self, h: Array) -> Array:
        table = self.param("table", normal, (self.num_classes, h.shape[-1]))
        return h @ table.astype(h.dtype).T


def with_labels(x: Array, labels: Array, num_classes: int | None) -> Array:
    """x f32[N,…,C] with the one-hot label as further channels at every place, f32[N,…,C+K]; x
    itself without classes."""
    if num_classes is None:
        return x
    one_hot = jax.nn.one_hot(labels, num_classes, dtype=x.dtype)
    one_hot = one_hot.reshape(one_hot.shape[0], *(1,) * (x.ndim - 2), num_classes)
    return jnp.concatenate([x, jnp.broadcast_to(one_hot, (*x.shape[:-1], num_classes))], axis=-1)


def of_class(table: Array, labels: Array, like: Array) -> Array:
    """Rows of table f32[K,C] by label, shaped to broadcast against `like` [N,…,C]."""
    one_hot = jax.nn.one_hot(labels, table.shape[0], dtype=like.dtype)
    rows = one_hot @ table.astype(like.dtype)  # a matrix product, whose gradient is no scatter
    return rows.reshape(rows.shape[0], *(1,) * (like.ndim - 2), rows.shape[1])


def batch_norm(train: bool, dtype: jnp.dtype) -> nn.BatchNorm:
    """Batch normalisation (Ioffe & Szegedy 2015) as in DCGAN: initial scale N(1, 0.02), ε 1e-5."""

    def scale(key: Array, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32) -> Array:
        return 1 + normal(key, shape, dtype)

    return nn.BatchNorm(
        use_running_average=not train,
        momentum=MOMENTUM,
        epsilon=1e-5,
        scale_init=scale,
        dtype=dtype,
    )
