"""Export of a trained model's sampling, with its weights, as programs without this package.

StableHLO, by `jax.export`, for JAX alone; writing and reading it needs the package `flatbuffers`.
ONNX, by jax2onnx, for every ONNX runtime. From equal latents both draw what this package draws,
within rounding; a seed given to an exported program gives other latents than here.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import export, lax

from gen_models import programs
from gen_models.algorithm import Array, Images, Labels, Latents, State
from gen_models.errors import UserError
from gen_models.model import Model
from gen_models.nets import conv

PLATFORMS = ("cpu", "cuda", "tpu")
OPSET = 23  # version of the ONNX operators
# --no-deps: jax2onnx requires an older orbax-checkpoint than Flax, not needed for this export.
ONNX_INSTALL = (
    "pip install --no-deps jax2onnx==0.17.1 onnx==1.23.2 onnx-ir==1.1.0 sympy==1.14.0 mpmath==1.3.0"
)


class StableHLO(NamedTuple):
    """Two serialised programs for any number of images."""

    sample: bytes  # seed u32[], Labels -> Images of latents drawn with the seed
    generate: bytes  # Latents, Labels -> Images


def stablehlo(model: Model, state: State) -> StableHLO:
    """Serialise the programs of a state for all of PLATFORMS, which need not be present. Raises
    UserError without `flatbuffers`."""
    algorithm = model.algorithm

    def constant_state() -> State:
        # The barriers keep the compiler from folding weights into each other, which would round
        # differently from programs that take weights as arguments. There is one per leaf, so that
        # unused leaves are dropped.
        return State.of_average(jax.tree.map(lax.optimization_barrier, state.ema))

    def generate(z: Latents, labels: Labels) -> Images:
        return algorithm.generate(constant_state(), z, labels)

    def sample(seed: Array, labels: Labels) -> Images:
        return generate(algorithm.prior(constant_state(), jax.random.key(seed), labels), labels)

    z, labels = _inputs(model)
    seed = jax.ShapeDtypeStruct((), jnp.uint32)
    return StableHLO(
        _serialise(sample, (seed, labels)),
        _serialise(generate, (z, labels)),
    )


def onnx(model: Model, state: State) -> bytes:
    """Serialise a ModelProto: `z` f32[N,Z], `labels` i32[N] -> `images` f32[N,H,W,1] in [-1,1], in
    float32. Raises UserError without jax2onnx."""
    for name in ("jax2onnx", "onnx_ir"):  # both warn about converters for missing packages
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        from jax2onnx import to_onnx
    except ModuleNotFoundError as error:
        raise UserError(f"ONNX needs {error.name}; {ONNX_INSTALL}") from error
    algorithm = replace(model, config=replace(model.config, compute_dtype="float32")).algorithm

    def generate(z: Latents, labels: Labels) -> Images:
        return algorithm.generate(State.of_average(state.ema), z, labels)

    # Traced here because jax2onnx, while it traces, replaces functions of JAX and Flax by others,
    # some of which do not support symbolic sizes.
    inputs = _inputs(model)
    with conv.using(conv.DILATED):
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
    labels = jax.ShapeDtypeStruct((1,), jnp.int32)
    prior = model.algorithm.prior
    return jax.eval_shape(prior, programs.shapes(model), jax.random.key(0), labels).shape[1:]


def _inputs(model: Model) -> tuple[jax.ShapeDtypeStruct, jax.ShapeDtypeStruct]:
    """Shapes of latents f32[N,Z] and labels i32[N] for symbolic N."""
    (count,) = export.symbolic_shape("N")
    z = jax.ShapeDtypeStruct((count, *latent_shape(model)), jnp.float32)
    return z, jax.ShapeDtypeStruct((count,), jnp.int32)


def _serialise(program: Callable[..., Array], inputs: Sequence[jax.ShapeDtypeStruct]) -> bytes:
    """Bytes for `jax.export.deserialize` of the program lowered for each platform."""
    lowered = export.export(jax.jit(program), platforms=PLATFORMS)(*inputs)
    try:
        return bytes(lowered.serialize())
    except ImportError as error:
        raise UserError("exporting needs flatbuffers: pip install flatbuffers") from error
