"""Speed and memory of populations trained at once, by size and by kind of convolution.

Under `vmap` over members, XLA's convolution becomes a grouped convolution, which may be slow; this
project's matrix products become batched products.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import jax

from gen_models import render
from gen_models.accelerator.extent import Extent, Figures, Keep, compiled
from gen_models.benchmark import rounds, steps
from gen_models.nets import conv

MODEL = "dcgan"
LAYOUTS = {"matrix products": conv.COLUMNS, "XLA's convolutions": conv.NATIVE}
LEAST_STEPS = 2  # per round
COMPILING = 4  # threads that compile


def measure(extent: Extent, found: Figures, keep: Keep) -> None:
    """Measure a row for each number of members and each kind of convolution."""
    rows = found.setdefault("rows", [])
    known = {(row["members"], row["layout"]) for row in rows}
    tried = [(members, layout) for members in extent.members for layout in LAYOUTS]
    left = [one for one in tried if one not in known]
    for (members, layout), population in compiled(left, partial(_compiled, extent), COMPILING):
        row = {"members": members, "layout": layout}
        rows.append(row | _measured(extent, population))
        del population  # frees its memory before the next one runs
        keep()


Population = tuple[rounds.Timed, float]  # its timed steps, and the memory it needs in GiB


def _compiled(extent: Extent, one: tuple[int, str]) -> Population | None:
    """The compiled population of a pair (members, name of a layout), ready to be timed, or None if
    it does not fit."""
    members, layout = one[0], LAYOUTS[one[1]]
    count = max(LEAST_STEPS, extent.round_steps // members)
    options = extent.options | steps.plain(MODEL)
    stepper = steps.Stepper(MODEL, extent.batch_size, layout=layout, chunk_steps=count, **options)
    return _if_it_fits(lambda: steps.population(stepper, members, count))


def _measured(extent: Extent, population: Population | None) -> Figures:
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


def page(found: Figures) -> str:
    """Markdown table with one row per population."""
    rows = [["members", "convolutions by", "member-steps/s", "÷ that of the fewest", "memory, GiB"]]
    alone: dict[str, float] = {}
    for row in found["rows"]:
        layout, rate, gib = row["layout"], row["steps_a_s"], row["gib"]
        if rate is not None:
            alone.setdefault(layout, rate)
        rows.append(
            [
                str(row["members"]),
                layout,
                "does not fit" if rate is None else f"{rate:.0f}",
                "–" if rate is None else f"{rate / alone[layout]:.1f}",
                "–" if gib is None else f"{gib:.1f}",
            ]
        )
    return f"""Members of a population of `{MODEL}` train side by side, without gradient penalty. A
*member-step* is one step of one member. *Memory* is what the compiled program asks for: states,
data and activations.

{render.markdown_table(rows)}"""
