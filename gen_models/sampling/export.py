"""A trained model's sampling as programs that need nothing of this package, its weights inside.

StableHLO, by `jax.export`, for JAX alone; writing and reading it needs the package `flatbuffers`.
ONNX, by jax2onnx, for every ONNX runtime. Both draw what this package draws, within rounding.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import export, lax

from gen_models.algorithm import Array, Images, Labels, Latents, State
from gen_models.errors import UserError
from gen_models.model import Model
from gen_models.nets import conv
from gen_models.nets.conv import Geometry

PLATFORMS = ("cpu", "cuda", "tpu")
OPSET = 23  # of ONNX
# jax2onnx asks for an older orbax-checkpoint than Flax does, which it does not need for this.
ONNX_INSTALL = (
    "pip install --no-deps jax2onnx==0.17.1 onnx==1.23.2 onnx-ir==1.1.0 sympy==1.14.0 mpmath==1.3.0"
)


class StableHLO(NamedTuple):
    """Two serialised programs, for any number of images.

    sample    seed u32[], Labels -> Images of latents drawn with it
    generate  Latents, Labels -> Images
    """

    sample: bytes
    generate: bytes


def stablehlo(model: Model, state: State, platforms: Sequence[str] = PLATFORMS) -> StableHLO:
    """The programs of a state for all of `platforms`, none of which need be present. Raises
    UserError without `flatbuffers`."""
    algorithm = model.algorithm

    def generate(z: Latents, labels: Labels) -> Images:
        # The barriers keep the compiler from folding weights into each other, which rounds
        # otherwise than programs do that take them as arguments. One for each leaf, so that leaves
        # that are not used are dropped.
        ema = jax.tree.map(lax.optimization_barrier, state.ema)
        return algorithm.generate(_averaged(ema), z, labels)

    def sample(seed: Array, labels: Labels) -> Images:
        return generate(algorithm.prior(jax.random.key(seed), labels.shape[0]), labels)

    z, labels = _inputs(model)
    seed = jax.ShapeDtypeStruct((), jnp.uint32)
    return StableHLO(
        _serialised(sample, (seed, labels), platforms),
        _serialised(generate, (z, labels), platforms),
    )


def onnx(model: Model, state: State) -> bytes:
    """A ModelProto: `z` f32[N,Z], `labels` i32[N] -> `images` f32[N,H,W,1] in [-1,1], computed in
    float32. Raises UserError without jax2onnx."""
    for name in ("jax2onnx", "onnx_ir"):  # which warn of converters for what is not installed
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        from jax2onnx import to_onnx
    except ModuleNotFoundError as error:
        raise UserError(f"ONNX needs {error.name}; {ONNX_INSTALL}") from error
    algorithm = replace(model, config=replace(model.config, compute_dtype="float32")).algorithm

    def generate(z: Latents, labels: Labels) -> Images:
        return algorithm.generate(_averaged(state.ema), z, labels)

    # Traced here and not by jax2onnx, which replaces functions of JAX and Flax while it traces, of
    # which some know no symbolic sizes.
    inputs = _inputs(model)
    with conv.using(conv.NATIVE._replace(transpose=_dilated_transpose)):
        program = jax.make_jaxpr(generate)(*inputs)
    converted = to_onnx(
        lambda *arrays: jax.core.eval_jaxpr(program.jaxpr, program.consts, *arrays)[0],
        inputs=inputs,
        input_names=["z", "labels"],
        output_names=["images"],
        model_name="generate",
        opset=OPSET,
    )
    return converted.SerializeToString()


def latent_shape(model: Model) -> tuple[int, ...]:
    """The shape of one latent."""
    return jax.eval_shape(lambda key: model.algorithm.prior(key, 1), jax.random.key(0)).shape[1:]


def _averaged(ema: Any) -> State:  # noqa: ANN401
    """A state that has what sampling reads, and nothing of what training needs."""
    return State(step=jnp.int32(0), params={}, stats={}, opt={}, ema=ema, extra=())


def _inputs(model: Model) -> tuple[jax.ShapeDtypeStruct, jax.ShapeDtypeStruct]:
    """Latents f32[N,Z] and labels i32[N], for any N."""
    (count,) = export.symbolic_shape("N")
    z = jax.ShapeDtypeStruct((count, *latent_shape(model)), jnp.float32)
    return z, jax.ShapeDtypeStruct((count,), jnp.int32)


def _serialised(
    program: Callable[..., Array], inputs: Sequence[jax.ShapeDtypeStruct], platforms: Sequence[str]
) -> bytes:
    """The program, lowered for each platform, as `jax.export.deserialize` reads it."""
    lowered = export.export(jax.jit(program), platforms=tuple(platforms))(*inputs)
    try:
        return bytes(lowered.serialize())
    except ImportError as error:
        advice = 'pip install "gen-models[export]"'
        raise UserError(f"exporting needs flatbuffers; {advice}") from error


def _dilated_transpose(geometry: Geometry, y: Array, w: Array) -> Array:
    """The transposed convolution as one of features spread apart, in a layout that jax2onnx knows:
    it does not know those that JAX makes when it derives a transpose."""
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
