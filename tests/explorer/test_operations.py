"""Each operation of the page computes what JAX computes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from node_js import case, needs_node, run

from gen_models.explorer.program import PARAMETERS, program
from gen_models.nets import conv

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4)).astype(np.float32)
Y = RNG.normal(size=(3, 4)).astype(np.float32)
ROW = RNG.normal(size=(1, 4)).astype(np.float32)
POSITIVE = np.abs(X) + np.float32(0.1)
SHARES = np.linspace(-0.999999, 0.999999, 12, dtype=np.float32).reshape(3, 4)
FAR = np.linspace(-6, 6, 12, dtype=np.float32).reshape(3, 4)
WHOLE = RNG.integers(-9, 9, (3, 4)).astype(np.int32)
BITS = RNG.integers(0, 2**32, (3, 4), dtype=np.uint32)
CUBE = RNG.normal(size=(2, 3, 4)).astype(np.float32)
OTHER = RNG.normal(size=(4, 2, 5)).astype(np.float32)
IMAGES = RNG.normal(size=(2, 8, 12, 3)).astype(np.float32)
MAPS = RNG.normal(size=(2, 4, 6, 5)).astype(np.float32)
KERNEL = RNG.normal(size=(4, 4, 3, 5)).astype(np.float32)
SMALL = RNG.normal(size=(3, 3, 3, 5)).astype(np.float32)
HALVES = np.array([[-1.5, -0.5, 0.5, 1.5]], np.float32)
UNARY = "abs ceil cos exp expm1 floor logistic neg sign sin square tanh"
BINARY = "add div max min mul sub eq ge gt le lt ne"

# Name of the case -> function, its inputs. Its first word is an operation.
CASES = {
    **{name: (getattr(lax, name), [X]) for name in UNARY.split()},
    **{name: (getattr(lax, name), [X, Y]) for name in BINARY.split()},
    **{name: (getattr(lax, name), [POSITIVE]) for name in ("log", "log1p", "rsqrt", "sqrt")},
    "erf": (lax.erf, [FAR]),
    "erfc": (lax.erfc, [FAR]),
    "erf_inv": (lax.erf_inv, [SHARES]),
    "round": (lambda x: lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN), [HALVES]),
    "pow": (lax.pow, [POSITIVE, Y]),
    "rem": (lax.rem, [X, Y]),
    "rem of whole numbers": (lax.rem, [WHOLE, np.full_like(WHOLE, 4)]),
    "div of whole numbers": (lax.div, [WHOLE, np.full_like(WHOLE, 4)]),
    "mul wraps": (lax.mul, [BITS, BITS]),
    "add wraps": (lax.add, [BITS, BITS]),
    "sub wraps": (lax.sub, [BITS, BITS[::-1].copy()]),
    "and": (jnp.bitwise_and, [BITS, BITS[::-1].copy()]),
    "or": (jnp.bitwise_or, [BITS, BITS[::-1].copy()]),
    "xor": (jnp.bitwise_xor, [BITS, BITS[::-1].copy()]),
    "not": (jnp.bitwise_not, [BITS]),
    "not of conditions": (lambda x, y: jnp.logical_not(x < y), [X, Y]),
    "shift_left": (lax.shift_left, [BITS, np.full_like(BITS, 7)]),
    "shift_right_logical": (lax.shift_right_logical, [BITS, np.full_like(BITS, 9)]),
    "shift_right_logical by all": (lax.shift_right_logical, [BITS, np.full_like(BITS, 32)]),
    "select_n": (lambda x, y: jnp.where(x < y, x, y), [X, Y]),
    "add of a row": (lax.add, [X, ROW]),
    "mul by a row": (lambda row, x: row * x, [ROW, X]),
    "sub from a number": (lambda x: 1.0 - x, [X]),
    "integer_pow": (lambda x: x**3, [X]),
    "convert_element_type": (lambda x: (3 * x).astype(jnp.int32), [X]),
    "convert_element_type of conditions": (lambda x: (x > 0).astype(jnp.float32), [X]),
    "bitcast_convert_type": (lambda x: lax.bitcast_convert_type(x, jnp.int32), [X]),
    "argmax": (lambda x: jnp.argmax(x, axis=1), [CUBE]),
    "argmin": (lambda x: jnp.argmin(x, axis=2), [CUBE]),
    "reduce_max": (lambda x: jnp.max(x, axis=(0, 2)), [CUBE]),
    "reduce_min": (lambda x: jnp.min(x, axis=1), [CUBE]),
    "reduce_sum": (lambda x: jnp.sum(x, axis=(1, 2)), [CUBE]),
    "cumsum": (lambda x: jnp.cumsum(x, axis=1), [CUBE]),
    "cumsum backwards": (lambda x: lax.cumsum(x, axis=2, reverse=True), [CUBE]),
    "broadcast_in_dim": (lambda x: jnp.broadcast_to(x[:, None], (3, 5, 4)), [X]),
    "concatenate": (lambda x, y: jnp.concatenate([x, y, x], axis=1), [CUBE, CUBE[:, :1].copy()]),
    "gather": (lambda x: x[jnp.array([2, 0, 2])], [X]),
    "iota": (lambda x: x + lax.broadcasted_iota(jnp.float32, (3, 4), 1), [X]),
    "pad": (lambda x: lax.pad(x, jnp.float32(7), [(1, 2, 0), (0, 1, 2)]), [X]),
    "reshape": (lambda x: x.reshape(4, 6), [CUBE]),
    "rev": (lambda x: lax.rev(x, (0, 2)), [CUBE]),
    "slice": (lambda x: x[:, 1:, ::2], [CUBE]),
    "split": (lambda x: sum(jnp.split(x, [1], axis=2)[:1]), [CUBE]),
    "squeeze": (lambda x: jnp.squeeze(x, 0), [ROW]),
    "transpose": (lambda x: x.transpose(2, 0, 1), [CUBE]),
    "dot_general": (lambda x, y: x @ y.T, [X, Y]),
    "dot_general over two axes": (
        lambda x, y: jnp.tensordot(x, y, ([0, 2], [1, 0])),
        [CUBE, OTHER],
    ),
    "conv_general_dilated": (
        lambda x, w: conv.convolve(x, w, stride=2, padding=1),
        [IMAGES, KERNEL],
    ),
    "conv_general_dilated of 3×3": (lambda x, w: conv.convolve(x, w, padding=1), [IMAGES, SMALL]),
    "conv_general_dilated transposed": (
        lambda y, w: conv.convolve_transpose(y, w, image=(8, 12), stride=2, padding=1),
        [MAPS, KERNEL],
    ),
    "scan": (lambda x: lax.scan(lambda c, row: (c * 0.5 + row, c), x[0], x)[1], [X]),
    "scan backwards": (
        lambda x: lax.scan(lambda c, row: (c * 0.5 + row, c), x[0], x, reverse=True)[0],
        [X],
    ),
    "random_bits": (lambda s: jax.random.bits(jax.random.key(s), (5, 3)), [np.uint32(7)]),
    "random_seed": (lambda s: jax.random.bits(jax.random.key(s)), [np.uint32(2**32 - 1)]),
    "random_fold_in": (
        lambda s: jax.random.bits(jax.random.fold_in(jax.random.key(s), 2**31 + 1), (4,)),
        [np.uint32(7)],
    ),
    "random_split": (
        lambda s: jax.random.bits(jax.random.split(jax.random.key(s), 3)[2], (4,)),
        [np.uint32(7)],
    ),
    "random_bits as normal": (
        lambda s: jax.random.normal(jax.random.key(s), (4, 5)),
        [np.uint32(7)],
    ),
    "random_bits as categories": (
        lambda s: jax.random.categorical(jax.random.key(s), jnp.zeros((6, 5))),
        [np.uint32(7)],
    ),
    "random_bits as whole numbers": (
        lambda s: jax.random.randint(jax.random.key(s), (9,), 0, 10),
        [np.uint32(7)],
    ),
}


def _case(operation):
    function, inputs = operation
    named = {f"x{i}": np.asarray(x) for i, x in enumerate(inputs)}

    def called(weights, **values):
        del weights
        return function(*(values[name] for name in named))

    return called, named


@pytest.fixture(scope="module")
def outputs():
    """What the page computes for each case."""
    with conv.using(conv.DILATED):
        cases = [case(called, {}, named) for called, named in map(_case, CASES.values())]
    return dict(zip(CASES, run(cases), strict=True))


@needs_node
@pytest.mark.parametrize("name", CASES)
def test_operation_computes_what_jax_computes(outputs, name):
    function, inputs = CASES[name]
    wanted = np.asarray(function(*map(jnp.asarray, inputs)))
    np.testing.assert_allclose(outputs[name][0], wanted.ravel().astype(np.float64), 2e-6, 2e-6)


def test_every_operation_has_a_case():
    def names(written):
        for name, _, _, parameters in written.operations:
            yield name
            yield from (
                operation[0] for operation in parameters.get("body", {}).get("operations", ())
            )

    used = set()
    with conv.using(conv.DILATED):
        for called, named in map(_case, CASES.values()):
            shapes = {name: jax.ShapeDtypeStruct(x.shape, x.dtype) for name, x in named.items()}
            used |= set(names(program(called, {}, shapes)))
    assert used == set(PARAMETERS)
