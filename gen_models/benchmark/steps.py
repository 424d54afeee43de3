"""Training steps as contestants, with this package's convolution or with XLA's own."""

from functools import cached_property, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from gen_models import programs
from gen_models.algorithm import Array, Batch, Metrics, Spec, State
from gen_models.benchmark.flops import dot_flops
from gen_models.benchmark.rounds import Timed, timed
from gen_models.data.stream import Chunk
from gen_models.model import Model
from gen_models.models import MODELS, _gans
from gen_models.nets import conv
from gen_models.training import population as populations

SPEC = Spec(28, 28, 10)
CHUNK_STEPS = 16


def plain(model: str) -> dict[str, None]:
    """Options that leave out a gradient penalty that the model's paper does not have."""
    return {"penalty": None} if issubclass(MODELS[model].Config, _gans.Penalised) else {}


class Stepper:
    """A model's compiled training step on random images, ready to be timed."""

    def __init__(
        self,
        model: str,
        batch_size: int,
        *,
        layout: conv.Layout | None = None,
        chunk_steps: int = CHUNK_STEPS,
        **options: float,
    ) -> None:
        module = MODELS[model]
        self.layout = layout
        # A new function for each instance, so that a program compiled for another is not reused.
        build = lambda config, spec: module.build(config, spec)
        self.model = Model(build, SPEC, module.Config(**options))
        self.key = jax.random.key(0)
        self.chunk = random_chunk(batch_size * self.model.algorithm.batches, chunk_steps)
        with conv.using(layout):
            self.state = programs.start(self.model, self.key)

    @cached_property
    def program(self) -> jax.stages.Compiled:
        """The compiled loop of training steps, with default options unless another one is set."""
        arguments = (self.model, self.state, self.chunk, jnp.int32(1), self.key)
        with conv.using(self.layout):
            return programs.advance.lower(*arguments).compile()

    @property
    def flops(self) -> int:
        """Floating-point operations of one step, as executed by the compiled program, if the step
        has no loops of its own."""
        return dot_flops(self.program.as_text())

    def one_step(self) -> jax.stages.Compiled:
        """The compiled program of one step, without a loop: State, Batch, key -> State, Metrics."""
        step = jax.jit(self.model.algorithm.step, donate_argnums=0)
        with conv.using(self.layout):
            return step.lower(self.state, self.batch, self.key).compile()

    @property
    def batch(self) -> Batch:
        """The first batch of the chunk."""
        return programs.to_batch(self.chunk.images[0], self.chunk.labels[0])

    def in_loop(self, steps: int) -> Timed:
        """A contestant of `steps` steps in one dispatch of the compiled loop, as in training."""

        program = self.program

        def work() -> None:
            state = self.state._replace(step=jnp.int32(0))
            self.state, _ = program(self.model, state, self.chunk, jnp.int32(steps), self.key)
            jax.block_until_ready(self.state)

        return timed(work, steps)

    def counted_loop(self, steps: int) -> Timed:
        """A contestant of `steps` steps in a loop of known length, which a compiler may treat
        differently from one whose length is an argument."""
        step = jax.jit(self.model.algorithm.step, inline=True)

        @partial(jax.jit, donate_argnums=0)
        def run(state: State, chunk: Chunk) -> tuple[State, Metrics]:
            def body(index: Array, carry: tuple[State, Metrics]) -> tuple[State, Metrics]:
                batch = programs.to_batch(chunk.images[index], chunk.labels[index])
                return step(carry[0], batch, self.key)

            _, metrics = jax.eval_shape(step, state, self.batch, self.key)
            return lax.fori_loop(0, steps, body, (state, jax.tree.map(jnp.zeros_like, metrics)))

        with conv.using(self.layout):
            compiled = run.lower(self.state, self.chunk).compile()

        def work() -> None:
            self.state, _ = compiled(self.state, self.chunk)
            jax.block_until_ready(self.state)

        return timed(work, steps)

    def call_by_call(self, steps: int) -> Timed:
        """A contestant of `steps` steps, each a dispatch of a program without a loop."""
        program, batch = self.one_step(), self.batch

        def work() -> None:
            for _ in range(steps):
                self.state, _ = program(self.state, batch, self.key)
            jax.block_until_ready(self.state)

        return timed(work, steps)


def random_chunk(batch_size: int, steps: int = CHUNK_STEPS) -> Chunk:
    """A chunk of noise with the data's shapes and types: step times do not depend on values."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (steps, batch_size, *SPEC[:2]), np.uint8)
    labels = rng.integers(0, SPEC.num_classes, (steps, batch_size), np.int32)
    return jax.device_put(Chunk(np.int32(0), images, labels))


def sampler(stepper: Stepper, count: int) -> Timed:
    """A contestant that draws `count` images in one dispatch."""
    labels = np.resize(np.arange(SPEC.num_classes, dtype=np.int32), count)
    draw = partial(programs.sample, stepper.model)
    return timed(lambda: draw(stepper.state, stepper.key, labels).block_until_ready(), count)


class PopulationContestant(NamedTuple):
    """A population whose training is to be timed."""

    run: Timed  # a unit is one member's step
    gib: float  # memory that its program asks for


def population(stepper: Stepper, members: int, steps: int) -> PopulationContestant:
    """A population that is trained for `steps` steps on one device, in one dispatch. All members
    start from the stepper's state: times do not depend on values."""
    devices = (jax.devices()[0],)
    program, sharding = populations.program(devices), populations.sharding(devices)

    def spread(leaf: Array) -> Array:
        return jnp.broadcast_to(leaf, (1, members, *jnp.shape(leaf))).copy()

    @partial(jax.jit, out_shardings=sharding)  # placed like the program's outputs
    def arguments(model: Model, state: State, key: Array, chunk: Chunk) -> tuple:
        models, state = jax.tree.map(spread, (model, state))
        keys = jnp.broadcast_to(key, (1, members))
        _, images, labels = chunk
        data = populations.DeviceData(images.reshape(1, -1, *SPEC[:2]), labels.reshape(1, -1))
        rows = spread(jnp.arange(labels.size, dtype=jnp.int32).reshape(labels.shape))
        return models, populations.Members(state, jnp.ones((1, members), bool)), keys, data, rows

    placed = lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)
    with conv.using(stepper.layout):
        alone = (stepper.model, stepper.state, stepper.key, stepper.chunk)
        shapes = jax.tree.map(placed, jax.eval_shape(arguments, *alone))
        compiled = program.lower(*shapes, 0, steps).compile()
    memory = compiled.memory_analysis()
    size = memory.argument_size_in_bytes + memory.temp_size_in_bytes + memory.output_size_in_bytes
    shared = memory.alias_size_in_bytes  # memory of arguments that outputs reuse
    arrays: list = []  # filled at the first run: more may be compiled than fit at once

    def work() -> None:
        arrays[:] = arrays or arguments(stepper.model, stepper.state, stepper.key, stepper.chunk)
        models, states, *others = arrays
        arrays[1], _ = compiled(models, states, *others, 0, steps)
        jax.block_until_ready(arrays[1])

    return PopulationContestant(timed(work, steps * members), (size - shared) / 2**30)
