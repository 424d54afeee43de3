"""A JAX function as a list of operations that the page's JavaScript can run.

JAX traces the function, and this module writes down the traced operations. Any model runs in the
page if it uses only the operations in `PARAMETERS`, each of which has a function of the same name
in page/*.js. A new model needs no code for the page.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var

from gen_models.algorithm import Array, PyTree
from gen_models.errors import UserError
from gen_models.storage.tensors import named

DTYPES = {"float32": "f32", "int32": "i32", "uint32": "u32", "bool": "bool"}
WORDS = 2  # u32 numbers in a random key
MIX = "mix"


class UnsupportedError(UserError):
    """A function that the page has no operations for."""


class Operation(NamedTuple):
    """One operation of a program."""

    name: str  # a key of PARAMETERS
    sources: list[int]  # numbers of the values that it takes
    results: list[int]  # numbers of the values that it gives
    parameters: dict[str, Any]


class Program(NamedTuple):
    """A function as operations on numbered values.

    values      dtype and shape of each value, by its number
    inputs      number of each input that is used, by name
    weights     number of each weight, by name
    constants   number -> array, for all other values that are known beforehand
    operations  in the order in which they are done
    outputs     numbers of the results
    """

    values: list[tuple[str, tuple[int, ...]]]
    inputs: dict[str, int]
    weights: dict[str, int]
    constants: dict[int, np.ndarray]
    operations: list[Operation]
    outputs: list[int]


def program(
    function: Callable[..., Array], weights: PyTree, inputs: Mapping[str, jax.ShapeDtypeStruct]
) -> Program:
    """The program of `function(weights, **inputs)`, `weights` being a tree of arrays or shapes.

    Labels i32[N] that are used only as one-hot vectors, as in all nets, become an input `mix`
    f32[N,K], which may lie between classes. Raises UnsupportedError.
    """
    traced = jax.make_jaxpr(lambda weights, inputs: function(weights, **inputs))(weights, inputs)
    names = sorted(inputs)  # as JAX arranges the values of a dictionary
    writer = _Writer()
    leaves = list(named(weights))
    numbers = [writer.value(var.aval) for var in traced.jaxpr.invars]
    writer.labels = {numbers[len(leaves) + i] for i, name in enumerate(names) if name == "labels"}
    outputs = writer.inline(traced, numbers)
    kept = _needed(writer.operations, outputs)
    used = {number for operation in kept for number in operation.sources} | set(outputs)
    pairs = zip([*leaves, *names], numbers, strict=True)
    used_numbers = {name: number for name, number in pairs if number in used}
    if writer.mix is not None and writer.mix in used:
        used_numbers[MIX] = writer.mix
    return Program(
        values=writer.values,
        inputs={name: n for name, n in used_numbers.items() if name in (*names, MIX)},
        weights={name: n for name, n in used_numbers.items() if name in leaves},
        constants={number: x for number, x in writer.constants.items() if number in used},
        operations=kept,
        outputs=outputs,
    )


class _Writer:
    """The operations written so far, with called functions inlined."""

    def __init__(self) -> None:
        self.values: list[tuple[str, tuple[int, ...]]] = []
        self.constants: dict[int, np.ndarray] = {}
        self.operations: list[Operation] = []
        self.labels: set[int] = set()
        self.mix: int | None = None

    def value(self, aval: Any) -> int:  # an abstract value of JAX
        self.values.append(_kind(aval))
        return len(self.values) - 1

    def constant(self, x: Any, aval: Any) -> int:  # array-like
        number = self.value(aval)
        self.constants[number] = np.asarray(x, aval.dtype)
        return number

    def inline(self, closed: ClosedJaxpr, arguments: Sequence[int]) -> list[int]:
        """Write a function's operations for these arguments. Returns the numbers of its results."""
        jaxpr: Jaxpr = closed.jaxpr
        constants = (
            self.constant(x, v.aval) for x, v in zip(closed.consts, jaxpr.constvars, strict=True)
        )
        numbers = dict(zip(jaxpr.constvars, constants, strict=True))
        numbers |= dict(zip(jaxpr.invars, arguments, strict=True))

        def number(atom: Var | Literal) -> int:
            if isinstance(atom, Literal):
                return self.constant(atom.val, atom.aval)
            return numbers[atom]

        for equation in jaxpr.eqns:
            results = self.write(equation, [number(atom) for atom in equation.invars])
            numbers |= dict(zip(equation.outvars, results, strict=True))
        return [number(atom) for atom in jaxpr.outvars]

    def write(self, equation: JaxprEqn, sources: list[int]) -> list[int]:
        """Write one equation. Returns the numbers of its results."""
        name, parameters = equation.primitive.name, equation.params
        if parameters.get("name") == "_one_hot" and sources[0] in self.labels:
            return [self._mix_input(equation)]
        for called in ("jaxpr", "call_jaxpr"):
            if name in CALLS and called in parameters:
                inner = parameters[called]
                closed = inner if isinstance(inner, ClosedJaxpr) else ClosedJaxpr(inner, ())
                return self.inline(closed, sources)
        if name in SAME_VALUE:
            return sources
        if name == "unstack":  # from JAX 0.11 on
            return self._write_unstack(equation, sources)
        if name not in PARAMETERS:
            raise UnsupportedError(f"the page has no operation {name}")
        _check_keys(equation)
        results = [self.value(variable.aval) for variable in equation.outvars]
        self.operations.append(Operation(name, sources, results, PARAMETERS[name](equation)))
        return results

    def _write_unstack(self, equation: JaxprEqn, sources: list[int]) -> list[int]:
        """Write `unstack` as a slice and a squeeze per index. Returns the results' numbers."""
        (variable,), axis = equation.invars, equation.params["axis"]
        whole, results = variable.aval, [self.value(output.aval) for output in equation.outvars]
        for place, result in enumerate(results):
            ends = [(0, size) for size in whole.shape]
            ends[axis] = place, place + 1
            part = self.value(whole.update(shape=tuple(end - start for start, end in ends)))
            parameters = _slice_parameters(whole, [start for start, _ in ends], [1] * len(ends))
            self.operations.append(Operation("slice", sources, [part], parameters))
            self.operations.append(Operation("squeeze", [part], [result], {}))
        return results

    def _mix_input(self, equation: JaxprEqn) -> int:
        if self.mix is None:
            self.mix = self.value(equation.outvars[0].aval)
        return self.mix


def _needed(operations: list[Operation], outputs: list[int]) -> list[Operation]:
    """The operations that the outputs depend on."""
    needed, kept = set(outputs), []
    for operation in reversed(operations):
        if needed & set(operation.results):
            kept.append(operation)
            needed |= set(operation.sources)
    return kept[::-1]


def _check_keys(equation: JaxprEqn) -> None:
    """Raises UnsupportedError for uses of random keys that the page lacks: generators other than
    Threefry-2x32, and operations on several keys, except those that take one of them."""
    name = equation.primitive.name
    for variable in (*equation.invars, *equation.outvars):
        if not jnp.issubdtype(variable.aval.dtype, jax.dtypes.prng_key):
            continue
        if "fry" not in str(variable.aval.dtype):
            raise UnsupportedError("the page has no random numbers but those of Threefry-2x32")
        several = variable.aval.shape and variable in equation.invars
        if several and name not in ("slice", "squeeze", "reshape"):
            raise UnsupportedError(f"the page has no {name} of several random keys")


def _kind(aval: Any) -> tuple[str, tuple[int, ...]]:  # an abstract value of JAX
    if jnp.issubdtype(aval.dtype, jax.dtypes.prng_key):
        return "u32", (*aval.shape, WORDS)
    if aval.dtype.name not in DTYPES:
        raise UnsupportedError(f"the page has no numbers of type {aval.dtype.name}")
    return DTYPES[aval.dtype.name], tuple(aval.shape)


# Parameters of the operations, as the page takes them.


def _nothing(equation: JaxprEqn) -> dict[str, Any]:
    del equation
    return {}


def _of(*names: str) -> Callable[[JaxprEqn], dict[str, Any]]:
    return lambda equation: {name: _plain(equation.params[name]) for name in names}


def _plain(value: Any) -> Any:  # JSON
    return [int(number) for number in value] if isinstance(value, tuple) else value


def _product(equation: JaxprEqn) -> dict[str, Any]:
    (left, right), batch = equation.params["dimension_numbers"]
    if batch != ((), ()):
        raise UnsupportedError("the page has no products of batches of matrices")
    return {"left": list(left), "right": list(right)}


def _convolution(equation: JaxprEqn) -> dict[str, Any]:
    parameters = equation.params
    numbers = parameters["dimension_numbers"]
    layout = (numbers.lhs_spec, numbers.rhs_spec, numbers.out_spec)
    single = parameters["feature_group_count"] == parameters["batch_group_count"] == 1
    if layout != ((0, 3, 1, 2), (3, 2, 0, 1), (0, 3, 1, 2)) or not single:
        raise UnsupportedError("the page has convolutions of NHWC by HWIO alone, without groups")
    if set(parameters["rhs_dilation"]) != {1}:
        raise UnsupportedError("the page has no dilated kernels")
    return {
        "stride": list(parameters["window_strides"]),
        "before": [low for low, _ in parameters["padding"]],
        "dilation": list(parameters["lhs_dilation"]),
    }


def _rows(equation: JaxprEqn) -> dict[str, Any]:
    """A gather of whole rows of a table."""
    numbers, sizes = equation.params["dimension_numbers"], equation.params["slice_sizes"]
    table = equation.invars[0].aval.shape
    axes = equation.invars[1].aval.ndim - 1  # axes of row numbers, first in the result
    rows = numbers.start_index_map == (0,) and numbers.collapsed_slice_dims == (0,)
    rows &= numbers.offset_dims == tuple(range(axes, axes + len(table) - 1))
    if not rows or sizes != (1, *table[1:]) or numbers.operand_batching_dims:
        raise UnsupportedError("the page takes rows of tables alone by number")
    return {}


def _rounding(equation: JaxprEqn) -> dict[str, Any]:
    if equation.params["rounding_method"] != lax.RoundingMethod.TO_NEAREST_EVEN:
        raise UnsupportedError("the page rounds halves to even numbers alone")
    return {}


def _slice(equation: JaxprEqn) -> dict[str, Any]:
    start, strides = equation.params["start_indices"], equation.params["strides"]
    return _slice_parameters(equation.invars[0].aval, start, strides or (1,) * len(start))


def _slice_parameters(aval: Any, start: Sequence[int], strides: Sequence[int]) -> dict[str, Any]:
    if jnp.issubdtype(aval.dtype, jax.dtypes.prng_key):
        start, strides = (*start, 0), (*strides, 1)
    return {"start": list(start), "strides": list(strides)}


def _pad(equation: JaxprEqn) -> dict[str, Any]:
    config = equation.params["padding_config"]
    if any(low < 0 or high < 0 for low, high, _ in config):
        raise UnsupportedError("the page has no padding that cuts off")
    return {
        "before": [low for low, _, _ in config],
        "spacing": [inner + 1 for _, _, inner in config],
    }


def _scan(equation: JaxprEqn) -> dict[str, Any]:
    parameters = equation.params
    writer = _Writer()
    closed: ClosedJaxpr = parameters["jaxpr"]
    arguments = [writer.value(variable.aval) for variable in closed.jaxpr.invars]
    outputs = writer.inline(closed, arguments)
    body = Program(
        writer.values,
        {str(i): number for i, number in enumerate(arguments)},
        {},
        writer.constants,
        writer.operations,
        outputs,
    )
    constants, carried = _kinds_of_arguments(parameters)
    return {
        "constants": constants,
        "carried": carried,
        "length": parameters["length"],
        "backwards": parameters["reverse"],
        "body": to_json(body),
    }


def _kinds_of_arguments(scan: Mapping[str, Any]) -> tuple[int, int]:
    """Numbers of constant and of carried arguments of a scan's body."""
    if "ft_in" in scan:  # from JAX 0.11 on
        constants, carried, _ = scan["ft_in"].unpack()
        return len(constants), len(carried)
    return scan["num_consts"], scan["num_carry"]


CALLS = ("jit", "pjit", "closed_call", "custom_jvp_call", "custom_vjp_call", "remat", "checkpoint")
SAME_VALUE = ("stop_gradient", "copy", "optimization_barrier", "random_wrap", "random_unwrap")
ELEMENTWISE = (
    "abs add and ceil cos div eq erf erf_inv erfc exp expm1 floor ge gt le log log1p logistic lt "
    "max min mul ne neg not or pow rem rsqrt select_n shift_left shift_right_logical sign "
    "sin sqrt square sub tanh xor"
)
PARAMETERS: dict[str, Callable[[JaxprEqn], dict[str, Any]]] = {
    **dict.fromkeys(ELEMENTWISE.split(), _nothing),
    "argmax": _of("axes"),
    "argmin": _of("axes"),
    "bitcast_convert_type": _nothing,
    "broadcast_in_dim": _of("broadcast_dimensions"),
    "concatenate": _of("dimension"),
    "conv_general_dilated": _convolution,
    "convert_element_type": _nothing,
    "cumsum": _of("axis", "reverse"),
    "dot_general": _product,
    "gather": _rows,
    "integer_pow": _of("y"),
    "iota": _of("dimension"),
    "pad": _pad,
    "random_bits": _nothing,
    "random_fold_in": _nothing,
    "random_seed": _nothing,
    "random_split": _nothing,
    "reduce_max": _of("axes"),
    "reduce_min": _of("axes"),
    "reduce_sum": _of("axes"),
    "reshape": _nothing,
    "rev": _of("dimensions"),
    "round": _rounding,
    "scan": _scan,
    "slice": _slice,
    "split": _of("axis"),
    "squeeze": _nothing,
    "transpose": _of("permutation"),
}


def to_json(written: Program) -> dict[str, Any]:
    """The program as a JSON object, its (small) constants as flat lists that JavaScript reads."""

    def as_json(x: float) -> float | str:
        return x if np.isfinite(x) else {np.inf: "Infinity", -np.inf: "-Infinity"}.get(x, "NaN")

    constants = {
        number: [as_json(element) for element in np.ravel(x).tolist()]
        for number, x in written.constants.items()
    }
    return written._asdict() | {"constants": constants}
