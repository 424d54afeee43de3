"""Strided and transposed convolution, differentiable any number of times in reverse mode.

A convolution y = F(x, w) is bilinear, and so are the two maps that its gradients need:

    F(x, w)   images and kernel  -> features     "convolve"
    T(y, w)   features and kernel -> images      "transpose", the adjoint of F(., w)
    G(x, y)   images and features -> kernel      "correlate", the adjoint of F(x, .)

All three are parts of one trilinear form <F(x, w), y> = <x, T(y, w)> = <w, G(x, y)>, so the
gradients of each are the other two, and derivatives of every order need only the three.
On a TPU all three are XLA's own convolutions (`conv.native`). On a CPU, where those are many
times slower inside a compiled loop, they are matrix products: of each output's taps, gathered into
columns (`conv.columns`), or, where a kernel is twice its stride, of sums and differences
(`conv.winograd`).

An NVIDIA GPU uses columns too: XLA's own convolutions become slow there when operations must be
deterministic, and when kernels are batched, which makes the convolutions grouped. On an H100 a step
of one `dcgan` with 64 images took 0.59 ms with columns and 1.01 ms with XLA's convolutions; a step
of 64 members took 13 and 48 ms.

On a CPU winograd is faster with many channels. Milliseconds with columns and with winograd, on two
cores, 4×4 kernels of stride 2, 64 images of 14×14, float32 (in bfloat16 the sums would lose
precision):

    channels -> features      F              T              G
       8 ->  64           0.6    0.8     0.4    0.9     0.9    1.1
      16 ->  64           1.2    1.4     0.8    1.0     1.8    2.1
      32 ->  64           2.5    2.6     1.5    1.4     3.9    3.4
      64 -> 128           8.0    6.1     5.1    4.9     8.9    7.1
     128 -> 256          30     20      20     17      29     20

Within the step of `dcgan --arch patch --width 64`, where F and G share the parts of an image and T
and G the parts of features, winograd took 0.86 of the time.

Images are f32[N,H,W,C], features f32[N,h,w,O], kernels f32[k,k,C,O]; bfloat16 works too. Padding is
p pixels on every side: h = (H + 2p - k) // s + 1.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial

import jax
import jax.numpy as jnp
from jax import lax

from gen_models.nets.conv.columns import COLUMNS
from gen_models.nets.conv.layout import Array, Geometry, Layout
from gen_models.nets.conv.native import DILATED, NATIVE
from gen_models.nets.conv.winograd import WINOGRAD

__all__ = [
    "COLUMNS",
    "DILATED",
    "NATIVE",
    "WINOGRAD",
    "Geometry",
    "Layout",
    "convolve",
    "convolve_transpose",
    "using",
]

WINOGRAD_CHANNELS = 32  # least number of an image's channels for which winograd is faster


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


_chosen: ContextVar[Layout | None] = ContextVar("chosen", default=None)


@contextmanager
def using(layout: Layout | None) -> Iterator[None]:
    """Use this layout on every platform for programs traced within the block; None: the fastest on
    each platform. For comparisons: values differ only by rounding. Programs traced earlier keep
    their layout. WINOGRAD requires kernels of twice their stride."""
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
    if (layout := _chosen.get()) is not None:
        return _program(layout, name, geometry)(a, b)
    measured = (geometry.kernel, geometry.stride) == (4, 2) and a.dtype == jnp.float32
    cpu = WINOGRAD if measured and channels >= WINOGRAD_CHANNELS else COLUMNS
    layouts = {"cpu": cpu, "cuda": COLUMNS, "default": NATIVE}
    programs = {on: _program(layout, name, geometry) for on, layout in layouts.items()}
    return lax.platform_dependent(a, b, **programs)


@cache
def _program(layout: Layout, name: str, geometry: Geometry) -> Callable[[Array, Array], Array]:
    """One of the three maps in a layout; always the same object, which JAX traces once per
    shape."""
    return partial(getattr(layout, name), geometry)
