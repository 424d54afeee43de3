"""Measure speed: `python -m experiments.benchmark --against torch lax`. Keep the machine quiet."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from experiments import command
from gen_models.benchmark import loop, report, rounds, suite, torch_twin
from gen_models.fields import Between, ConfigError, Size, check_known, validate
from gen_models.runs import environment
from gen_models.runs.recipe import known_model
from gen_models.storage.files import without_ending

SCALING = ((16, 64), (64, 64), (256, 64), (512, 64), (64, 32), (64, 128))  # batch size, width


@dataclass(frozen=True)
class Options:
    """Measure training and sampling speed on this machine."""

    models: tuple[str, ...] = ("dcgan", "cgan", "vae")
    """Models to measure."""
    against: tuple[Literal["torch", "torch_compiled", "lax"], ...] = ()
    """Rivals to measure in the same rounds: PyTorch eager and compiled, XLA's own convolution."""
    rounds: Annotated[int, Between(1, 1000)] = 5
    """Number of rounds, of which the median is reported."""
    batch_size: Annotated[int, Between(2, 65536)] = 64
    """Images per training step."""
    width: Size = 32
    """Width of the nets: channels of the layers next to the image."""
    scaling: bool = False
    """Also measure a table of batch sizes 16 to 512 and widths 32 to 128."""
    costs: bool = False
    """Also measure the cost of every model's step, with default options except the batch size."""
    out: Path = Path("results/benchmark")
    """Prefix of the .md, .json and .png files to write, with or without one of these endings."""
    only_start: str | None = None
    """Only start this model, and report its first step and peak memory: used by the benchmark."""
    steps: Annotated[int, Between(1, 10**6)] = suite.START_STEPS
    """Training steps of --only-start."""


def measure_models(options: Options, args: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield, after each model, the figures of the models so far, with empty tables, as
    `report.write` takes them."""
    setting = suite.BenchmarkSetting(
        options.batch_size, options.width, options.rounds, options.against
    )
    models: dict[str, dict[str, float]] = {}
    rates: list[float] = []
    for model in options.models:
        print(f"{model}: measuring", file=sys.stderr)
        figures, model_rates = suite.measure_speed(model, setting)
        models[model] = figures | suite.measure_loop_and_start(model)
        rates += model_rates
        yield _result(options, args, models, rates)


def _result(
    options: Options,
    args: Sequence[str],
    models: dict[str, dict[str, float]],
    rates: Sequence[float],
) -> dict[str, Any]:
    return {
        "machine": environment.describe(),
        "setting": {
            "command": " ".join(["python -m experiments.benchmark", *args]),
            "rounds": options.rounds,
            "fit_rounds": suite.FIT_ROUNDS,
            "point_rounds": suite.POINT_ROUNDS,
            "batch_size": options.batch_size,
            "width": options.width,
        },
        "matmul_gflop_s": rounds.median(rates) / 1e9,
        "matmul_low": min(rates) / 1e9,
        "matmul_high": max(rates) / 1e9,
        "models": models,
        "scaling": [],
        "unit": suite.UNIT,
        "costs": [],
    }


def main(args: Sequence[str]) -> int:
    """Measure, then write and print the report. Returns the exit code."""
    options = command.parse("benchmark", Options, args)
    validate(options)
    if not options.models:
        raise ConfigError("--models names none; name one or more")
    rivals = {"torch", "torch_compiled"} & set(options.against)
    for model in options.models:
        known_model(model)
        if rivals:
            check_known("model with a twin in PyTorch", model, torch_twin.LATENT)
    if rivals:
        torch_twin.check_installed()
    if options.only_start is not None:
        say = lambda line: print(line, flush=True)
        loop.report_start(known_model(options.only_start), options.steps, say)
        return 0
    out = without_ending(options.out, ".md", ".json", ".png")
    out.parent.mkdir(parents=True, exist_ok=True)  # an error here costs no minutes of work
    result, paths = {}, []
    try:
        for result in measure_models(options, args):
            paths = report.write(result, out)  # safe before the next part begins
        if options.scaling:
            result["scaling"] = [
                suite.measure_point(model, batch_size, width)
                for model in options.models
                for batch_size, width in SCALING
            ]
            report.write(result, out)
        if options.costs:
            result["costs"] = suite.measure_costs(options.batch_size)
            report.write(result, out)
    finally:  # whatever fails or is interrupted, what was measured is shown
        if result:
            print(report.markdown(result))
    print("\n".join(map(str, paths)))
    return 0


if __name__ == "__main__":
    command.run(main, spare=["--batch-size", "--width"])
