"""The layers that the networks share."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from gen_models.algorithm import Array
from gen_models.nets import conv

normal = nn.initializers.normal(0.02)  # DCGAN (Radford et al. 2016, §4): every weight N(0, 0.02)
KERNEL, STRIDE, PADDING = 4, 2, 1  # each convolution halves an image, each transposed one doubles
he_normal = nn.initializers.he_normal()
# A transposed kernel is f32[k,k,out,in]: each output sums over (k/stride)² taps of `in` values.
he_transposed = nn.initializers.variance_scaling(
    2.0 * STRIDE**2, "fan_in", "normal", in_axis=-1, out_axis=-2
)
leaky_relu = partial(nn.leaky_relu, negative_slope=0.2)


class Conv(nn.Module):
    """Convolution, 4×4 of stride 2: x f32[N,H,W,C] -> f32[N,H/s,W/s,features], padded by 1.

    A kernel of 3 and a stride of 1 keep the size too.
    """

    features: int
    bias: bool = True
    init: Callable = normal
    dtype: jnp.dtype = jnp.float32
    kernel: int = KERNEL
    stride: int = STRIDE

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (self.kernel, self.kernel, x.shape[-1], self.features)
        w = self.param("kernel", self.init, shape)
        x, w = x.astype(self.dtype), w.astype(self.dtype)
        y = conv.convolve(x, w, stride=self.stride, padding=PADDING)
        return _add_bias(self, y) if self.bias else y


class ConvTranspose(nn.Module):
    """4×4 transposed convolution of stride 2: x f32[N,h,w,C] -> f32[N,2h,2w,features].

    The kernel is f32[4,4,features,C], that of the convolution of which this is the transpose.
    """

    features: int
    bias: bool = True
    init: Callable = normal
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (KERNEL, KERNEL, self.features, x.shape[-1])
        w = self.param("kernel", self.init, shape)
        x, w = x.astype(self.dtype), w.astype(self.dtype)
        image = (x.shape[1] * STRIDE, x.shape[2] * STRIDE)
        y = conv.convolve_transpose(x, w, image=image, stride=STRIDE, padding=PADDING)
        return _add_bias(self, y) if self.bias else y


def _add_bias(module: nn.Module, y: Array) -> Array:
    bias = module.param("bias", nn.initializers.zeros, (module.features,))
    return y + bias.astype(y.dtype)


class Layers(NamedTuple):
    """The layers of a net and how they start: from N(0, 0.02) in nets with batch normalisation, in
    others so that the variance stays from layer to layer (He et al. 2015). A bias before a
    normalisation would have no effect: `bias` is for layers that none follows."""

    normalised: bool
    dtype: jnp.dtype

    def dense(self, features: int, *, bias: bool = False) -> nn.Dense:
        bias = bias or not self.normalised
        init = normal if self.normalised else he_normal
        return nn.Dense(features, use_bias=bias, kernel_init=init, dtype=self.dtype)

    def halve(self, features: int, *, bias: bool = False) -> Conv:
        init = normal if self.normalised else he_normal
        return Conv(features, bias=bias or not self.normalised, init=init, dtype=self.dtype)

    def double(self, features: int, *, bias: bool = False) -> ConvTranspose:
        bias = bias or not self.normalised
        init = normal if self.normalised else he_transposed
        return ConvTranspose(features, bias=bias, init=init, dtype=self.dtype)


class ClassAffine(nn.Module):
    """Scales and shifts each channel by class: x f32[N,…,C], labels i32[N] -> the same shape.

    After a batch normalisation this is conditional batch normalisation (Dumoulin et al. 2017, eq.
    5); classes start out alike.
    """

    num_classes: int

    @nn.compact
    def __call__(self, x: Array, labels: Array) -> Array:
        shape = (self.num_classes, x.shape[-1])
        scale = self.param("scale", nn.initializers.zeros, shape)
        shift = self.param("shift", nn.initializers.zeros, shape)
        return x * (1 + of_class(scale, labels, x)) + of_class(shift, labels, x)


class Projection(nn.Module):
    """How well features fit each class: h f32[N,D] -> f32[N,K], their inner products with learned
    vectors of the classes (Miyato & Koyama 2018, eq. 3)."""

    num_classes: int

    @nn.compact
    def __call__(self, h: Array) -> Array:
        table = self.param("table", normal, (self.num_classes, h.shape[-1]))
        return h @ table.astype(h.dtype).T


def with_labels(x: Array, labels: Array, num_classes: int | None) -> Array:
    """x f32[N,D] with the labels beside it, one-hot: f32[N,D+K]; without classes, as it was."""
    if num_classes is None:
        return x
    return jnp.concatenate([x, jax.nn.one_hot(labels, num_classes, dtype=x.dtype)], axis=-1)


def of_class(table: Array, labels: Array, like: Array) -> Array:
    """Each label's row of table f32[K,C], shaped to broadcast against `like` [N,…,C]."""
    one_hot = jax.nn.one_hot(labels, table.shape[0], dtype=like.dtype)
    rows = one_hot @ table.astype(like.dtype)  # a product: its gradient is no scatter
    return rows.reshape(rows.shape[0], *(1,) * (like.ndim - 2), rows.shape[1])


def batch_norm(train: bool, dtype: jnp.dtype) -> nn.BatchNorm:
    """Batch normalisation (Ioffe & Szegedy 2015) as DCGAN sets it up: scale N(1, 0.02), ε 1e-5."""

    def scale(key: Array, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32) -> Array:
        return 1 + normal(key, shape, dtype)

    return nn.BatchNorm(
        use_running_average=not train, momentum=0.9, epsilon=1e-5, scale_init=scale, dtype=dtype
    )
