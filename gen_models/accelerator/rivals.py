"""Our step beside PyTorch's, eager and compiled, in alternating rounds on the same card."""

import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

import jax

from gen_models import render
from gen_models.accelerator.extent import Extent, Figures, Keep, groups
from gen_models.benchmark import rounds, steps, torch_twin
from gen_models.benchmark.rates import Precision
from gen_models.benchmark.rounds import Timed
from gen_models.errors import UserError
from gen_models.models import MODELS

LEAST_STEPS = 4  # in a round
COMPILING = 4  # threads, and processes of PyTorch's compiler


class Case(NamedTuple):
    """One comparison."""

    model: str
    batch_size: int
    precision: Precision
    compiled: bool  # whether PyTorch's compiler, which takes long, competes too


def cases(extent: Extent) -> list[Case]:
    """The comparisons, the most telling ones first."""
    first, usual, (precision, *others) = extent.rivals[0], extent.batch_size, extent.precisions
    found = [Case(model, usual, precision, True) for model in extent.rivals]
    found += [Case(first, size, precision, False) for size in extent.batch_sizes if size != usual]
    for other in others:
        found += [Case(model, usual, other, model == first) for model in extent.rivals]
    return found


def measure(extent: Extent, found: Figures, keep: Keep) -> None:
    """A row for each case."""
    rows = found.setdefault("cases", [])
    left = [
        case
        for case in cases(extent)
        if not any(case._asdict().items() <= row.items() for row in rows)
    ]
    for group in groups(left, COMPILING):
        with ThreadPoolExecutor(COMPILING) as threads:
            ours = list(threads.map(lambda case: _ours(extent, case), group))
        for case, contestant in zip(group, ours, strict=True):
            rows.append(case._asdict() | _compared(extent, case, contestant))
            keep()


def prepare(extent: Extent, found: Figures, keep: Keep) -> None:
    """Seconds that each twin takes until its first steps are done, or what it fails with, compiled
    in processes side by side. PyTorch's compiler keeps what it makes in a folder, where the
    comparison finds it."""
    found["seconds"] = []
    compiled = [case for case in cases(extent) if case.compiled]
    with ProcessPoolExecutor(COMPILING, get_context("spawn")) as processes:
        twins = [_twin(extent, case, compiled=True) for case in compiled]
        for case, seconds in zip(compiled, processes.map(_started, twins), strict=True):
            found["seconds"].append(case._asdict() | {"seconds": seconds})
            keep()


def _started(twin: torch_twin.Twin) -> float | str:
    """Seconds until a twin's first steps are done, or what it failed with."""
    began = time.monotonic()
    ready = _ready(twin, LEAST_STEPS)
    return ready if isinstance(ready, str) else time.monotonic() - began


def _ready(twin: torch_twin.Twin, steps: int) -> Timed | str:
    """A twin as a contestant that has run once, which is when it is compiled, or what it failed
    with."""
    try:
        run = torch_twin.twin(twin, steps)
        run()
    except UserError as error:
        return str(error)
    except Exception as error:  # PyTorch's compiler has many ways to fail, and the others go on
        return f"{type(error).__name__}: {str(error).partition(chr(10))[0]:.200}"
    return run


def _steps(extent: Extent, case: Case) -> int:
    """Steps of a round."""
    return max(LEAST_STEPS, extent.round_steps * extent.batch_size // case.batch_size)


def _ours(extent: Extent, case: Case) -> Timed:
    options, count = dict(extent.options), _steps(extent, case)
    if case.precision == "bfloat16":
        options["compute_dtype"] = "bfloat16"
    with jax.default_matmul_precision(case.precision):
        ours = steps.Stepper(case.model, case.batch_size, chunk_steps=count, **options)
        return ours.in_loop(count)


def _twin(extent: Extent, case: Case, *, compiled: bool) -> torch_twin.Twin:
    width = extent.options.get("width", MODELS[case.model].Config().width)
    return torch_twin.Twin(case.model, case.batch_size, width, compiled, case.precision)


def _compared(extent: Extent, case: Case, ours: Timed) -> Figures:
    contestants, failed, count = {"ours": ours}, {}, _steps(extent, case)
    for name, compiled in (("eager", False), ("compiled", True)):
        if compiled and not case.compiled:
            continue
        ready = _ready(_twin(extent, case, compiled=compiled), count)
        if isinstance(ready, str):
            failed[name] = ready
        else:
            contestants[name] = ready
    times = rounds.alternate(contestants, extent.rounds)
    ratios = {
        f"{name}_over_ours": rounds.ratio(times[name], times["ours"])
        for name in contestants
        if name != "ours"
    }
    return {"ms": 1e3 * rounds.median(times["ours"]), **ratios, "failed": failed}


def page_of_preparation(found: Figures) -> str:
    """A row for each twin."""
    rows = [["model", "products", "first steps done after, s"]]
    for one in found["seconds"]:
        seconds = one["seconds"] if isinstance(one["seconds"], str) else f"{one['seconds']:.0f}"
        rows.append([f"`{one['model']}`", one["precision"], seconds])
    return render.markdown_table(rows)


def page(found: Figures) -> str:
    """A row for each case, and what failed."""
    names = ("eager", "compiled")
    rows = [["model", "batch", "products", "ours, ms", *(f"PyTorch {n} ÷ ours" for n in names)]]
    failures = set()
    for case in found["cases"]:
        ratios = [case.get(f"{name}_over_ours") for name in names]
        cells = ["–" if ratio is None else f"{ratio:.2f}" for ratio in ratios]
        failures |= {f"PyTorch {name}: {reason}" for name, reason in case["failed"].items()}
        precision = "float32" if case["precision"] == "highest" else case["precision"]
        rows.append(
            [f"`{case['model']}`", str(case["batch_size"]), precision, f"{case['ms']:.3f}", *cells]
        )
    text = f"""The same nets and the same training step. In bfloat16 both compute activations and
products in it, ours by `--compute-dtype bfloat16`, PyTorch by its automatic casting.

{render.markdown_table(rows)}"""
    return text + "".join(f"\n- {failure}" for failure in sorted(failures)) + "\n" * bool(failures)
