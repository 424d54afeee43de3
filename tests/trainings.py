"""Trainings so small that a test can afford many, in this process or in one of their own."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import jax
import numpy as np

from gen_models import runs
from gen_models.data import idx
from gen_models.data.known import IMAGES, LABELS
from gen_models.runs import Recipe, checkpoint
from gen_models.storage.cache import cache_folder
from gen_models.training import fit

ROOT = Path(__file__).parents[1]
# Most of a test's time is XLA's: it optimises little, in processes that tests start too.
QUICKLY = (
    f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0 "
    "--xla_llvm_disable_expensive_passes=true --xla_cpu_parallel_codegen_split_count=1"
)
if jax.__version_info__ < (0, 11):  # from then on there are no other emitters
    QUICKLY += " --xla_cpu_use_fusion_emitters=false"
OPTIONS = {
    "model": "dcgan",
    "width": 4,
    "latent_size": 3,
    "batch_size": 4,
    "steps": 30,
    "sample_every_steps": 5,
    "checkpoint_every_steps": 10,
}


def write_folder(folder: Path, tiny) -> Path:
    """Write the four IDX files of both splits of `tiny` into a new folder."""
    folder.mkdir()
    for split, dataset in (("train", tiny.train), ("test", tiny.test)):
        idx.write(folder / IMAGES[split], dataset.images)
        idx.write(folder / LABELS[split], dataset.labels.astype(np.uint8))
    return folder


def contents_of(page: Path) -> dict:
    """What the program in a page is given to show."""
    text = page.read_text()
    return json.loads(re.search(r'id="contents">(.*?)</script>', text, re.DOTALL)[1])


def assert_same_bits(found, wanted) -> None:
    jax.tree.map(np.testing.assert_array_equal, found, wanted)


def any_differs(found, wanted) -> bool:
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True)
    return any(np.any(a != b) for a, b in pairs)


def make_recipe(**options) -> Recipe:
    """The recipe of a tiny training."""
    return Recipe.from_flat(OPTIONS | {"dataset": "tiny"} | options)


class StopAt:
    """An observer that asks for the end once a step has been seen."""

    def __init__(self, step: int) -> None:
        self.stop_at, self.seen = step, 0

    def started(self, step):
        self.seen = step

    def trained(self, step, history):
        del history
        self.seen = step

    def __call__(self) -> bool:
        return self.seen >= self.stop_at


def train(
    folder: Path,
    tiny,
    stop_at: int = 10**9,
    report: Callable[[str], None] = print,
    observers: Sequence[fit.Observer] = (),
    **options,
) -> int:
    """Train in this process until a step near `stop_at`. Returns the step reached."""
    stop = StopAt(stop_at)
    with runs.open_locked(folder, make_recipe(**options), tiny.train) as run:
        return fit.fit(fit.Recorder(run, tiny), [stop, *observers], stop, report)


def rows(folder: Path) -> list[dict[str, float]]:
    """The metrics of a run."""
    return [json.loads(line) for line in (folder / runs.METRICS).open()]


def products(folder: Path) -> dict[str, bytes]:
    """The files that are to be the same however a run came about: the last state and what is drawn.

    Which earlier checkpoints are kept depends on where a run was stopped.
    """
    last = checkpoint.steps(folder / runs.CHECKPOINTS)[-1]
    names = [f"checkpoints/step_{last:08d}.safetensors", "metrics.jsonl", "samples.png"]
    names += ["animation.gif", "reconstructions.png"]
    # The title of curves.png is the run's name.
    paths = [folder / name for name in names] + [
        p for s in runs.SERIES for p in folder.glob(f"{s}/*")
    ]
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(paths) if p.exists()}


def half_written(folder: Path) -> list[str]:
    """The temporary files of `atomic_write` anywhere below `folder`."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob(".*.tmp"))


def command(data: Path, out: Path, **options) -> list[str]:
    """The command that trains in a process of its own."""
    options = OPTIONS | {"data_dir": data, "out": out} | options
    pairs = [(f"--{name.replace('_', '-')}", str(value)) for name, value in options.items()]
    return [sys.executable, "-m", "experiments.train", *(word for pair in pairs for word in pair)]


def free_port() -> int:
    """A port of this machine that no program listens at."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def start(args: list[str]) -> subprocess.Popen:
    """Start a command with its output in pipes and one cache of compiled programs for all."""
    own = {"XDG_CACHE_HOME": str(cache_folder("tests")), "JAX_PLATFORMS": "cpu"}
    env, pipe = os.environ | own | {"XLA_FLAGS": QUICKLY}, subprocess.PIPE
    return subprocess.Popen(args, stdout=pipe, stderr=pipe, text=True, cwd=ROOT, env=env)


def finish(process: subprocess.Popen, timeout_s: float = 300) -> tuple[int, str, str]:
    """Exit code, output and errors of a started command; it is killed if it hangs."""
    try:
        out, err = process.communicate(timeout=timeout_s)
    except BaseException:
        process.kill()
        process.communicate()
        raise
    return process.returncode, out, err


def execute(args: list[str]) -> tuple[int, str, str]:
    """Exit code, output and errors of a command."""
    return finish(start(args))


def plain(text: str) -> str:
    """A text that was broken into lines, or boxed, as one line."""
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", text).split())
