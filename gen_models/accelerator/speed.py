"""Milliseconds per step of every model, and the share of the card's rates that a step reaches."""

from functools import partial

import jax

from gen_models import render
from gen_models.accelerator.extent import Figures, Keep, ReportExtent, compile_in_groups
from gen_models.benchmark import flops, rates, rounds, steps
from gen_models.benchmark.profile import profile

COMPILING = 8  # threads that compile
PROFILED_STEPS = 10
PRECISIONS: tuple[rates.Precision, ...] = ("highest", "tensorfloat32", "bfloat16")
PRODUCT, COPY_MIB = 8192, 512  # on a card; a CPU takes the defaults


def measure(extent: ReportExtent, figures: Figures, keep: Keep) -> None:
    """Measure the rates of the card, then a row for each model."""
    figures["batch_size"], models = extent.batch_size, figures.setdefault("models", {})
    if "rates" not in figures:
        figures["rates"] = _measure_rates(extent)
        keep()
    left = [model for model in extent.models if model not in models]
    for model, compiled in compile_in_groups(left, partial(_compile_loops, extent), COMPILING):
        models[model] = _measure_model(extent, *compiled)
        keep()


def _measure_rates(extent: ReportExtent) -> Figures:
    """FLOP/s of matrix products by precision, and bytes/s of a copy."""
    on_card = jax.default_backend() != "cpu"
    product = partial(rates.matmul, PRODUCT) if on_card else rates.matmul
    contestants = {precision: product(precision=precision) for precision in PRECISIONS}
    contestants["copy"] = rates.copy(COPY_MIB) if on_card else rates.copy()
    times = rounds.alternate(
        {name: timed for name, (timed, _) in contestants.items()}, extent.rounds
    )
    return {name: rate_of(rounds.median(times[name])) for name, (_, rate_of) in contestants.items()}


Loops = dict[str, rounds.Timed]


def _compile_loops(extent: ReportExtent, model: str) -> tuple[steps.Stepper, Loops]:
    """A model's compiled step and its loops to be timed; for rivals also a loop of known length,
    which a compiler may treat differently."""
    count = extent.round_steps
    ours = steps.Stepper(model, extent.batch_size, chunk_steps=count, **extent.options)
    loops = {"loop": ours.in_loop(count)}
    if model in extent.rivals:
        loops["counted"] = ours.counted_loop(count)
    return ours, loops


def _measure_model(extent: ReportExtent, ours: steps.Stepper, loops: Loops) -> Figures:
    times = rounds.alternate(loops, extent.rounds)
    profiled_steps = min(PROFILED_STEPS, extent.round_steps)
    step_profile = profile(ours.in_loop(profiled_steps))
    figures = {
        "ms": 1e3 * rounds.median(times["loop"]),
        "gflop": flops.step_flops(ours.model, extent.batch_size) / 1e9,
        # The loop's length is unknown to the compiler, so its body is counted once.
        "gib": (ours.program.cost_analysis() or {}).get("bytes accessed", 0.0) / 2**30,
    }
    if "counted" in times:
        figures["counted_over_loop"] = rounds.ratio(times["counted"], times["loop"])
    if step_profile is not None:
        kernels = step_profile.kernels / profiled_steps
        figures |= {"kernels": kernels, "busy": step_profile.busy}
    return figures


def page(figures: Figures) -> str:
    """The rates of the card, and a Markdown table with one row per model."""
    rate = figures["rates"]
    rows = [
        [
            "model",
            "ms a step",
            "GFLOP",
            "share of matrix rate",
            "GiB",
            "share of memory rate",
            "kernels",
            "busy",
            "counted loop",
        ]
    ]
    for model, row in sorted(figures["models"].items()):
        seconds = row["ms"] / 1e3
        rows.append(
            [
                f"`{model}`",
                f"{row['ms']:.3f}",
                f"{row['gflop']:.2f}",
                f"{1e9 * row['gflop'] / seconds / rate['tensorfloat32']:.1%}",
                f"{row['gib']:.2f}",
                f"{2**30 * row['gib'] / seconds / rate['copy']:.0%}",
                f"{row['kernels']:.0f}" if "kernels" in row else "–",
                f"{row['busy']:.0%}" if "busy" in row else "–",
                f"{row['counted_over_loop']:.2f}" if "counted_over_loop" in row else "–",
            ]
        )
    products = ", ".join(f"{rate[p] / 1e12:.1f} ({p})" for p in PRECISIONS)
    batch_size = figures["batch_size"]
    return f"""Training steps with batches of {batch_size} images. On this card products of
large matrices reach {products} TFLOP/s, and a copy {rate["copy"] / 1e9:.0f} GB/s.

- *GFLOP*: operations of a step, by the definition of convolution; a penalty of every fourth step is
  counted in full
- *share of matrix rate*: GFLOP a second, as a share of large products in TF32
- *GiB*: what the compiled step reads and writes, by XLA's own count
- *share of memory rate*: GiB a second, as a share of the copy
- *kernels*: number of kernels of a step
- *busy*: share of the time in which one kernel or more is running
- *counted loop*: time of a step in a loop whose length the compiler knows, divided by ours

{render.markdown_table(rows)}"""
