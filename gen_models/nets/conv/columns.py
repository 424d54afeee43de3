"""Products of matrices whose rows are the taps of each output.

F gathers the k·k taps of each output into columns and takes one product with the kernel. The
columns are contiguous runs of C values; G, transposed features times columns, needs the same
columns, so the compiler builds them once. (That order is 1.4 times faster than transposed columns
times features.) T is one product from each feature vector to all its k·k·C taps, then shifted adds
on the space-to-depth image, which fuse with the operations after them. T multiplies nothing by
zero; gathering columns as F does took twice the time, and 20 times for a single output channel.
"""

import jax.numpy as jnp
from jax import lax

from gen_models.nets.conv.layout import Array, Geometry, Layout


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


def convolve(geometry: Geometry, x: Array, w: Array) -> Array:
    """F: x f32[N,H,W,C], w f32[k,k,C,O] -> f32[N,h,w,O]."""
    flat = _columns(geometry, x) @ w.reshape(-1, w.shape[3])
    return flat.reshape(x.shape[0], *geometry.features, w.shape[3])


def correlate(geometry: Geometry, x: Array, y: Array) -> Array:
    """G: x f32[N,H,W,C], y f32[N,h,w,O] -> f32[k,k,C,O]."""
    kernel = outer(_columns(geometry, x), y)
    return kernel.reshape(geometry.kernel, geometry.kernel, x.shape[3], y.shape[3])


def outer(x: Array, y: Array) -> Array:
    """Sum of outer products: x f32[…,I], y f32[…,O] -> f32[I,O]."""
    turned = y.reshape(-1, y.shape[-1]).T @ x.reshape(-1, x.shape[-1])
    # The barrier keeps the compiler from rewriting the product into the slow order.
    return lax.optimization_barrier(turned).T


def transpose(geometry: Geometry, y: Array, w: Array) -> Array:
    """T: y f32[N,h,w,O], w f32[k,k,C,O] -> f32[N,H,W,C]."""
    (height, width), k, s, p = geometry.image, geometry.kernel, geometry.stride, geometry.padding
    n, h, v, features = y.shape
    channels = w.shape[2]
    taps = -(-k // s)  # how many groups of s pixels each feature vector reaches along an axis
    # Kernel blocks of s×s taps, so that what one shift moves is contiguous in the product.
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


COLUMNS = Layout(convolve, transpose, correlate)
