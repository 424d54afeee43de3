"""Whether a training ends in the same bytes when it is repeated, or stopped and resumed.

Each training is `experiments.train` in a process of its own. The second starts with nothing
compiled: a compiler that tries which program is fastest may choose another one.
"""

import os
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import jax

from gen_models import render
from gen_models.accelerator.extent import Figures, Keep, ReportExtent, run_side_by_side
from gen_models.benchmark import commands
from gen_models.runs import checkpoint

NOT_DETERMINISTIC = "--xla_gpu_deterministic_ops=false"  # the commands' default is true
CORES_A_TRAINING = 4


def measure(extent: ReportExtent, figures: Figures, keep: Keep) -> None:
    """Record by model and XLA flags whether the second and the resumed training equal the first."""
    flags = {"as usual": ""}
    if jax.default_backend() != "cpu":
        flags["whichever is faster"] = NOT_DETERMINISTIC
    # The report shows all flags of the trainings, those of the environment included.
    figures["flags"] = {
        name: commands.with_flags(added)["XLA_FLAGS"] for name, added in flags.items()
    }
    models = figures.setdefault("models", {})
    left = [(m, name) for name in flags for m in extent.repeated if name not in models.get(m, {})]

    def keep_model(case: tuple[str, str], equal: dict[str, bool]) -> None:
        model, name = case
        models.setdefault(model, {})[name] = equal
        keep()

    with TemporaryDirectory() as folder:
        work = {
            (model, name): partial(_repeat, extent, model, flags[name], Path(folder, model, name))
            for model, name in left
        }
        run_side_by_side(work, max(1, (os.cpu_count() or 1) // CORES_A_TRAINING), keep_model)


def _repeat(extent: ReportExtent, model: str, flags: str, folder: Path) -> dict[str, bool]:
    """Whether a second training, and one resumed half-way, end in the bytes of the first."""
    folder.mkdir(parents=True)
    changes = commands.with_flags(flags)
    cached, empty = (changes | commands.fresh_cache(folder / name) for name in ("cache", "empty"))
    whole, half = extent.repeated_steps, extent.repeated_steps // 2

    def train(name: str, steps: int, environment: commands.Changes) -> bytes:
        run = folder / name
        args = ["train", "--model", model, "--steps", str(steps), "--out", str(run)]
        commands.run([*args, *extent.arguments], environment).check()
        return checkpoint.file_of(run / "checkpoints", steps).read_bytes()

    first = train("first", whole, cached)
    second = train("second", whole, empty)
    train("resumed", half, cached)
    resumed = train("resumed", whole, cached)
    return {"second": second == first, "resumed": resumed == first}


def page(figures: Figures) -> str:
    """Markdown table with one row per model and choice of flags."""
    rows = [["model", "XLA_FLAGS", "compiled and trained again", "stopped and resumed"]]
    for model, by_flags in sorted(figures.get("models", {}).items()):
        for name, equal in by_flags.items():
            flags = f"`{figures['flags'][name]}`" if figures["flags"][name] else "none"
            words = ["the same bytes" if equal[x] else "**other bytes**" for x in equal]
            rows.append([f"`{model}`", flags, *words])
    return f"""Whether a training ends in the same bytes if it is compiled and repeated anew,
and if it is stopped half-way and resumed.

{render.markdown_table(rows)}"""
