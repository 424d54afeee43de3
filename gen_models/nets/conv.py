"""Strided and transposed convolution, differentiable any number of times in reverse mode.

A convolution y = F(x, w) is bilinear, and so are the two maps that its gradients need:

    F(x, w)   images and kernel  -> features     "convolve"
    T(y, w)   features and kernel -> images      "transpose", the adjoint of F(., w)
    G(x, y)   images and features -> kernel      "correlate", the adjoint of F(x, .)

All three are parts of one trilinear form <F(x, w), y> = <x, T(y, w)> = <w, G(x, y)>, so the
gradient of each is made of the other two, and derivatives of every order close over the three.
Each has two programs behind `jax.lax.platform_dependent`: XLA's own convolution where there is
hardware for it (GPU, TPU), and matrix products on a CPU, where XLA's convolution inside a compiled
loop is many times slower. The layouts on a CPU, chosen by measurement:

    F  gather the k·k taps of each output into columns, one product with the kernel. The columns are
       contiguous runs of C values; G wants the same columns, so the compiler builds them once.
    T  one product from each feature vector to all its k·k·C taps, then shifted adds on the
       space-to-depth image, which fuse with what follows. It multiplies nothing by zero; gathering
       columns as F does took twice the time, and 20 times for a single output channel.
    G  features transposed times columns. This order runs 1.4 times faster than columns transposed
       times features; turning the small result around costs nothing beside it.

Images are f32[N,H,W,C], features f32[N,h,w,O], kernels f32[k,k,C,O]; bfloat16 works too. Padding is
p pixels on every side: h = (H + 2p - k) // s + 1.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

Array = jax.Array


@dataclass(frozen=True)
class Geometry:
    """What is fixed about a convolution when it is compiled."""

    image: tuple[int, int]  # H, W
    kernel: int
    stride: int
    padding: int

    @property
    def features(self) -> tuple[int, int]:
        """h, w"""
        h, w = ((size + 2 * self.padding - self.kernel) // self.stride + 1 for size in self.image)
        return h, w


def convolve(x: Array, w: Array, *, stride: int = 1, padding: int = 0) -> Array:
    """F: x f32[N,H,W,C], w f32[k,k,C,O] -> f32[N,h,w,O]. Raises ValueError for unfit shapes."""
    if x.ndim != 4 or w.ndim != 4 or w.shape[0] != w.shape[1] or x.shape[3] != w.shape[2]:
        raise ValueError(f"expected x[N,H,W,C] and w[k,k,C,O], got {x.shape} and {w.shape}")
    return _convolve(_geometry(x.shape[1:3], w, stride, padding), x, w)


def convolve_transpose(
    y: Array, w: Array, *, image: tuple[int, int], stride: int = 1, padding: int = 0
) -> Array:
    """T: y f32[N,h,w,O], w f32[k,k,C,O] -> f32[N,H,W,C], where `image` is (H, W).

    The kernel is that of the convolution which maps the result's shape back to y's. Raises
    ValueError where no such convolution exists.
    """
    if y.ndim != 4 or w.ndim != 4 or w.shape[0] != w.shape[1] or y.shape[3] != w.shape[3]:
        raise ValueError(f"expected y[N,h,w,O] and w[k,k,C,O], got {y.shape} and {w.shape}")
    geometry = _geometry(image, w, stride, padding)
    if geometry.features != y.shape[1:3]:
        raise ValueError(f"{geometry} gives features {geometry.features}, got {y.shape[1:3]}")
    return _transpose(geometry, y, w)


def _geometry(image: tuple[int, int], w: Array, stride: int, padding: int) -> Geometry:
    geometry = Geometry(tuple(image), w.shape[0], stride, padding)
    if stride < 1 or padding < 0 or min(geometry.features) < 1:
        raise ValueError(f"no output is left under {geometry}")
    return geometry


_native_everywhere = ContextVar("native_everywhere", default=False)


@contextmanager
def native_everywhere(wanted: bool = True) -> Iterator[None]:
    """What is traced within uses XLA's convolution on CPUs too: for comparison, as it is slow."""
    token = _native_everywhere.set(wanted)
    try:
        yield
    finally:
        _native_everywhere.reset(token)


# The trilinear form: each map's gradient is the other two.


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _convolve(geometry: Geometry, x: Array, w: Array) -> Array:
    return _by_platform(_convolve_matmul, _convolve_native, geometry, x, w)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _transpose(geometry: Geometry, y: Array, w: Array) -> Array:
    return _by_platform(_transpose_matmul, _transpose_native, geometry, y, w)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _correlate(geometry: Geometry, x: Array, y: Array) -> Array:
    return _by_platform(_correlate_matmul, _correlate_native, geometry, x, y)


def _remember_both(primal, geometry: Geometry, a: Array, b: Array):  # noqa: ANN001, ANN202
    return primal(geometry, a, b), (a, b)


_convolve.defvjp(
    partial(_remember_both, _convolve),
    lambda geometry, xw, y: (_transpose(geometry, y, xw[1]), _correlate(geometry, xw[0], y)),
)
_transpose.defvjp(
    partial(_remember_both, _transpose),
    lambda geometry, yw, x: (_convolve(geometry, x, yw[1]), _correlate(geometry, x, yw[0])),
)
_correlate.defvjp(
    partial(_remember_both, _correlate),
    lambda geometry, xy, w: (_transpose(geometry, xy[1], w), _convolve(geometry, xy[0], w)),
)


def _by_platform(matmul, native, geometry: Geometry, a: Array, b: Array) -> Array:  # noqa: ANN001
    if _native_everywhere.get():
        return native(geometry, a, b)
    return lax.platform_dependent(
        a, b, cpu=partial(matmul, geometry), default=partial(native, geometry)
    )


# On a CPU: matrix products.


def _columns(geometry: Geometry, x: Array) -> Array:
    """The taps of every output, f32[N·h·w, k·k·C], in the order of the kernel's rows.

    With `s` neighbouring pixels taken as one of s·C channels, `s` taps of a row are a single slice
    with long runs: a fifth faster than one strided slice a tap.
    """
    k, s, p = geometry.kernel, geometry.stride, geometry.padding
    h, w = geometry.features
    channels = x.shape[3]
    odd = -(x.shape[1] + 2 * p) % s, -(x.shape[2] + 2 * p) % s
    padded = jnp.pad(x, ((0, 0), (p, p + odd[0]), (p, p + odd[1]), (0, 0)))
    grouped = padded.reshape(*padded.shape[:2], -1, s * channels)
    taps = [
        grouped[:, a : a + s * (h - 1) + 1 : s, b // s : b // s + w, : min(s, k - b) * channels]
        for a in range(k)
        for b in range(0, k, s)
    ]
    return jnp.concatenate(taps, axis=-1).reshape(-1, k * k * channels)


def _convolve_matmul(geometry: Geometry, x: Array, w: Array) -> Array:
    flat = _columns(geometry, x) @ w.reshape(-1, w.shape[3])
    return flat.reshape(x.shape[0], *geometry.features, w.shape[3])


def _correlate_matmul(geometry: Geometry, x: Array, y: Array) -> Array:
    k, channels, features = geometry.kernel, x.shape[3], y.shape[3]
    turned = y.reshape(-1, features).T @ _columns(geometry, x)
    # The barrier keeps the compiler from turning the product itself around, into the slow order.
    return lax.optimization_barrier(turned).T.reshape(k, k, channels, features)


def _transpose_matmul(geometry: Geometry, y: Array, w: Array) -> Array:
    (height, width), k, s, p = geometry.image, geometry.kernel, geometry.stride, geometry.padding
    n, h, v, features = y.shape
    channels = w.shape[2]
    taps = -(
        -k // s
    )  # how many outputs of T, at stride s, each feature vector reaches along an axis
    # Kernel blocks of s×s taps, so that what one shift moves lies together in the product.
    blocks = {
        (a, b): w[a * s : a * s + s, b * s : b * s + s] for a in range(taps) for b in range(taps)
    }
    spread = (
        y.reshape(-1, features)
        @ jnp.concatenate([block.reshape(-1, features) for block in blocks.values()]).T
    )
    image, start = 0, 0
    for (a, b), block in blocks.items():
        stop = start + block[..., 0].size
        part = spread[:, start:stop].reshape(n, h, v, *block.shape[:3])
        image, start = image + _shift(part, a, b, taps, s), stop
    image = image.transpose(0, 1, 3, 2, 4, 5)  # depth to space
    image = image.reshape(n, (h + taps - 1) * s, (v + taps - 1) * s, channels)
    short = max(p + height - image.shape[1], 0), max(p + width - image.shape[2], 0)
    image = jnp.pad(image, ((0, 0), (0, short[0]), (0, short[1]), (0, 0)))
    return image[:, p : p + height, p : p + width]


def _shift(block: Array, a: int, b: int, taps: int, s: int) -> Array:
    """Put f32[N,h,w,<=s,<=s,C] at (a, b) of f32[N,h+taps-1,w+taps-1,s,s,C], zero elsewhere."""
    return jnp.pad(
        block,
        (
            (0, 0),
            (a, taps - 1 - a),
            (b, taps - 1 - b),
            (0, s - block.shape[3]),
            (0, s - block.shape[4]),
            (0, 0),
        ),
    )


# Elsewhere: XLA's convolution, and its adjoints as XLA derives them.


def _convolve_native(geometry: Geometry, x: Array, w: Array) -> Array:
    p = geometry.padding
    return lax.conv_general_dilated(
        x,
        w,
        window_strides=(geometry.stride,) * 2,
        padding=((p, p), (p, p)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def _transpose_native(geometry: Geometry, y: Array, w: Array) -> Array:
    x = jax.ShapeDtypeStruct((y.shape[0], *geometry.image, w.shape[2]), y.dtype)
    (image,) = jax.linear_transpose(lambda x: _convolve_native(geometry, x, w), x)(y)
    return image


def _correlate_native(geometry: Geometry, x: Array, y: Array) -> Array:
    k = geometry.kernel
    w = jax.ShapeDtypeStruct((k, k, x.shape[3], y.shape[3]), x.dtype)
    (kernel,) = jax.linear_transpose(lambda w: _convolve_native(geometry, x, w), w)(y)
    return kernel
