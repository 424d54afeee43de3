"""Milliseconds of a step of every model, and what the card reaches of its rates meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import jax

from gen_models import render
from gen_models.accelerator.extent import Extent, Figures, Keep
from gen_models.benchmark import flops, rates, rounds, steps
from gen_models.benchmark.profile import profile

COMPILING = 8  # threads
PROFILED_STEPS = 10
PRECISIONS: tuple[rates.Precision, ...] = ("highest", "tensorfloat32", "bfloat16")
PRODUCT, COPY_MIB = 8192, 512  # on a card; a CPU takes the defaults


def measure(extent: Extent, keep: Keep) -> Figures:
    """Rates of the card, then a row for each model."""
    found: Figures = {"batch_size": extent.batch_size, "rates": _rates(extent), "models": {}}
    keep(found)
    stepper = partial(
        steps.Stepper,
        batch_size=extent.batch_size,
        chunk_steps=extent.round_steps,
        **extent.options,
    )
    with ThreadPoolExecutor(COMPILING) as threads:  # XLA's compiler takes most of the time
        steppers = list(threads.map(stepper, extent.models))
        programs = list(threads.map(steps.Stepper.one_step, steppers))
        counted = list(threads.map(lambda one: one.counted_loop(extent.round_steps), steppers))
    for model, *made in zip(extent.models, steppers, programs, counted, strict=True):
        found["models"][model] = _of_model(extent, *made)
        keep(found)
    return found


def _rates(extent: Extent) -> Figures:
    """FLOP/s of products by precision, and bytes/s of a copy."""
    on_card = jax.default_backend() != "cpu"
    product = partial(rates.matmul, PRODUCT) if on_card else rates.matmul
    contestants = {precision: product(precision=precision) for precision in PRECISIONS}
    contestants["copy"] = rates.copy(COPY_MIB) if on_card else rates.copy()
    times = rounds.alternate(
        {name: timed for name, (timed, _) in contestants.items()}, extent.rounds
    )
    return {name: rate_of(rounds.median(times[name])) for name, (_, rate_of) in contestants.items()}


def _of_model(
    extent: Extent, ours: steps.Stepper, program: jax.stages.Compiled, counted: rounds.Timed
) -> Figures:
    contestants = {"loop": ours.in_loop(extent.round_steps), "counted": counted}
    times = rounds.alternate(contestants, extent.rounds)
    seen = profile(ours.in_loop(min(PROFILED_STEPS, extent.round_steps)))
    found = {
        "ms": 1e3 * rounds.median(times["loop"]),
        "counted_over_loop": rounds.ratio(times["counted"], times["loop"]),
        "gflop": flops.step_flops(ours.model, extent.batch_size) / 1e9,
        "gib": (program.cost_analysis() or {}).get("bytes accessed", 0.0) / 2**30,
    }
    if seen is not None:
        found |= {
            "kernels": seen.kernels / min(PROFILED_STEPS, extent.round_steps),
            "busy": seen.busy,
        }
    return found


def page(found: Figures) -> str:
    """Rates of the card, and a table of the models."""
    rate = found["rates"]
    rows = [
        [
            "model",
            "ms a step",
            "GFLOP",
            "of the matrix rate",
            "GiB",
            "of the memory rate",
            "kernels",
            "the card is busy",
            "loop of known length ÷ ours",
        ]
    ]
    for model, one in found["models"].items():
        seconds = one["ms"] / 1e3
        rows.append(
            [
                f"`{model}`",
                f"{one['ms']:.3f}",
                f"{one['gflop']:.2f}",
                f"{1e9 * one['gflop'] / seconds / rate['tensorfloat32']:.1%}",
                f"{one['gib']:.2f}",
                f"{2**30 * one['gib'] / seconds / rate['copy']:.0%}",
                f"{one['kernels']:.0f}" if "kernels" in one else "–",
                f"{one['busy']:.0%}" if "busy" in one else "–",
                f"{one['counted_over_loop']:.2f}",
            ]
        )
    products = ", ".join(f"{rate[p] / 1e12:.1f} ({p})" for p in PRECISIONS)
    return f"""Batch {found["batch_size"]}. Products of large matrices reach {products} TFLOP/s, a
copy {rate["copy"] / 1e9:.0f} GB/s. The share of the matrix rate is of TF32's, and of the operations
of convolutions as they are defined; bytes are those that the compiled step says that it reads and
writes. Kernels are of a step; the card is busy while at least one of them runs.

{render.markdown_table(rows)}"""
