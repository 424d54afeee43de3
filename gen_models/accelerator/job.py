"""Wall-clock time of a whole job: a training from its start to its last picture, and evaluation."""

from pathlib import Path
from tempfile import TemporaryDirectory

from gen_models import render
from gen_models.accelerator.extent import Extent, Figures, Keep
from gen_models.benchmark import commands

MODEL = "cgan"


def measure(extent: Extent, found: Figures, keep: Keep) -> None:
    """Measure seconds of the commands: with nothing compiled before, then with all compiled."""
    found |= {"steps": extent.job_steps, "batch_size": extent.batch_size, "seconds": {}}
    with TemporaryDirectory() as folder:
        changes = commands.fresh_cache(Path(folder, "cache"))
        for start in ("cold", "warm"):
            run = str(Path(folder, start))
            steps = ["--steps", str(extent.job_steps), "--out", run]
            trained = commands.run(
                ["train", "--model", MODEL, *steps, *extent.arguments], changes
            ).check()
            found["seconds"][start] = {"train": trained.seconds}
            keep()
            if extent.evaluated:
                measured = commands.run(["evaluate", run], changes).check()
                found["seconds"][start]["evaluate"] = measured.seconds
            keep()


def page(found: Figures) -> str:
    """Markdown table with one row per start, cold and warm."""
    rows = [["", "train, s", "evaluate, s"]]
    for start, seconds in found["seconds"].items():
        times = [seconds.get(command) for command in ("train", "evaluate")]
        rows.append([start, *("–" if time is None else f"{time:.1f}" for time in times)])
    batch = f"batches of {found['batch_size']} images"
    return f"""`train --model {MODEL} --steps {found["steps"]}` with {batch}, its grids, pictures
and checkpoints included; then `evaluate` of the run. *Cold* is the first time: all programs are
compiled, and features of real images computed. *Warm* is the second.

{render.markdown_table(rows)}"""
