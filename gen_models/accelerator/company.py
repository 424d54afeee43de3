"""Whether commands work beside a training on the same card, and how a full card fails."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import jax

from gen_models import runs
from gen_models.accelerator.extent import Figures, Keep, ReportExtent
from gen_models.benchmark import commands

SHIPPED = "fashion_mnist-cgan"
ENDLESS = 10**6  # steps
WAIT_S = 120  # longest wait for the first steps of the training
FULL = {"XLA_PYTHON_CLIENT_MEM_FRACTION": "0.002"}  # 160 MiB of 80 GiB
SAID = 300  # characters of the last line of a command's output


def measure(extent: ReportExtent, figures: Figures, keep: Keep) -> None:
    """Record how `sample` and `evaluate` end beside a training, and what a training on a full card
    prints."""
    figures["commands"] = {}
    with TemporaryDirectory() as folder:
        run, beside = str(Path(folder, "run")), str(Path(folder, "beside"))
        train = ["train", "--model", "vae", *extent.arguments]
        if extent.evaluated:
            commands.run([*train, "--steps", str(extent.job_steps), "--out", run]).check()
        log = Path(folder, "log")
        args = [*train, "--steps", str(ENDLESS), "--out", beside]
        with log.open("w") as file, commands.running(args, file) as training:
            _wait_for_steps(Path(beside))
            evaluate = [["evaluate", run, "--samples", str(extent.images)]]
            sample = ["sample", SHIPPED, "--out", str(Path(folder, "drawn.png"))]
            for line in [sample, *evaluate * extent.evaluated]:
                figures["commands"][line[0]] = _ending(commands.run(line))
                keep()
            figures["trained_on"] = training.poll() is None
        if jax.default_backend() != "cpu":
            full = ["train", "--model", "dcgan", "--batch-size", "4096", "--out", f"{folder}/full"]
            figures["full"] = _ending(commands.run([*full, "--steps", "10"], FULL))


def _wait_for_steps(run: Path) -> None:
    """Wait until the training has done its first steps, for at most WAIT_S."""
    until = time.monotonic() + WAIT_S
    while not (run / runs.METRICS).exists() and time.monotonic() < until:
        time.sleep(0.2)


def _ending(result: commands.CommandResult) -> Figures:
    """How a command ended, with the last line that it wrote."""
    last = result.output.strip().splitlines()[-1:]
    return {"code": result.code, "seconds": result.seconds, "said": last[0][:SAID] if last else ""}


def page(figures: Figures) -> str:
    """Markdown list of how the commands ended."""
    lines = []
    for name, ending in figures["commands"].items():
        how = "worked" if ending["code"] == 0 else f"**failed: {ending['said']}**"
        lines.append(f"- `{name}`, started beside a training: {how}, {ending['seconds']:.1f} s.")
    if "trained_on" in figures:
        went_on = "yes" if figures["trained_on"] else "**no**"
        lines.append(f"- The training went on to its end: {went_on}.")
    if "full" in figures:
        full = figures["full"]
        how = f"exit code {full['code']}: “{full['said']}”"
        lines.append(f"- A training on a full card ends with {how}.")
    return "\n".join(lines) + "\n"
