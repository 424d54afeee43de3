"""Products of sums and differences, where a kernel is twice its stride.

Grouped by the stride, such a kernel has 2×2 taps k and moves by one over an image d. Along an axis,

    y[2t]     = d[2t] k[0]   + d[2t+1] k[1] = m0 + m1,    m0 = (d[2t] - d[2t+1]) k[0]
    y[2t + 1] = d[2t+1] k[0] + d[2t+2] k[1] = m1 + m2,    m1 = d[2t+1] (k[0] + k[1])
                                                          m2 = (d[2t+2] - d[2t+1]) k[1]

(Winograd 1980; Lavin & Gray 2016, §4.1), three products instead of four: along both axes 9 instead
of 16, and 11 by 11 instead of 14 by 14 for 7 features. So d and k have three parts each, as have
the features that the products give. An odd last feature has no m2. T and G need the transposes of
the maps to and from parts; those for images and features are written out, because XLA is slower on
the transposes that JAX derives.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

from gen_models.nets.conv.columns import outer
from gen_models.nets.conv.layout import Array, Geometry, Layout


def convolve(geometry: Geometry, x: Array, w: Array) -> Array:
    """F: x f32[N,H,W,C], w f32[k,k,C,O] -> f32[N,h,w,O]."""
    images = _nine(_image_parts, _grouped(geometry, x))
    products = [d @ k for d, k in zip(images, _kernels(w), strict=True)]
    return _from_nine(_features, products)


def transpose(geometry: Geometry, y: Array, w: Array) -> Array:
    """T: y f32[N,h,w,O], w f32[k,k,C,O] -> f32[N,H,W,C]."""
    features = _nine(_features_transposed, y)
    products = [y @ k.T for y, k in zip(features, _kernels(w), strict=True)]
    return _ungrouped(geometry, _from_nine(_image_parts_transposed, products))


def correlate(geometry: Geometry, x: Array, y: Array) -> Array:
    """G: x f32[N,H,W,C], y f32[N,h,w,O] -> f32[k,k,C,O]."""
    images, features = _nine(_image_parts, _grouped(geometry, x)), _nine(_features_transposed, y)
    products = [outer(d, y) for d, y in zip(images, features, strict=True)]
    w = jax.ShapeDtypeStruct((geometry.kernel,) * 2 + (x.shape[3], y.shape[3]), x.dtype)
    (kernel,) = jax.linear_transpose(_kernels, w)(products)
    return kernel


def _nine(parts: Callable[[Array, int], list[Array]], x: Array) -> list[Array]:
    """Nine parts of x: three along axis 1, each split into three along axis 2."""
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


WINOGRAD = Layout(convolve, transpose, correlate)
