"""Members of a population trained at once: their speed, their memory, and by which convolutions.

Under `vmap` over members XLA's convolution becomes a grouped one, which may be slow; this project's
matrix products become batched ones.
"""

import jax

from gen_models import render
from gen_models.accelerator.extent import Extent, Figures, Keep
from gen_models.benchmark import rounds, steps
from gen_models.nets import conv

MODEL = "dcgan"
LAYOUTS = {"matrix products": conv.COLUMNS, "XLA's convolutions": conv.NATIVE}
LEAST_STEPS = 2  # in a round


def measure(extent: Extent, keep: Keep) -> Figures:
    """A row for each number of members and each way to convolve, until they do not fit."""
    found: Figures = {"rows": []}
    for layout in LAYOUTS:
        for members in extent.members:
            row = {"members": members, "layout": layout}
            try:
                row |= _measured(extent, members, LAYOUTS[layout])
            except jax.errors.JaxRuntimeError as error:
                if "RESOURCE_EXHAUSTED" not in str(error):
                    raise
                row |= {"steps_a_s": None, "gib": None}
            found["rows"].append(row)
            keep(found)
            if row["steps_a_s"] is None:
                break
    return found


def _measured(extent: Extent, members: int, layout: conv.Layout) -> Figures:
    """Steps of members a second, and the memory of states, data and activations, GiB."""
    count = max(LEAST_STEPS, extent.round_steps // members)
    stepper = steps.Stepper(
        MODEL, extent.batch_size, layout=layout, chunk_steps=count, **extent.options
    )
    run, gib = steps.population(stepper, members, count)
    times = rounds.alternate({"members": run}, extent.rounds)
    return {"steps_a_s": 1 / rounds.median(times["members"]), "gib": gib}


def page(found: Figures) -> str:
    """A row for each population."""
    rows = [["members", "convolutions by", "member-steps/s", "÷ one member's", "memory, GiB"]]
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
    return f"""`{MODEL}`, its members' steps together. Memory is what the compiled program asks for:
states, data and activations.

{render.markdown_table(rows)}"""
