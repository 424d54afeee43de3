"""What flags of XLA change about a step's time: bits that repeat, and CUDA graphs."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import jax

from gen_models import render
from gen_models.accelerator.extent import Extent, Figures, Keep
from gen_models.accelerator.repeatability import DETERMINISTIC
from gen_models.benchmark import commands

# A step's kernels may be recorded and launched together (CUDA graphs), a whole loop of them too.
FLAGS = {
    "as usual": "",
    "bits that repeat": DETERMINISTIC,
    "no graphs": "--xla_gpu_enable_command_buffer=",
    "graphs of loops": (
        "--xla_gpu_enable_command_buffer=FUSION,CUBLAS,CUBLASLT,CUDNN,CUSTOM_CALL,CONDITIONAL,WHILE"
    ),
}


def measure(extent: Extent, keep: Keep) -> Figures:
    """Milliseconds of a step of some models under each choice of flags, each in its own process."""
    found: Figures = {"flags": FLAGS, "ms": {}, "failed": {}}
    usual = FLAGS if jax.default_backend() != "cpu" else {"as usual": ""}
    with TemporaryDirectory() as folder:
        for name, flags in usual.items():
            into = Path(folder, "figures.json")
            args = ["accelerator", "--parts", "speed", "--into", str(into), "--models"]
            short = ["--short"] * extent.short
            done = commands.run([*args, *extent.repeated, *short], commands.with_flags(flags))
            if done.code:
                found["failed"][name] = done.output.strip()[-200:]
            else:
                models = json.loads(into.read_text())["figures"]["models"]
                found["ms"][name] = {model: one["ms"] for model, one in models.items()}
            keep(found)
    return found


def page(found: Figures) -> str:
    """A row for each choice of flags."""
    models = list(dict.fromkeys(model for ms in found["ms"].values() for model in ms))
    rows = [["", *(f"`{model}`, ms" for model in models), "`XLA_FLAGS`"]]
    for name, ms in found["ms"].items():
        flags = found["flags"][name]
        rows.append(
            [name, *(f"{ms[model]:.3f}" for model in models), f"`{flags}`" if flags else ""]
        )
    failures = [f"- {name} failed: {reason}\n" for name, reason in found["failed"].items()]
    return render.markdown_table(rows) + "\n".join(["", *failures])
