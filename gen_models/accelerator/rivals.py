"""Our training step against PyTorch's, eager and compiled, in alternating rounds on one card."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

import jax

from gen_models import render
from gen_models.accelerator.extent import Figures, Keep, ReportExtent, groups
from gen_models.benchmark import rounds, steps, torch_twin
from gen_models.benchmark.apart import ContestantProcess
from gen_models.benchmark.rates import Precision
from gen_models.benchmark.rounds import Timed
from gen_models.errors import UserError
from gen_models.models import MODELS

LEAST_STEPS = 4  # per round
COMPILING = 4  # cases whose steps are compiled at the same time
STARTED_S = 110  # within which PyTorch's steps must have run once
Twins = dict[str, ContestantProcess]  # PyTorch's contestants, "eager" and perhaps "compiled"


class Case(NamedTuple):
    """One comparison with PyTorch."""

    model: str
    batch_size: int
    precision: Precision
    compiled: bool  # whether PyTorch's compiler, which takes long, competes too


def cases(extent: ReportExtent) -> list[Case]:
    """The comparisons, the most informative ones first."""
    first, usual, (precision, *others) = extent.rivals[0], extent.batch_size, extent.precisions
    ordered = [Case(model, usual, precision, True) for model in extent.rivals]
    ordered += [Case(first, size, precision, False) for size in extent.batch_sizes if size != usual]
    for other in others:
        ordered += [Case(model, usual, other, model == first) for model in extent.rivals]
    return ordered


def measure(extent: ReportExtent, figures: Figures, keep: Keep) -> None:
    """Measure a row for each case. The cases of a group compile at the same time, PyTorch's steps
    in processes of their own."""
    rows = figures.setdefault("cases", [])
    is_measured = lambda case: any(case._asdict().items() <= row.items() for row in rows)
    for group in groups([case for case in cases(extent) if not is_measured(case)], COMPILING):
        with ExitStack() as stack:
            twins = {case: _start_twins(extent, case, stack) for case in group}
            until = time.monotonic() + STARTED_S
            with ThreadPoolExecutor(COMPILING) as threads:
                ours = list(threads.map(partial(_compile_ours, extent), group))
            started = {case: _wait_for_twins(twins[case], until) for case in group}
            for case, contestant in zip(group, ours, strict=True):
                rows.append(case._asdict() | _compare(extent, contestant, *started[case]))
                keep()


def _start_twins(extent: ReportExtent, case: Case, stack: ExitStack) -> Twins:
    """PyTorch's contestants of a case. Their processes start at once and end with the stack."""
    width = extent.options.get("width", MODELS[case.model].Config().width)
    kinds = {"eager": False} | ({"compiled": True} if case.compiled else {})
    settings = {
        name: torch_twin.Twin(case.model, case.batch_size, width, compiled, case.precision)
        for name, compiled in kinds.items()
    }
    return {
        name: stack.enter_context(ContestantProcess(torch_twin.twin, setting, _steps(extent, case)))
        for name, setting in settings.items()
    }


def _wait_for_twins(twins: Twins, until: float) -> tuple[Twins, dict[str, str]]:
    """Wait for all to run once. Returns those that did before `until`, and the others' errors."""
    ready, failed = {}, {}
    for name, twin in twins.items():
        try:
            twin.start(until - time.monotonic())
            ready[name] = twin
        except UserError as error:
            failed[name] = str(error)
    return ready, failed


def _steps(extent: ReportExtent, case: Case) -> int:
    """Number of steps per round."""
    return max(LEAST_STEPS, extent.round_steps * extent.batch_size // case.batch_size)


def _compile_ours(extent: ReportExtent, case: Case) -> Timed:
    options, count = extent.options | steps.plain(case.model), _steps(extent, case)
    if case.precision == "bfloat16":
        options["compute_dtype"] = "bfloat16"
    with jax.default_matmul_precision(case.precision):
        stepper = steps.Stepper(case.model, case.batch_size, chunk_steps=count, **options)
        return stepper.in_loop(count)


def _compare(extent: ReportExtent, ours: Timed, twins: Twins, failed: dict[str, str]) -> Figures:
    """Milliseconds of our step, and ratios of PyTorch's step times to ours in the same rounds. A
    twin that fails in a round is left out."""
    figures: Figures = {"failed": failed}
    for name, twin in twins.items():
        try:
            times = rounds.alternate({"ours": ours, name: twin}, extent.rounds)
        except UserError as error:
            failed[name] = str(error)
            continue
        figures[f"{name}_over_ours"] = rounds.ratio(times[name], times["ours"])
        figures.setdefault("ms", 1e3 * rounds.median(times["ours"]))
    if "ms" not in figures:
        times = rounds.alternate({"ours": ours}, extent.rounds)
        figures["ms"] = 1e3 * rounds.median(times["ours"])
    return figures


def page(figures: Figures) -> str:
    """Markdown table with one row per case, and a list of failures."""
    names = ("eager", "compiled")
    rows = [["model", "batch", "precision", "ours, ms", *(f"PyTorch {n} ÷ ours" for n in names)]]
    failures = set()
    for case in figures["cases"]:
        ratios = [case.get(f"{name}_over_ours") for name in names]
        cells = ["–" if ratio is None else f"{ratio:.2f}" for ratio in ratios]
        failures |= {f"PyTorch {name}: {reason}" for name, reason in case["failed"].items()}
        precision = "float32" if case["precision"] == "highest" else case["precision"]
        rows.append(
            [f"`{case['model']}`", str(case["batch_size"]), precision, f"{case['ms']:.3f}", *cells]
        )
    text = f"""Time of a training step of the same nets, without gradient penalties. *Precision* is
that of matrix products. With bfloat16 activations have it too: ours by `--compute-dtype bfloat16`,
PyTorch's by automatic casting.

{render.markdown_table(rows)}"""
    return text + "".join(f"\n- {failure}" for failure in sorted(failures)) + "\n" * bool(failures)
