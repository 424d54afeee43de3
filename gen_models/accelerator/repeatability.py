"""Whether a training gives the same bytes twice, and whether one that was stopped does.

Trainings are real ones, `experiments.train` in processes of their own, the second with nothing
compiled before: a compiler that tries which program is faster may choose another one.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import jax

from gen_models import render
from gen_models.accelerator.extent import Extent, Figures, Keep
from gen_models.benchmark import commands
from gen_models.runs import checkpoint

DETERMINISTIC = "--xla_gpu_deterministic_ops=true"
CORES_A_TRAINING = 2


def measure(extent: Extent, keep: Keep) -> Figures:
    """By model and flags of XLA, whether the second and the resumed training equal the first."""
    flags = {"default": ""}
    if jax.default_backend() != "cpu":
        flags["deterministic"] = DETERMINISTIC
    tried = [(model, name) for model in extent.repeated for name in flags]
    found: Figures = {"flags": flags, "models": {}}
    with (
        TemporaryDirectory() as folder,
        ThreadPoolExecutor(max(1, (os.cpu_count() or 1) // CORES_A_TRAINING)) as threads,
    ):
        pairs = threads.map(
            lambda one: _repeated(extent, one[0], flags[one[1]], Path(folder, *one)), tried
        )
        for (model, name), equal in zip(tried, pairs, strict=True):
            found["models"].setdefault(model, {})[name] = equal
            keep(found)
    return found


def _repeated(extent: Extent, model: str, flags: str, folder: Path) -> dict[str, bool]:
    """Whether a second training, and one that stopped half-way, end in the first one's bytes."""
    folder.mkdir(parents=True)
    given = commands.with_flags(flags)
    caches = [given | commands.fresh_cache(folder / name) for name in ("cache", "empty")]
    whole, half = extent.repeated_steps, extent.repeated_steps // 2

    def trained(name: str, steps: int, environment: commands.Changes) -> bytes:
        run = folder / name
        args = ["train", "--model", model, "--steps", str(steps), "--out", str(run)]
        commands.run([*args, *extent.arguments], environment).check()
        return checkpoint.file_of(run / "checkpoints", steps).read_bytes()

    first = trained("first", whole, caches[0])
    second = trained("second", whole, caches[1])
    trained("resumed", half, caches[0])
    resumed = trained("resumed", whole, caches[0])
    return {"second": second == first, "resumed": resumed == first}


def page(found: Figures) -> str:
    """A row for each model and each choice of flags."""
    rows = [["model", "flags of XLA", "compiled and trained again", "stopped and resumed"]]
    for model, by_flags in found["models"].items():
        for name, equal in by_flags.items():
            flags = f"`{found['flags'][name]}`" if found["flags"][name] else "none"
            words = ["the same bytes" if equal[x] else "**other bytes**" for x in equal]
            rows.append([f"`{model}`", flags, *words])
    return render.markdown_table(rows)
