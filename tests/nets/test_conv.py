"""Convolutions in every layout against XLA's own, to the second derivative, and their algebra."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from gen_models.benchmark.flops import dot_flops
from gen_models.nets import conv
from gen_models.nets.conv import Geometry

# (H, W), kernel, stride, padding. First each kernel at each stride, on odd, even and oblong images;
# then kernels as large as the image or larger, and rows and columns that the stride leaves over.
GEOMETRIES = [
    Geometry((8, 8), 4, 2, 1),
    Geometry((5, 4), 4, 1, 0),
    Geometry((4, 5), 3, 1, 1),
    Geometry((7, 6), 3, 2, 0),
    Geometry((5, 4), 5, 1, 2),
    Geometry((7, 6), 5, 2, 2),
    Geometry((7, 6), 4, 2, 1),
    Geometry((8, 5), 3, 2, 2),
    Geometry((4, 4), 4, 2, 0),
    Geometry((3, 3), 5, 2, 4),
]
# Kernels of twice their stride, for odd and even numbers of features that differ along the axes.
TWICE = [
    Geometry((8, 8), 4, 2, 1),
    Geometry((5, 9), 4, 2, 1),
    Geometry((9, 6), 4, 2, 1),
    Geometry((2, 14), 4, 2, 1),
    Geometry((5, 8), 2, 1, 0),
    Geometry((10, 17), 6, 3, 2),
    Geometry((4, 4), 4, 2, 4),
]
BATCH, CHANNELS, FEATURES = 2, 3, 2

each_kernel_and_stride = pytest.mark.parametrize("geometry", GEOMETRIES[:6], ids=str)


def arrays(geometry):
    """x f32[N,H,W,C], w f32[k,k,C,O], y f32[N,h,w,O], standard normal."""
    shapes = [
        (BATCH, *geometry.image, CHANNELS),
        (geometry.kernel, geometry.kernel, CHANNELS, FEATURES),
        (BATCH, *geometry.features, FEATURES),
    ]
    rng = np.random.default_rng(0)
    return [jnp.array(rng.normal(size=shape), jnp.float32) for shape in shapes]


def convolve(geometry):
    return partial(conv.convolve, stride=geometry.stride, padding=geometry.padding)


def transpose(geometry):
    return partial(
        conv.convolve_transpose,
        image=geometry.image,
        stride=geometry.stride,
        padding=geometry.padding,
    )


def lax_convolve(geometry):
    def reference(x, w):
        return lax.conv_general_dilated(
            x,
            w,
            (geometry.stride,) * 2,
            [(geometry.padding,) * 2] * 2,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )

    return reference


def lax_transpose(geometry):
    """The transpose as a convolution of the features, dilated, with the kernel turned around."""
    k, s, p = geometry.kernel, geometry.stride, geometry.padding

    def reference(y, w):
        # What stride leaves over at the far end of the image is padded there.
        over = [
            n + 2 * p - k - s * (f - 1)
            for n, f in zip(geometry.image, geometry.features, strict=True)
        ]
        return lax.conv_general_dilated(
            y,
            w[::-1, ::-1].swapaxes(2, 3),
            (1, 1),
            [(k - 1 - p, k - 1 - p + rest) for rest in over],
            lhs_dilation=(s, s),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )

    return reference


def derivatives(function, a, b):
    """Value, gradients of a scalar of it, and those of a penalty on the gradients' norms."""

    def scalar(a, b):
        return jnp.sum(jnp.sin(function(a, b)))

    def penalty(a, b):
        grad_a, grad_b = jax.grad(scalar, argnums=(0, 1))(a, b)
        return jnp.sum(grad_a**2) + jnp.sum(grad_b**3)

    gradients = jax.grad(scalar, argnums=(0, 1))(a, b)
    return function(a, b), gradients, jax.grad(penalty, argnums=(0, 1))(a, b)


def assert_close(found, wanted):
    """Equal to float32's precision, relative to the largest value of each array."""

    def close(found, wanted):
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-5 * np.abs(wanted).max())

    jax.tree.map(close, found, wanted)


def assert_has_laxs_derivatives(geometry):
    @jax.jit
    def both(x, w, y):
        ours = derivatives(convolve(geometry), x, w), derivatives(transpose(geometry), y, w)
        laxs = derivatives(lax_convolve(geometry), x, w), derivatives(lax_transpose(geometry), y, w)
        return ours, laxs

    assert_close(*both(*arrays(geometry)))


@each_kernel_and_stride
def test_matrix_products_have_laxs_value_gradients_and_second_derivatives(geometry):
    assert_has_laxs_derivatives(geometry)


@pytest.mark.parametrize("geometry", [GEOMETRIES[0], GEOMETRIES[3]], ids=str)
def test_native_convolutions_have_laxs_value_gradients_and_second_derivatives(geometry):
    with conv.using(conv.NATIVE):
        assert "stablehlo.dot_general" not in lowered_for("cpu", geometry)
        assert_has_laxs_derivatives(geometry)


def flops(program, *args):
    return dot_flops(jax.jit(program).lower(*args).compile().as_text())


@pytest.mark.parametrize("geometry", TWICE[:2], ids=str)
def test_sums_and_differences_have_laxs_value_gradients_and_second_derivatives(geometry):
    x, w, _ = arrays(geometry)
    with conv.using(conv.COLUMNS):
        direct = flops(lambda x, w: convolve(geometry)(x, w), x, w)
    with conv.using(conv.WINOGRAD):
        assert flops(lambda x, w: convolve(geometry)(x, w), x, w) < direct
        assert_has_laxs_derivatives(geometry)


@pytest.mark.parametrize(
    ("layout", "geometry"),
    [(conv.COLUMNS, geometry) for geometry in GEOMETRIES]
    + [(conv.WINOGRAD, geometry) for geometry in TWICE],
)
def test_layouts_of_the_three_maps_are_xlas_and_one_trilinear_form(layout, geometry):
    x, w, y = arrays(geometry)

    @jax.jit
    def maps(x, w, y):
        def of(layout):
            f, t, g = (partial(program, geometry) for program in layout)
            return f(x, w), t(y, w), g(x, y)

        return of(layout), of(conv.NATIVE)

    found, native = jax.tree.map(np.asarray, maps(x, w, y))
    assert_close(found, native)
    convolved, transposed, correlated = found
    form = np.vdot(convolved, y)  # <F(x, w), y> = <x, T(y, w)> = <w, G(x, y)>
    np.testing.assert_allclose(np.vdot(x, transposed), form, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(np.vdot(w, correlated), form, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("channels", "dtype", "fraction"),
    [(32, jnp.float32, 11**2 / 14**2), (31, jnp.float32, 1), (32, jnp.bfloat16, 1)],
)
def test_seven_features_take_11_products_instead_of_14_where_channels_are_many(
    channels, dtype, fraction
):
    geometry, features = Geometry((14, 14), 4, 2, 1), 2
    x, w = jnp.zeros((1, 14, 14, channels), dtype), jnp.zeros((4, 4, channels, features), dtype)
    y = jnp.zeros((1, 7, 7, features), dtype)
    direct = 2 * 7 * 7 * 16 * channels * features
    assert flops(convolve(geometry), x, w) == direct * fraction
    assert flops(transpose(geometry), y, w) == direct * fraction
    # Of a gradient by the kernel, nothing else is left to compute.
    by_kernel = jax.grad(lambda w, x, y: jnp.vdot(convolve(geometry)(x, w), y))
    assert flops(by_kernel, w, x, y) == direct * fraction


@pytest.mark.parametrize("layout", [conv.COLUMNS, conv.WINOGRAD], ids=["columns", "winograd"])
def test_vmap_over_kernels_and_inputs_is_a_loop_over_them(layout):
    geometry = GEOMETRIES[0]
    population = 3
    rng = np.random.default_rng(1)
    x, w, y = (
        jnp.array(rng.normal(size=(population, *each.shape)), jnp.float32)
        for each in arrays(geometry)
    )

    def grads(x, w, y):
        return jax.grad(lambda x, w: jnp.vdot(convolve(geometry)(x, w), y), argnums=(0, 1))(x, w)

    def member(x, w, y):
        return convolve(geometry)(x, w), transpose(geometry)(y, w), grads(x, w, y)

    with conv.using(layout):
        together = jax.jit(jax.vmap(member))(x, w, y)
        alone_program = jax.jit(member)
        alone = [alone_program(x[i], w[i], y[i]) for i in range(population)]
    assert_close(together, jax.tree.map(lambda *each: jnp.stack(each), *alone))


def lowered_for(platform, geometry):
    """The program of both public functions and all their derivatives, for hardware not here too."""
    x, w, y = arrays(geometry)

    def everything(x, w, y):
        return derivatives(convolve(geometry), x, w), derivatives(transpose(geometry), y, w)

    return jax.export.export(jax.jit(everything), platforms=[platform])(x, w, y).mlir_module()


def test_a_tpu_gets_convolutions_and_no_matrix_products():
    program = lowered_for("tpu", GEOMETRIES[0])
    assert "stablehlo.convolution" in program
    assert "stablehlo.dot_general" not in program


@pytest.mark.parametrize("platform", ["cpu", "cuda"])
def test_others_get_matrix_products_and_no_convolution(platform):
    program = lowered_for(platform, GEOMETRIES[0])
    assert "stablehlo.dot_general" in program
    assert "stablehlo.convolution" not in program


def test_bfloat16_stays_bfloat16():
    geometry = GEOMETRIES[0]
    x, w, y = (each.astype(jnp.bfloat16) for each in arrays(geometry))
    features, image = jax.jit(convolve(geometry))(x, w), jax.jit(transpose(geometry))(y, w)
    assert features.dtype == image.dtype == jnp.bfloat16
    exact = lax_convolve(geometry)(*(each.astype(jnp.float32) for each in (x, w)))
    np.testing.assert_allclose(features.astype(jnp.float32), exact, rtol=0.02, atol=0.1)


@pytest.mark.parametrize(
    ("x", "w"),
    [
        ((8, 8, 3), (4, 4, 3, 2)),
        ((2, 8, 8, 3), (4, 4, 3)),
        ((2, 8, 8, 3), (4, 3, 3, 2)),
        ((2, 8, 8, 5), (4, 4, 3, 2)),
    ],
)
def test_unfit_shapes_are_refused_by_name(x, w):
    with pytest.raises(ValueError, match="expected x") as refusal:
        conv.convolve(jnp.zeros(x), jnp.zeros(w))
    assert str(x) in str(refusal.value)
    assert str(w) in str(refusal.value)


@pytest.mark.parametrize("options", [{"stride": 0}, {"padding": -1}, {"padding": 0}])
def test_a_convolution_without_output_is_refused(options):
    with pytest.raises(ValueError, match=r"image=\(3, 9\), kernel=4"):
        conv.convolve(jnp.zeros((2, 3, 9, 1)), jnp.zeros((4, 4, 1, 1)), **options)


@pytest.mark.parametrize(
    ("y", "w"),
    [((4, 4, 2), (4, 4, 3, 2)), ((2, 4, 4, 2), (4, 3, 3, 2)), ((2, 4, 4, 3), (4, 4, 3, 2))],
)
def test_unfit_features_are_refused_by_name(y, w):
    with pytest.raises(ValueError, match="expected y") as refusal:
        conv.convolve_transpose(jnp.zeros(y), jnp.zeros(w), image=(8, 8), stride=2, padding=1)
    assert str(y) in str(refusal.value)
    assert str(w) in str(refusal.value)


def test_a_transpose_onto_an_image_of_the_wrong_size_is_refused():
    with pytest.raises(ValueError, match=r"features \(5, 4\), got \(4, 4\)"):
        conv.convolve_transpose(
            jnp.zeros((2, 4, 4, 2)), jnp.zeros((4, 4, 3, 2)), image=(10, 8), stride=2, padding=1
        )


def test_equal_shapes_are_traced_once(monkeypatch):
    columns, traced = conv.COLUMNS, []

    def convolve(geometry, x, w):
        traced.append(x.shape)
        return columns.convolve(geometry, x, w)

    monkeypatch.setattr(conv, "COLUMNS", columns._replace(convolve=convolve))
    images, w = jnp.zeros((2, 8, 8, 1)), jnp.zeros((4, 4, 1, 1))

    def several():
        return [conv.convolve(x, w, stride=2, padding=1) for x in (images, images + 1, images[:1])]

    jax.eval_shape(several)
    assert traced == [(2, 8, 8, 1), (1, 8, 8, 1)]  # for CPU and GPU alike
