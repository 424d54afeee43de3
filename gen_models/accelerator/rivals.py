"""Our step beside PyTorch's, eager and compiled, in alternating rounds on the same card."""

from typing import NamedTuple

import jax

from gen_models import render
from gen_models.accelerator.extent import Extent, Figures, Keep
from gen_models.benchmark import rounds, steps, torch_twin
from gen_models.benchmark.rates import Precision
from gen_models.benchmark.rounds import Timed
from gen_models.errors import UserError
from gen_models.models import MODELS

LEAST_STEPS = 4  # in a round


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


def measure(extent: Extent, keep: Keep) -> Figures:
    """A row for each case."""
    found: Figures = {"cases": []}
    for case in cases(extent):
        found["cases"].append(case._asdict() | _compared(extent, case))
        keep(found)
    return found


def _compared(extent: Extent, case: Case) -> Figures:
    count = max(LEAST_STEPS, extent.round_steps * extent.batch_size // case.batch_size)
    options = dict(extent.options)
    if case.precision == "bfloat16":
        options["compute_dtype"] = "bfloat16"
    with jax.default_matmul_precision(case.precision):
        ours = steps.Stepper(case.model, case.batch_size, chunk_steps=count, **options)
    contestants = {"ours": ours.in_loop(count)}
    failed = {}
    width = extent.options.get("width", MODELS[case.model].Config().width)
    for name, compiled in (("eager", False), ("compiled", True)):
        if compiled and not case.compiled:
            continue
        twin = torch_twin.Twin(case.model, case.batch_size, width, compiled, case.precision)
        try:
            contestants[name] = _warm(torch_twin.twin(twin, count))
        except UserError as error:
            failed[name] = str(error)
        except Exception as error:  # PyTorch's compiler fails in ways of its own
            failed[name] = f"{type(error).__name__}: {str(error).splitlines()[0]:.200}"
    times = rounds.alternate(contestants, extent.rounds)
    ratios = {
        f"{name}_over_ours": rounds.ratio(times[name], times["ours"])
        for name in contestants
        if name != "ours"
    }
    return {"ms": 1e3 * rounds.median(times["ours"]), **ratios, "failed": failed}


def _warm(run: Timed) -> Timed:
    """The same contestant, once it has run: compilers fail at the first call."""
    run()
    return run


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
