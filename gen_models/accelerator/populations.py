"""Speed and memory of populations trained at once, by size and by kind of convolution.

Under `vmap` over members, XLA's convolution becomes a grouped convolution, which may be slow; this
project's matrix products become batched products.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar

import jax

from gen_models import render
from gen_models.accelerator.extent import Figures, Keep, ReportExtent, compile_in_groups
from gen_models.benchmark import rounds, steps
from gen_models.nets import conv

MODEL = "dcgan"
LAYOUTS = {"matrix products": conv.COLUMNS, "XLA's convolutions": conv.NATIVE}
LEAST_STEPS = 2  # per round
COMPILING = 4  # threads that compile


class PopulationCase(NamedTuple):
    """One population to be measured."""

    members: int
    layout: str  # its convolutions, one of LAYOUTS


def measure(extent: ReportExtent, figures: Figures, keep: Keep) -> None:
    """Measure a row for each number of members and each kind of convolution."""
    rows = figures.setdefault("rows", [])
    measured = {(row["members"], row["layout"]) for row in rows}
    cases = [PopulationCase(members, layout) for members in extent.members for layout in LAYOUTS]
    left = [case for case in cases if case not in measured]
    for case, population in compile_in_groups(left, partial(_compile, extent), COMPILING):
        rows.append(case._asdict() | _measure(extent, population))
        del population  # frees its memory before the next one runs
        keep()


def _compile(extent: ReportExtent, case: PopulationCase) -> steps.PopulationContestant | None:
    """The compiled population of a case, ready to be timed, or None if it does not fit."""
    count = max(LEAST_STEPS, extent.round_steps // case.members)
    options = extent.options | steps.plain(MODEL)
    layout = LAYOUTS[case.layout]
    stepper = steps.Stepper(MODEL, extent.batch_size, layout=layout, chunk_steps=count, **options)
    return _if_it_fits(lambda: steps.population(stepper, case.members, count))


def _measure(extent: ReportExtent, population: steps.PopulationContestant | None) -> Figures:
    """Member-steps per second, and the memory of states, data and activations in GiB."""
    run, gib = population or (None, None)
    times = run and _if_it_fits(lambda: rounds.alternate({"members": run}, extent.rounds))
    return {"steps_a_s": 1 / rounds.median(times["members"]) if times else None, "gib": gib}


T = TypeVar("T")


def _if_it_fits(work: Callable[[], T]) -> T | None:
    """What `work` returns, or None where the device's memory is too small for it."""
    try:
        return work()
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        return None


def page(figures: Figures) -> str:
    """Markdown table with one row per population."""
    rows = [["members", "convolutions by", "member-steps/s", "÷ that of the fewest", "memory, GiB"]]
    fewest: dict[str, float] = {}  # rate of the fewest members, by layout
    for row in figures["rows"]:
        layout, rate, gib = row["layout"], row["steps_a_s"], row["gib"]
        if rate is not None:
            fewest.setdefault(layout, rate)
        rows.append(
            [
                str(row["members"]),
                layout,
                "does not fit" if rate is None else f"{rate:.0f}",
                "–" if rate is None else f"{rate / fewest[layout]:.1f}",
                "–" if gib is None else f"{gib:.1f}",
            ]
        )
    return f"""Members of a population of `{MODEL}` train side by side, without gradient penalty. A
*member-step* is one step of one member. *Memory* is what the compiled program asks for: states,
data and activations.

{render.markdown_table(rows)}"""
