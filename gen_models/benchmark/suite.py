"""The figures of a benchmark, and the contestants that they compare."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

import jax

from gen_models.benchmark import flops, loop, processes, rates, rounds, steps, torch_twin
from gen_models.benchmark.apart import ContestantProcess
from gen_models.models import MODELS
from gen_models.nets import conv

MEMBERS = 4  # size of the measured population
ROUND_STEPS, SAMPLES, FIT_STEPS, START_STEPS = 8, 500, 100, 20
STARTED_S = 600  # within which PyTorch must have run once
FIT_ROUNDS = 8  # some ten seconds each; the fastest counts, see rounds.best
POINT_ROUNDS = 3  # few, as a point of the scaling table takes long
UNIT = "dcgan"  # model whose step costs 1 in the table of costs


class BenchmarkSetting(NamedTuple):
    """Options that all steps of a benchmark share."""

    batch_size: int  # images per training step
    width: int  # width of the nets
    rounds: int  # number of rounds, of which the median is reported
    against: Sequence[str]  # rivals in the same rounds: "torch", "torch_compiled", "lax"


def measure_speed(model: str, setting: BenchmarkSetting) -> tuple[dict[str, float], list[float]]:
    """Figures of one model against its rivals, and the matrix rates in its rounds, FLOP/s. A
    gradient penalty is left out unless the model's paper has one. PyTorch's steps run in processes
    of their own."""
    plain = {"width": setting.width} | steps.plain(model)
    ours = steps.Stepper(model, setting.batch_size, **plain)
    product, rate_of = rates.matmul()
    contestants = {
        "ours": ours.in_loop(ROUND_STEPS),
        "matmul": product,
        "sampling": steps.sampler(ours, SAMPLES),
        "stream": loop.stream_alone(setting.batch_size),
        "population": steps.population(ours, MEMBERS, 2).run,
    }
    if "lax" in setting.against:
        layout = conv.NATIVE
        native = steps.Stepper(model, setting.batch_size, layout=layout, **plain)
        contestants["lax_loop"] = native.in_loop(1)
        contestants["lax_calls"] = native.call_by_call(ROUND_STEPS)
    with ExitStack() as stack:
        for rival, compiled in (("torch", False), ("torch_compiled", True)):
            if rival in setting.against:
                twin = torch_twin.Twin(model, setting.batch_size, setting.width, compiled)
                contestants[rival] = stack.enter_context(
                    ContestantProcess(torch_twin.twin, twin, ROUND_STEPS)
                )
                contestants[rival].start(STARTED_S)
        times = rounds.alternate(contestants, setting.rounds)
    matmul_rates = [rate_of(seconds) for seconds in times["matmul"]]
    step_s = rounds.median(times["ours"])
    figures = {
        "ms_a_step": 1e3 * step_s,
        "images_a_s": setting.batch_size / step_s,
        "sampled_images_a_s": 1 / rounds.median(times["sampling"]),
        "member_over_ours": rounds.ratio(times["population"], times["ours"]),
        "step_over_stream": rounds.ratio(times["ours"], times["stream"]),
    }
    if is_on_cpu():
        product_s = rounds.ratio(times["matmul"], times["ours"])
        operations = flops.step_flops(ours.model, setting.batch_size)
        figures["gflop_a_step"] = operations / 1e9
        if ours.model.algorithm.batches == 1:  # else a step is a loop of several updates
            figures["gflop_done"] = ours.flops / 1e9
        figures["of_matmul_rate"] = operations * product_s / rate_of(1.0)
    for rival in ("torch", "torch_compiled", "lax_loop", "lax_calls"):
        if rival in times:
            figures[f"{rival}_over_ours"] = rounds.ratio(times[rival], times["ours"])
    return figures, matmul_rates


def is_on_cpu() -> bool:
    """Whether this is a CPU, where a step's operations compare with the matrix rate. Elsewhere its
    products are library calls, which are not counted, and of another precision than the rate's."""
    return jax.default_backend() == "cpu"


def measure_loop_and_start(model: str) -> dict[str, float]:
    """Figures of the loop around the step and of a process's start, with default options."""
    whole, bare = loop.whole_and_bare(model, FIT_STEPS)
    times = rounds.alternate({"whole": whole, "bare": bare}, FIT_ROUNDS)
    cold, warm = processes.measure_starts(model, START_STEPS)
    return {
        "fit_of_bare_rate": rounds.best(times["bare"]) / rounds.best(times["whole"]),
        "cold_first_step_s": cold.first_step_s,
        "warm_first_step_s": warm.first_step_s,
        "peak_mib": max(cold.peak_mib, warm.peak_mib),
    }


def measure_point(model: str, batch_size: int, width: int) -> dict[str, Any]:
    """Measure one row of the scaling table."""
    stepper = steps.Stepper(model, batch_size, width=width, **steps.plain(model))
    product, rate_of = rates.matmul()
    times = rounds.alternate({"ours": stepper.in_loop(2), "matmul": product}, POINT_ROUNDS)
    step_s = rounds.median(times["ours"])
    row = {
        "model": model,
        "batch_size": batch_size,
        "width": width,
        "ms_a_step": 1e3 * step_s,
        "images_a_s": batch_size / step_s,
    }
    if is_on_cpu():
        operations = flops.step_flops(stepper.model, batch_size)
        product_s = rounds.ratio(times["matmul"], times["ours"])
        row["of_matmul_rate"] = operations * product_s / rate_of(1.0)
    return row


def measure_costs(batch_size: int) -> list[dict[str, Any]]:
    """Measure the rows of the table of costs, one per model: its step against that of `UNIT`.
    Returns the slowest first."""
    unit = steps.Stepper(UNIT, batch_size).in_loop(ROUND_STEPS)
    rows = []
    for model in MODELS:
        stepper = steps.Stepper(model, batch_size)
        times = rounds.alternate({"unit": unit, "model": stepper.in_loop(2)}, POINT_ROUNDS)
        rows.append(
            {
                "model": model,
                "ms_a_step": 1e3 * rounds.median(times["model"]),
                "over_unit": rounds.ratio(times["model"], times["unit"]),
                "images_a_step": stepper.chunk.labels.shape[1],
                "million_weights": sum(x.size for x in jax.tree.leaves(stepper.state.params)) / 1e6,
            }
        )
    return sorted(rows, key=lambda row: -row["over_unit"])
