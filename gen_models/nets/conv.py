"""Strided and transposed convolution, differentiable any number of times in reverse mode.

A convolution y = F(x, w) is bilinear, and so are the two maps that its gradients need:

    F(x, w)   images and kernel  -> features     "convolve"
    T(y, w)   features and kernel -> images      "transpose", the adjoint of F(., w)
    G(x, y)   images and features -> kernel      "correlate", the adjoint of F(x, .)

All three are parts of one trilinear form <F(x, w), y> = <x, T(y, w)> = <w, G(x, y)>, so the
gradient of each is made of the other two, and derivatives of every order close over the three.
On a TPU all three are XLA's own convolutions. On a CPU, where those are many times slower inside a
compiled loop, they are matrix products, in one of two layouts:

    columns   F gathers the k·k taps of each output into columns, one product with the kernel. The
              columns are contiguous runs of C values; G, features transposed times columns, wants
              the same, so the compiler builds them once. (That order runs 1.4 times faster than
              columns transposed times features.) T is one product from each feature vector to all
              its k·k·C taps, then shifted adds on the space-to-depth image, which fuse with what
              follows. It multiplies nothing by zero; gathering columns as F does took twice the
              time, and 20 times for a single output channel.
    winograd  where a kernel is twice its stride: three products of sums and differences instead of
              four (Winograd 1980; Lavin & Gray 2016, §4.1), along both axes 9 instead of 16, and 11
              by 11 instead of 14 by 14 for 7 features.

An NVIDIA GPU takes columns too: XLA's own convolutions become slow there when operations must be
deterministic, and when kernels are batched, which makes them grouped. On an H100 a step of one
`dcgan` of 64 images took 0.59 ms in columns and 1.01 ms with XLA's, of 64 members 13 and 48.

On a CPU winograd is faster where channels are many. Milliseconds of columns and of winograd on two
cores, 4×4 kernels of stride 2, 64 images of 14×14, float32 (sums of bfloat16 would lose what it
has):

    channels -> features      F              T              G
       8 ->  64           0.6    0.8     0.4    0.9     0.9    1.1
      16 ->  64           1.2    1.4     0.8    1.0     1.8    2.1
      32 ->  64           2.5    2.6     1.5    1.4     3.9    3.4
      64 -> 128           8.0    6.1     5.1    4.9     8.9    7.1
     128 -> 256          30     20      20     17      29     20

Within the step of `dcgan --arch patch --width 64`, where F and G share the parts of an image and T
and G those of features, it took 0.86 of the time.

Images are f32[N,H,W,C], features f32[N,h,w,O], kernels f32[k,k,C,O]; bfloat16 works too. Padding is
p pixels on every side: h = (H + 2p - k) // s + 1.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

Array = jax.Array


@dataclass(frozen=True)
class Geometry:
    """Sizes of a convolution, which are static when it is compiled."""

    image: tuple[int, int]  # H, W
    kernel: int  # height and width k
    stride: int  # s along both axes
    padding: int  # p pixels on every side

    @property
    def features(self) -> tuple[int, int]:
        """Height and width h, w of the features."""
        h, w = ((size + 2 * self.padding - self.kernel) // self.stride + 1 for size in self.image)
        return h, w


def convolve(x: Array, w: Array, *, stride: int = 1, padding: int = 0) -> Array:
    """F: x f32[N,H,W,C], w f32[k,k,C,O] -> f32[N,h,w,O]. Raises ValueError for other shapes."""
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


class Layout(NamedTuple):
    """Programs of the three maps.

    convolve   F: Geometry, x, w -> y
    transpose  T: Geometry, y, w -> x
    correlate  G: Geometry, x, y -> w
    """

    convolve: Callable[[Geometry, Array, Array], Array]
    transpose: Callable[[Geometry, Array, Array], Array]
    correlate: Callable[[Geometry, Array, Array], Array]


_chosen: ContextVar[Layout | None] = ContextVar("chosen", default=None)


@contextmanager
def using(layout: Layout | None) -> Iterator[None]:
    """Use this layout on every platform for programs traced within the block; None: the fastest of
    each platform. For comparisons: values differ only by rounding. Programs traced before keep
    their layout. WINOGRAD takes only kernels of twice their stride."""
    token = _chosen.set(layout)
    try:
        yield
    finally:
        _chosen.reset(token)


# The trilinear form: each map's gradient is the other two.


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _convolve(geometry: Geometry, x: Array, w: Array) -> Array:
    return _by_platform("convolve", geometry, w.shape[2], x, w)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _transpose(geometry: Geometry, y: Array, w: Array) -> Array:
    return _by_platform("transpose", geometry, w.shape[2], y, w)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _correlate(geometry: Geometry, x: Array, y: Array) -> Array:
    return _by_platform("correlate", geometry, x.shape[3], x, y)


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


def _by_platform(name: str, geometry: Geometry, channels: int, a: Array, b: Array) -> Array:
    def program(layout: Layout) -> Callable[[Array, Array], Array]:
        return partial(getattr(layout, name), geometry)

    if (layout := _chosen.get()) is not None:
        return program(layout)(a, b)
    measured = (geometry.kernel, geometry.stride) == (4, 2) and a.dtype == jnp.float32
    cpu = WINOGRAD if measured and channels >= WINOGRAD_CHANNELS else COLUMNS
    programs = {"cpu": program(cpu), "cuda": program(COLUMNS)}
    return lax.platform_dependent(a, b, **programs, default=program(NATIVE))


# On a CPU and on NVIDIA's GPUs: columns of taps.


def _columns(geometry: Geometry, x: Array) -> Array:
    """The taps of every output, f32[N·h·w, k·k·C], in the order of the kernel's rows.

    With `s` neighbouring pixels taken as one of s·C channels, `s` taps of a row are a single slice
    with long runs: a fifth faster than one strided slice per tap.
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


def _convolve_columns(geometry: Geometry, x: Array, w: Array) -> Array:
    flat = _columns(geometry, x) @ w.reshape(-1, w.shape[3])
    return flat.reshape(x.shape[0], *geometry.features, w.shape[3])


def _correlate_columns(geometry: Geometry, x: Array, y: Array) -> Array:
    kernel = _outer(_columns(geometry, x), y)
    return kernel.reshape(geometry.kernel, geometry.kernel, x.shape[3], y.shape[3])


def _outer(x: Array, y: Array) -> Array:
    """Sum of outer products: x f32[…,I], y f32[…,O] -> f32[I,O]."""
    turned = y.reshape(-1, y.shape[-1]).T @ x.reshape(-1, x.shape[-1])
    # The barrier keeps the compiler from turning the product itself around, into the slow order.
    return lax.optimization_barrier(turned).T


def _transpose_columns(geometry: Geometry, y: Array, w: Array) -> Array:
    (height, width), k, s, p = geometry.image, geometry.kernel, geometry.stride, geometry.padding
    n, h, v, features = y.shape
    channels = w.shape[2]
    taps = -(-k // s)  # how many groups of s pixels each feature vector reaches along an axis
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


# On a CPU, where a kernel is twice its stride: products of sums and differences.
#
# Grouped by the stride, such a kernel has 2×2 taps k and moves by one over an image d. Along an
# axis,
#
#     y[2t]     = d[2t] k[0]   + d[2t+1] k[1] = m0 + m1,    m0 = (d[2t] - d[2t+1]) k[0]
#     y[2t + 1] = d[2t+1] k[0] + d[2t+2] k[1] = m1 + m2,    m1 = d[2t+1] (k[0] + k[1])
#                                                           m2 = (d[2t+2] - d[2t+1]) k[1]
#
# (Winograd 1980), so that d and k have three parts each, and so have the features that the products
# make. An odd last feature has no m2. T and G need the transposes of the maps to and from parts;
# those of images and features are written out, as XLA is slower on what JAX derives.


def _convolve_winograd(geometry: Geometry, x: Array, w: Array) -> Array:
    images = _nine(_image_parts, _grouped(geometry, x))
    products = [d @ k for d, k in zip(images, _kernels(w), strict=True)]
    return _from_nine(_features, products)


def _transpose_winograd(geometry: Geometry, y: Array, w: Array) -> Array:
    features = _nine(_features_transposed, y)
    products = [y @ k.T for y, k in zip(features, _kernels(w), strict=True)]
    return _ungrouped(geometry, _from_nine(_image_parts_transposed, products))


def _correlate_winograd(geometry: Geometry, x: Array, y: Array) -> Array:
    images, features = _nine(_image_parts, _grouped(geometry, x)), _nine(_features_transposed, y)
    products = [_outer(d, y) for d, y in zip(images, features, strict=True)]
    w = jax.ShapeDtypeStruct((geometry.kernel,) * 2 + (x.shape[3], y.shape[3]), x.dtype)
    (kernel,) = jax.linear_transpose(_kernels, w)(products)
    return kernel


def _nine(parts: Callable[[Array, int], list[Array]], x: Array) -> list[Array]:
    """Nine parts of x: three along axis 1, and of each of these three along axis 2."""
    return [part for row in parts(x, 1) for part in parts(row, 2)]


def _from_nine(whole: Callable[[list[Array], int], Array], parts: list[Array]) -> Array:
    return whole([whole(parts[i : i + 3], 2) for i in (0, 3, 6)], 1)


def _grouped(geometry: Geometry, x: Array) -> Array:
    """Space to depth with padding: f32[N,H,W,C] -> f32[N,h+1,w+1,s·s·C]."""
    (height, width), s, p = geometry.image, geometry.stride, geometry.padding
    h, w = (size + 1 for size in geometry.features)
    # Pixels at the far end that the stride does not reach are cut off.
    far = h * s - height - p, w * s - width - p
    x = lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), (p, far[0], 0), (p, far[1], 0), (0, 0, 0)])
    grouped = x.reshape(x.shape[0], h, s, w, s, x.shape[3]).transpose(0, 1, 3, 2, 4, 5)
    return grouped.reshape(x.shape[0], h, w, -1)


def _ungrouped(geometry: Geometry, d: Array) -> Array:
    """The transpose of `_grouped`: f32[N,h+1,w+1,s·s·C] -> f32[N,H,W,C]."""
    (height, width), s, p = geometry.image, geometry.stride, geometry.padding
    n, h, w, channels = d.shape
    x = d.reshape(n, h, w, s, s, channels // s**2).transpose(0, 1, 3, 2, 4, 5)
    x = x.reshape(n, h * s, w * s, -1)
    far = p + height - h * s, p + width - w * s
    zero = jnp.zeros((), x.dtype)
    return lax.pad(x, zero, [(0, 0, 0), (-p, far[0], 0), (-p, far[1], 0), (0, 0, 0)])


def _kernels(w: Array) -> list[Array]:
    """Nine parts f32[s·s·C,O] of a kernel f32[2s,2s,C,O]."""
    s, (channels, features) = w.shape[0] // 2, w.shape[2:]
    blocks = w.reshape(2, s, 2, s, channels, features).transpose(0, 2, 1, 3, 4, 5)
    parts = _nine(_kernel_parts, blocks.reshape(1, 2, 2, -1, features))
    return [part.reshape(-1, features) for part in parts]


def _image_parts(d: Array, axis: int) -> list[Array]:
    many, few = d.shape[axis] // 2, (d.shape[axis] - 1) // 2
    odd = _every_second(d, axis, 1, many)
    return [
        _every_second(d, axis, 0, many) - odd,
        odd,
        _every_second(d, axis, 2, few) - _first(odd, axis, few),
    ]


def _image_parts_transposed(parts: list[Array], axis: int) -> Array:
    first, middle, last = parts
    many, few = first.shape[axis], last.shape[axis]
    even = _pad(first, axis, 0, 1 + few - many) + _pad(last, axis, 1, 0)
    return _interleaved(even, middle - first - _pad(last, axis, 0, many - few), axis)


def _features(parts: list[Array], axis: int) -> Array:
    first, middle, last = parts
    return _interleaved(first + middle, _first(middle, axis, last.shape[axis]) + last, axis)


def _features_transposed(y: Array, axis: int) -> list[Array]:
    many, few = (y.shape[axis] + 1) // 2, y.shape[axis] // 2
    even, odd = _every_second(y, axis, 0, many), _every_second(y, axis, 1, few)
    return [even, even + _pad(odd, axis, 0, many - few), odd]


def _kernel_parts(w: Array, axis: int) -> list[Array]:
    first, last = jnp.split(w, 2, axis)
    return [first, first + last, last]


def _every_second(x: Array, axis: int, start: int, count: int) -> Array:
    return lax.slice_in_dim(x, start, start + max(2 * count - 1, 0), 2, axis)


def _first(x: Array, axis: int, count: int) -> Array:
    return lax.slice_in_dim(x, 0, count, axis=axis)


def _pad(x: Array, axis: int, before: int, after: int) -> Array:
    return jnp.pad(x, [(before, after) if i == axis else (0, 0) for i in range(x.ndim)])


def _interleaved(even: Array, odd: Array, axis: int) -> Array:
    """The entries of `even` and `odd` in turn along an axis; `even` may have one more."""
    many, few = even.shape[axis], odd.shape[axis]
    pairs = jnp.stack([even, _pad(odd, axis, 0, many - few)], axis + 1)
    return _first(lax.collapse(pairs, axis, axis + 2), axis, many + few)


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


def _transpose_dilated(geometry: Geometry, y: Array, w: Array) -> Array:
    """The transposed convolution as a convolution of features spread apart by zeros."""
    k, s = geometry.kernel, geometry.stride
    near = k - 1 - geometry.padding
    sizes = zip(geometry.image, geometry.features, strict=True)
    return lax.conv_general_dilated(
        y,
        jnp.flip(w, (0, 1)).swapaxes(2, 3),
        window_strides=(1, 1),
        padding=[(near, size + k - 2 - near - (count - 1) * s) for size, count in sizes],
        lhs_dilation=(s, s),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


COLUMNS = Layout(_convolve_columns, _transpose_columns, _correlate_columns)
WINOGRAD = Layout(_convolve_winograd, _transpose_winograd, _correlate_winograd)
NATIVE = Layout(_convolve_native, _transpose_native, _correlate_native)
# For programs that others read: its layouts of arrays are those of plain convolutions.
DILATED = NATIVE._replace(transpose=_transpose_dilated)
WINOGRAD_CHANNELS = 32  # channels of an image from which winograd is the faster one
