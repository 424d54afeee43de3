"""Whether commands work beside a training on the same card, and how a full card fails."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import jax

from gen_models import runs
from gen_models.accelerator.extent import Extent, Figures, Keep
from gen_models.benchmark import commands

SHIPPED = "fashion_mnist-cgan"
ENDLESS = 10**6  # steps
WAIT_S = 120  # longest wait for the first steps of the training
FULL = {"XLA_PYTHON_CLIENT_MEM_FRACTION": "0.002"}  # 160 MiB of 80 GiB
SAID = 300  # characters of the last line of a command's output


def measure(extent: Extent, found: Figures, keep: Keep) -> None:
    """Record how `sample` and `evaluate` end beside a training, and what a training on a full card
    prints."""
    found["commands"] = {}
    with TemporaryDirectory() as folder:
        run, beside = str(Path(folder, "run")), str(Path(folder, "beside"))
        train = ["train", "--model", "vae", *extent.arguments]
        if extent.evaluated:
            commands.run([*train, "--steps", str(extent.job_steps), "--out", run]).check()
        log = Path(folder, "log")
        args = [*train, "--steps", str(ENDLESS), "--out", beside]
        with log.open("w") as file, commands.running(args, file) as training:
            _wait(Path(beside))
            evaluate = [["evaluate", run, "--samples", str(extent.images)]]
            sample = ["sample", SHIPPED, "--out", str(Path(folder, "drawn.png"))]
            for line in [sample, *evaluate * extent.evaluated]:
                done = commands.run(line)
                found["commands"][line[0]] = _told(done)
                keep()
            found["trained_on"] = training.poll() is None
        if jax.default_backend() != "cpu":
            full = ["train", "--model", "dcgan", "--batch-size", "4096", "--out", f"{folder}/full"]
            found["full"] = _told(commands.run([*full, "--steps", "10"], FULL))


def _wait(run: Path) -> None:
    """Wait until the training has done its first steps, for at most WAIT_S."""
    until = time.monotonic() + WAIT_S
    while not (run / runs.METRICS).exists() and time.monotonic() < until:
        time.sleep(0.2)


def _told(done: commands.CommandResult) -> Figures:
    last = done.output.strip().splitlines()[-1:]
    return {"code": done.code, "seconds": done.seconds, "said": last[0][:SAID] if last else ""}


def page(found: Figures) -> str:
    """Markdown list of how the commands ended."""
    lines = []
    for name, done in found["commands"].items():
        ended = "worked" if done["code"] == 0 else f"**failed: {done['said']}**"
        lines.append(f"- `{name}`, started beside a training: {ended}, {done['seconds']:.1f} s.")
    if "trained_on" in found:
        went_on = "yes" if found["trained_on"] else "**no**"
        lines.append(f"- The training went on to its end: {went_on}.")
    if "full" in found:
        full = found["full"]
        ended = f"exit code {full['code']}: “{full['said']}”"
        lines.append(f"- A training on a full card ends with {ended}.")
    return "\n".join(lines) + "\n"
