"""Programs lowered for hardware that is not here. As a program: those of several devices."""

import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import jax
import numpy as np
import pytest
from populations import make_members, recorders_of
from trainings import ROOT, execute

from gen_models import programs
from gen_models.algorithm import State
from gen_models.data.stream import gather
from gen_models.training import population
from gen_models.training.fit import Recorder
from gen_models.training.placement import Placement

DEVICES, MEMBERS = 2, 3  # two members on a device, of which the last is a copy
STEPS = 2


def lower(program: Callable, *arguments: object) -> jax.export.Exported:
    """A program of `jax.jit`, lowered for GPU and TPU at once."""
    return jax.export.export(program, platforms=("cuda", "tpu"))(*arguments)


def convolutions(text: str) -> set[tuple[int, str]]:
    """The numbers of groups and the types of the convolutions in a lowered program."""
    pattern = r"stablehlo\.convolution.*feature_group_count = (\d+).* -> tensor<\d+x.*x(\w+)>"
    return {(int(groups), dtype) for groups, dtype in re.findall(pattern, text)}


def foreign_calls(text: str) -> set[str]:
    """What a lowered program calls of others, except CUDA's random number generator."""
    return set(re.findall(r"custom_call @(\w+)", text)) - {"cu_threefry2x32_ffi"}


def split_arguments(text: str, axis: str) -> dict[str, str]:
    """The arguments of a lowered program that are split along a mesh axis: name -> dimensions."""
    signature = text[text.index("@main(") :].partition("->")[0]
    pattern = r'sdy\.sharding<@mesh, \[([^\]]*)\]>[^%]*?loc\("([\w.]+)'
    return {
        name: dimensions
        for dimensions, name in re.findall(pattern, signature)
        if axis in dimensions
    }


def population_for_accelerators(recorders: list[Recorder]) -> jax.export.Exported:
    """The program that trains members together, as a sweep calls it on DEVICES accelerators."""
    wave = population.Wave(recorders, jax.devices())
    # By itself, what pmap returns is lowered for the devices that it has; within jit, for any.
    program = jax.jit(population.program(wave.devices, vectorised=True))
    wave.program = partial(lower, program)
    return wave.advance(wave.members([blank_state(one) for one in recorders]), 0, STEPS)


def sharded_for_accelerators(recorder: Recorder) -> jax.export.Exported:
    """The program that trains one model on DEVICES accelerators, which share every batch."""
    options, images = recorder.run.options, recorder.run.images_a_step
    placement = Placement(DEVICES, options.batch_size)
    state = placement.state(blank_state(recorder))
    chunk = placement.chunk(gather(recorder.splits.train, options.seed, 0, STEPS, images))
    count, key = np.int32(STEPS), recorder.keys.train
    return lower(programs.advance, recorder.model, state, chunk, count, key)


def blank_state(recorder: Recorder) -> State:
    """A state of zeros, for which nothing is compiled."""
    shapes = programs.shapes(recorder.model)
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)


def lower_on_several_devices(folder: Path, model: str) -> None:
    """In a process of its own: both programs of a model, as <folder>/<program>.mlir."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAX_NUM_CPU_DEVICES", str(DEVICES))
        patch.setenv("PYTHONPATH", str(ROOT))
        code, _, err = execute([sys.executable, __file__, str(folder), model])
    assert code == 0, err


def main() -> None:
    from conftest import Splits, make_split  # the parent has it as a fixture

    folder, model = Path(sys.argv[1]), sys.argv[2]
    tiny = Splits(make_split(0, 70), make_split(1, 20))
    with recorders_of(folder, tiny, make_members(MEMBERS, model=model)) as recorders:
        together = population_for_accelerators(recorders)
        split = sharded_for_accelerators(recorders[0])
    for name, program in {"population": together, "sharded": split}.items():
        (folder / f"{name}.mlir").write_text(program.mlir_module())


if __name__ == "__main__":
    main()
