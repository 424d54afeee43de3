"""Speed by XLA compiler options: determinism, CUDA graphs, Triton's matrix products, autotuning.

CUDA graphs record the kernels of a step, or of a whole loop, and launch them together.
"""

import time

import jax
import jax.numpy as jnp

from gen_models import programs, render
from gen_models.accelerator.extent import Figures, Keep, ReportExtent
from gen_models.benchmark import rounds, steps

GRAPHS = "FUSION,CUBLAS,CUBLASLT,CUSTOM_CALL,CUDNN"  # what XLA records by default
WITH_CONVOLUTIONS = f"{GRAPHS},CONVOLUTION"
OF_LOOPS = f"{WITH_CONVOLUTIONS},WHILE,CONDITIONAL"
CompilerOptions = dict[str, str | bool | int]
# The most informative ones first. The commands ask for deterministic operations.
REPEATING: CompilerOptions = {"xla_gpu_deterministic_ops": True}
OPTIONS: dict[str, CompilerOptions] = {
    "as the commands": REPEATING,
    "whichever is faster": {"xla_gpu_deterministic_ops": False},
    "graphs of loops": REPEATING | {"xla_gpu_enable_command_buffer": OF_LOOPS},
    "graphs with convolutions": REPEATING | {"xla_gpu_enable_command_buffer": WITH_CONVOLUTIONS},
    "no graphs": REPEATING | {"xla_gpu_enable_command_buffer": ""},
    "no products by Triton": REPEATING | {"xla_gpu_enable_triton_gemm": False},
    "nothing tried out": {"xla_gpu_autotune_level": 0},
}


def measure(extent: ReportExtent, figures: Figures, keep: Keep) -> None:
    """Measure milliseconds per step and seconds of compilation under each choice of options, one
    after another."""
    rows = figures.setdefault("rows", [])
    tried = OPTIONS if jax.default_backend() != "cpu" else {"as the commands": {}}
    for name, options in tried.items():
        for model in extent.optioned:
            if not any((row["options"], row["model"]) == (name, model) for row in rows):
                row = {"options": name, "model": model, "given": options}
                rows.append(row | _measure(extent, model, options))
                keep()


def _measure(extent: ReportExtent, model: str, options: CompilerOptions) -> Figures:
    """Compilation and step time of a model, or "failed" with XLA's error message."""
    stepper = steps.Stepper(
        model, extent.batch_size, chunk_steps=extent.round_steps, **extent.options
    )
    began = time.monotonic()
    arguments = (stepper.model, stepper.state, stepper.chunk, jnp.int32(1), stepper.key)
    try:
        stepper.program = programs.advance.lower(*arguments).compile(options or None)
        seconds = time.monotonic() - began
        times = rounds.alternate({"loop": stepper.in_loop(extent.round_steps)}, extent.rounds)
    except jax.errors.JaxRuntimeError as error:
        return {"failed": f"{str(error).splitlines()[0]:.200}"}
    return {"compiled_s": seconds, "ms": 1e3 * rounds.median(times["loop"])}


def page(figures: Figures) -> str:
    """Markdown table with one row per choice of options, and a list of failures."""
    models = list(dict.fromkeys(row["model"] for row in figures["rows"]))
    head = ["choice", *(text for m in models for text in (f"`{m}`, ms", "compiled in, s"))]
    table, failures = [[*head, "options of XLA's compiler"]], []
    for name in dict.fromkeys(row["options"] for row in figures["rows"]):
        by_model = {row["model"]: row for row in figures["rows"] if row["options"] == name}
        cells = []
        for row in (by_model.get(model, {}) for model in models):
            cells += [
                f"{row['ms']:.3f}" if "ms" in row else "–",
                f"{row['compiled_s']:.1f}" if "ms" in row else "–",
            ]
            if "failed" in row:
                failures.append(f"- {name}, `{row['model']}`: {row['failed']}\n")
        options = next(iter(by_model.values()))["given"]
        listed = ", ".join(f"`{option}={value}`" for option, value in options.items())
        table.append([name, *cells, listed])
    return f"""Time of a training step under other options of XLA's compiler. The commands use those
of the first row.

{render.markdown_table(table)}""" + "\n".join(["", *failures])
