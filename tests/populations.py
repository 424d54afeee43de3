"""Populations so small that a test can afford many. As a program: those that need four devices."""

import contextlib
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import jax
import numpy as np
import pytest
import safetensors.numpy
from trainings import ROOT, execute, make_recipe, products

from gen_models import render, runs
from gen_models.runs import Recipe, checkpoint
from gen_models.training import fit, population

OPTIONS = {"model": "vae", "steps": 20, "sample_every_steps": 10, "checkpoint_every_steps": 5}
STEPS = OPTIONS["steps"]
DONE = population.Ending(STEPS, False)
RATES = (1e-3, 3e-4, 2e-3, 6e-4)
STOP_NEAR = 7  # where the one that moves to other devices is stopped
VECTORISED = {"in turn": None, "vectorised": True}  # how a CPU trains its members, and all others
# Members and devices: fewer members than devices, as many, and more that do not divide among them.
SOME = {"4 on 1": (4, 1), "4 on 4": (4, 4), "3 on 2": (3, 2)}
ON_SEVERAL_DEVICES = {"in turn": SOME, "vectorised": SOME | {"2 on 4": (2, 4)}}


def make_members(count: int = 3, **options) -> list[Recipe]:
    """Members with seeds and learning rates of their own."""
    return [
        make_recipe(**OPTIONS | {"seed": 5 * i, "learning_rate": RATES[i]} | options)
        for i in range(count)
    ]


@contextlib.contextmanager
def recorders_of(folder: Path, tiny, members: Sequence[Recipe]):
    """A recorder for each member, its run in a folder of its number."""
    with contextlib.ExitStack() as stack:
        opened = [runs.open_locked(folder / str(i), m, tiny.train) for i, m in enumerate(members)]
        yield [fit.Recorder(stack.enter_context(run), tiny) for run in opened]


def sweep(
    folder: Path,
    tiny,
    members: Sequence[Recipe],
    devices: int = 1,
    stop_at: int = 10**9,
    trained: Callable[[int, int], None] = lambda step, done: None,  # noqa: ARG005
    report: Callable[[str], None] = print,
) -> list[population.Ending]:
    """Train members together in this process, until a step near `stop_at`."""
    seen = [0]

    def watch(step: int, done: int) -> None:
        seen.append(step)
        trained(step, done)

    with recorders_of(folder, tiny, members) as recorders:
        stop = lambda: seen[-1] >= stop_at
        return population.fit(recorders, jax.devices()[:devices], watch, stop, report)


class KilledError(Exception):
    """Stands for a kill: nothing is caught or tidied up on its way."""


def killed_at(last: int) -> Callable[[int, int], None]:
    def trained(step, done):
        del done
        if step >= last:
            raise KilledError

    return trained


def sweep_killed_at(step: int, *args) -> None:
    with pytest.raises(KilledError):
        sweep(*args, trained=killed_at(step))


def made(folder: Path) -> list[dict[str, bytes]]:
    """The products of every member of a sweep."""
    return [products(path) for path in sorted(folder.iterdir())]


def saved(folder: Path) -> list[list[int]]:
    """The steps of the checkpoints of every member of a sweep."""
    return [checkpoint.steps(path / runs.CHECKPOINTS) for path in sorted(folder.iterdir())]


def hasten(patch: pytest.MonkeyPatch) -> None:
    """Leave out the curves, which take longest, and make chunks that a short training crosses."""
    patch.setattr(render, "curves", lambda *_: None)
    patch.setattr(population, "CHUNK_STEPS", 8)


def stand_in_for_curves(patch: pytest.MonkeyPatch) -> list[str]:
    """Has curves drawn as the number of their steps. The names of the members that had them."""
    names = []

    def curves(metrics, path, name):
        path.write_text(str(len(metrics["step"])))
        names.append(name)

    patch.setattr(render, "curves", curves)
    return names


def choose(patch: pytest.MonkeyPatch, how: str) -> None:
    """Train the members of a device in turn, as a CPU does by itself, or vectorised."""
    patch.setattr(population, "program", partial(population.program, vectorised=VECTORISED[how]))


def state_of(folder: Path, step: int | None = None) -> dict[str, np.ndarray]:
    """What a run's checkpoint holds, that of its newest step by default."""
    saved = folder / runs.CHECKPOINTS
    step = checkpoint.steps(saved)[-1] if step is None else step
    return safetensors.numpy.load_file(checkpoint.file_of(saved, step))


def assert_close(found: Path, wanted: Path, steps: int | None = None) -> None:
    """Two runs have the same metrics and the same last state, to rounding, which the statistics of
    small batches make grow from step to step. Of averages of gradients, in which it grows most,
    only the names count: wrong ones would be seen in the parameters. With `steps`, the metrics of
    so many first steps are compared and no state."""
    (ours, theirs) = (runs.load(folder).metrics() for folder in (found, wanted))
    assert ours.keys() == theirs.keys()
    for name in ours:
        one, other = ours[name][:steps], theirs[name][:steps]
        np.testing.assert_allclose(one, other, 1e-2, 2e-3, err_msg=name)
    ours, theirs = state_of(found), state_of(wanted)
    assert ours.keys() == theirs.keys()
    for name in ours if steps is None else ():
        if not name.startswith("opt/"):
            np.testing.assert_allclose(ours[name], theirs[name], 1e-2, 2e-3, err_msg=name)


def train_on_several_devices(root: Path) -> None:
    """In a process of its own: all of ON_SEVERAL_DEVICES, and "moved" from two devices to four."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAX_NUM_CPU_DEVICES", "4")
        patch.setenv("PYTHONPATH", str(ROOT))
        code, _, err = execute([sys.executable, __file__, str(root)])
    assert code == 0, err


def main() -> None:
    from conftest import Splits, make_split  # the parent has it as a fixture

    root, tiny = Path(sys.argv[1]), Splits(make_split(0, 70), make_split(1, 20))
    with pytest.MonkeyPatch.context() as patch:
        hasten(patch)
        for how, sweeps in ON_SEVERAL_DEVICES.items():
            choose(patch, how)
            for name, (count, devices) in sweeps.items():
                sweep(root / how / name, tiny, make_members(count), devices)
        choose(patch, "in turn")
        patch.setattr(fit, "DISPATCH_S", 1e-9)
        for devices, stop_at in ((2, STOP_NEAR), (4, 10**9)):
            sweep(root / "in turn" / "moved", tiny, make_members(4), devices, stop_at)


if __name__ == "__main__":
    main()
