"""Wall-clock time of a whole job: a training from its start to its last picture, and evaluation."""

from pathlib import Path
from tempfile import TemporaryDirectory

from gen_models import render
from gen_models.accelerator.extent import Figures, Keep, ReportExtent
from gen_models.benchmark import commands

MODEL = "cgan"


def measure(extent: ReportExtent, figures: Figures, keep: Keep) -> None:
    """Measure seconds of the commands: with nothing compiled before, then with all compiled."""
    figures |= {"steps": extent.job_steps, "batch_size": extent.batch_size, "seconds": {}}
    with TemporaryDirectory() as folder:
        changes = commands.fresh_cache(Path(folder, "cache"))
        for start in ("cold", "warm"):
            run = str(Path(folder, start))
            steps = ["--steps", str(extent.job_steps), "--out", run]
            training = commands.run(
                ["train", "--model", MODEL, *steps, *extent.arguments], changes
            ).check()
            figures["seconds"][start] = {"train": training.seconds}
            keep()
            if extent.evaluated:
                evaluation = commands.run(["evaluate", run], changes).check()
                figures["seconds"][start]["evaluate"] = evaluation.seconds
            keep()


def page(figures: Figures) -> str:
    """Markdown table with one row per start, cold and warm."""
    rows = [["", "train, s", "evaluate, s"]]
    for start, seconds in figures["seconds"].items():
        times = [seconds.get(command) for command in ("train", "evaluate")]
        rows.append([start, *("–" if time is None else f"{time:.1f}" for time in times)])
    batch = f"batches of {figures['batch_size']} images"
    return f"""`train --model {MODEL} --steps {figures["steps"]}` with {batch}, its grids, pictures
and checkpoints included; then `evaluate` of the run. *Cold* is the first time: all programs are
compiled, and features of real images computed. *Warm* is the second.

{render.markdown_table(rows)}"""
