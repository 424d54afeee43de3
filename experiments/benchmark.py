"""Measure speed: `python -m experiments.benchmark --against torch lax`. Keep the machine quiet."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import jax

from experiments import command
from gen_models.benchmark import flops, loop, processes, report, rounds, steps, torch_twin
from gen_models.fields import Between, Size, validate
from gen_models.models import MODELS
from gen_models.nets import conv
from gen_models.runs import environment
from gen_models.runs.recipe import known_model

SCALING = ((16, 64), (64, 64), (256, 64), (512, 64), (64, 32), (64, 128))  # batch size, width
MEMBERS = 4  # of the population that is measured
ROUND_STEPS, SAMPLES, FIT_STEPS, START_STEPS = 8, 500, 100, 20
FIT_ROUNDS = 8  # of some ten seconds each: the fastest counts, see rounds.best
POINT_ROUNDS = 3  # a point of the scaling table takes long
UNIT = "dcgan"  # whose step is 1 in the table of costs


@dataclass(frozen=True)
class Options:
    """Measure training and sampling speed on this machine."""

    models: tuple[str, ...] = ("dcgan", "cgan", "vae")
    """Models to measure."""
    against: tuple[Literal["torch", "lax"], ...] = ()
    """Also measure PyTorch eager, or XLA's own convolution, in the same rounds."""
    rounds: Annotated[int, Between(1, 1000)] = 5
    """Rounds of which the median is taken."""
    batch_size: Annotated[int, Between(2, 65536)] = 64
    """Images a step."""
    width: Size = 64
    """Width of the nets."""
    scaling: bool = False
    """Also a table over batch sizes 16 to 512 and widths 32 to 128."""
    costs: bool = False
    """Also a table of what a step of every model costs, with default options but for the batch."""
    out: Path = Path("results/benchmark")
    """Prefix of the .md, .json and .png to write."""
    only_start: str | None = None
    """Start this model, report first step and peak memory, and end: used by the benchmark."""
    steps: Annotated[int, Between(1, 10**6)] = START_STEPS
    """Steps of --only-start."""


def speed(model: str, options: Options) -> tuple[dict[str, float], list[float]]:
    """Figures of one model, contestants in turn; and the matmul rates of its rounds."""
    ours = steps.Stepper(model, options.batch_size, width=options.width)
    product, rate_of = flops.matmul()
    contestants = {
        "ours": ours.in_loop(ROUND_STEPS),
        "matmul": product,
        "sampling": steps.sampler(ours, SAMPLES),
        "stream": loop.stream_alone(options.batch_size),
        "population": steps.population(ours, MEMBERS, 2),
    }
    if "torch" in options.against:
        contestants["torch"] = torch_twin.twin(
            model, options.batch_size, options.width, ROUND_STEPS
        )
    if "lax" in options.against:
        layout = conv.NATIVE
        native = steps.Stepper(model, options.batch_size, layout=layout, width=options.width)
        contestants["lax_loop"] = native.in_loop(1)
        contestants["lax_calls"] = native.call_by_call(ROUND_STEPS)
    times = rounds.alternate(contestants, options.rounds)
    rates = [rate_of(seconds) for seconds in times["matmul"]]
    step_s = rounds.median(times["ours"])
    figures = {
        "ms_a_step": 1e3 * step_s,
        "images_a_s": options.batch_size / step_s,
        "sampled_images_a_s": 1 / rounds.median(times["sampling"]),
        "member_over_ours": rounds.ratio(times["population"], times["ours"]),
        "step_over_stream": rounds.ratio(times["ours"], times["stream"]),
    }
    if jax.default_backend() == "cpu":  # elsewhere products are library calls, not dots to count
        product_s = rounds.ratio(times["matmul"], times["ours"])
        defined = flops.step_flops(ours.model, options.batch_size)
        figures["gflop_a_step"] = defined / 1e9
        figures["gflop_done"] = ours.flops / 1e9
        figures["of_matmul_rate"] = defined * product_s / rate_of(1.0)
    for rival in ("torch", "lax_loop", "lax_calls"):
        if rival in times:
            figures[f"{rival}_over_ours"] = rounds.ratio(times[rival], times["ours"])
    return figures, rates


def around(model: str) -> dict[str, float]:
    """Figures of the loop around the step and of a process's start, defaults of the model."""
    whole, bare = loop.whole_and_bare(model, FIT_STEPS)
    times = rounds.alternate({"whole": whole, "bare": bare}, FIT_ROUNDS)
    cold, warm = processes.starts(model, START_STEPS)
    return {
        "fit_of_bare_rate": rounds.best(times["bare"]) / rounds.best(times["whole"]),
        "cold_first_step_s": cold.first_step_s,
        "warm_first_step_s": warm.first_step_s,
        "peak_mib": max(cold.peak_mib, warm.peak_mib),
    }


def point(model: str, batch_size: int, width: int) -> dict[str, Any]:
    """One line of the scaling table."""
    stepper = steps.Stepper(model, batch_size, width=width)
    product, rate_of = flops.matmul()
    times = rounds.alternate({"ours": stepper.in_loop(2), "matmul": product}, POINT_ROUNDS)
    step_s = rounds.median(times["ours"])
    product_s = rounds.ratio(times["matmul"], times["ours"])
    defined = flops.step_flops(stepper.model, batch_size)
    return {
        "model": model,
        "batch_size": batch_size,
        "width": width,
        "ms_a_step": 1e3 * step_s,
        "images_a_s": batch_size / step_s,
        "of_matmul_rate": defined * product_s / rate_of(1.0),
    }


def costs(batch_size: int) -> list[dict[str, Any]]:
    """A line a model: its step in turn with that of `UNIT`, the most expensive first."""
    unit = steps.Stepper(UNIT, batch_size).in_loop(ROUND_STEPS)
    lines = []
    for model in MODELS:
        stepper = steps.Stepper(model, batch_size)
        times = rounds.alternate({"unit": unit, "model": stepper.in_loop(2)}, POINT_ROUNDS)
        lines.append(
            {
                "model": model,
                "ms_a_step": 1e3 * rounds.median(times["model"]),
                "over_unit": rounds.ratio(times["model"], times["unit"]),
                "images_a_step": stepper.chunk.labels.shape[1],
                "million_weights": sum(x.size for x in jax.tree.leaves(stepper.state.params)) / 1e6,
            }
        )
    return sorted(lines, key=lambda line: -line["over_unit"])


def measure(options: Options, args: Sequence[str]) -> dict[str, Any]:
    """Everything that was asked for."""
    models: dict[str, dict[str, float]] = {}
    rates: list[float] = []
    for model in options.models:
        print(f"{model}: measuring", file=sys.stderr)
        models[model], model_rates = speed(model, options)
        models[model] |= around(model)
        rates += model_rates
    return {
        "machine": environment.describe(),
        "setting": {
            "command": " ".join(["python -m experiments.benchmark", *args]),
            "rounds": options.rounds,
            "fit_rounds": FIT_ROUNDS,
            "point_rounds": POINT_ROUNDS,
            "batch_size": options.batch_size,
            "width": options.width,
        },
        "matmul_gflop_s": rounds.median(rates) / 1e9,
        "matmul_low": min(rates) / 1e9,
        "matmul_high": max(rates) / 1e9,
        "models": models,
        "scaling": [],
        "unit": UNIT,
        "costs": [],
    }


def main(args: Sequence[str]) -> int:
    """Measure, print the report, write it. Returns the exit code."""
    options = command.parse("benchmark", Options, args)
    validate(options)
    for model in options.models:
        known_model(model)
    if options.only_start is not None:
        say = lambda line: print(line, flush=True)  # noqa: E731
        loop.only_start(known_model(options.only_start), options.steps, say)
        return 0
    options.out.parent.mkdir(parents=True, exist_ok=True)  # rather now than after minutes of work
    result = measure(options, args)
    paths = report.write(result, options.out)  # safe before the next part begins
    if options.scaling:
        result["scaling"] = [point(m, *setting) for m in options.models for setting in SCALING]
        report.write(result, options.out)
    if options.costs:
        result["costs"] = costs(options.batch_size)
        report.write(result, options.out)
    print(report.markdown(result))
    print("\n".join(map(str, paths)))
    return 0


if __name__ == "__main__":
    command.run(main)
