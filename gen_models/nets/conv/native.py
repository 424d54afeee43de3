"""XLA's own convolution, and its adjoints as XLA derives them."""

import jax
import jax.numpy as jnp
from jax import lax

from gen_models.nets.conv.layout import Array, Geometry, Layout


def convolve(geometry: Geometry, x: Array, w: Array) -> Array:
    """F: x f32[N,H,W,C], w f32[k,k,C,O] -> f32[N,h,w,O]."""
    p = geometry.padding
    return lax.conv_general_dilated(
        x,
        w,
        window_strides=(geometry.stride,) * 2,
        padding=((p, p), (p, p)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def transpose(geometry: Geometry, y: Array, w: Array) -> Array:
    """T: y f32[N,h,w,O], w f32[k,k,C,O] -> f32[N,H,W,C]."""
    x = jax.ShapeDtypeStruct((y.shape[0], *geometry.image, w.shape[2]), y.dtype)
    (image,) = jax.linear_transpose(lambda x: convolve(geometry, x, w), x)(y)
    return image


def correlate(geometry: Geometry, x: Array, y: Array) -> Array:
    """G: x f32[N,H,W,C], y f32[N,h,w,O] -> f32[k,k,C,O]."""
    k = geometry.kernel
    w = jax.ShapeDtypeStruct((k, k, x.shape[3], y.shape[3]), x.dtype)
    (kernel,) = jax.linear_transpose(lambda w: convolve(geometry, x, w), w)(y)
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


NATIVE = Layout(convolve, transpose, correlate)
# For programs that other software reads: the arrays have the layouts of plain convolutions.
DILATED = NATIVE._replace(transpose=_transpose_dilated)
