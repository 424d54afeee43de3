"""The scoreboard: a Markdown page of every model on every data set."""

import json
from collections.abc import Mapping, Sequence

import numpy as np

from gen_models import markdown
from gen_models.comparison.entries import Entry
from gen_models.evaluation.measure import MEASURES
from gen_models.evaluation.record import PARTS, common_protocol, floor, shown


def board(
    command: str, machine: str, found: Mapping[str, Sequence[Entry]], missing: Sequence[str]
) -> str:
    """The page; `found` has the entries of each data set, all of them evaluated, and `missing` the
    names of runs that should be there too."""
    legend = "\n".join(
        f"- **{m.title}**, {m.better} is better: {m.meaning}" for m in MEASURES.values()
    )
    without = f"\nMissing, not made yet or diverged: {', '.join(missing)}.\n" if missing else ""
    sections = "\n".join(_dataset(name, entries) for name, entries in found.items())
    return (
        f"# Scoreboard\n\nMade by `{command}` on {machine}.\n\n"
        "Every model has its default options, the paper's where it names them: some are made for "
        "trainings a hundred times as long. This compares defaults, not ideas.\n\n"
        "Each number is the mean over the seeds ± half of its 95 % interval (Student's t; of a "
        "single seed, that of its evaluation). `real images` is the floor: as many images of the "
        "training split, taken for samples; for label accuracy and authenticity the test split. A "
        "minute is one of the clock, whatever else ran.\n"
        f"{without}{sections}\n## What the columns mean\n\n{legend}\n"
    )


def _dataset(name: str, entries: Sequence[Entry]) -> str:
    protocol = common_protocol([e for entry in entries for e in entry.evaluations])
    names = [n for n in MEASURES if any(n in entry.summary for entry in entries)]
    heading = ["model", "seeds", *(MEASURES[n].title for n in names), "minutes"]
    rows = [_row(entry, names) for entry in entries]
    floors = [floor(n, [entry.summary for entry in entries]) for n in names]
    rows.append(["*real images*", "", *floors, ""])
    parts = [f"\n## {name}\n\n{protocol}\n", markdown.table([heading, *rows])]
    measured = [entry for entry in entries if entry.evaluations[0].likelihood]
    if measured:
        parts.append(_likelihoods(measured))
    parts += [f"![samples](scoreboard/{name}.png)", ""]
    return "\n".join(parts)


def _row(entry: Entry, names: Sequence[str]) -> list[str]:
    cells = [shown(n, entry.summary[n]) if n in entry.summary else "–" for n in names]
    minutes = f"{np.mean([run.seconds for run in entry.runs]) / 60:.1f}"
    return [f"`{entry.name}`", str(len(entry.evaluations)), *cells, minutes]


def _likelihoods(entries: Sequence[Entry]) -> str:
    """Bounds in nats, mean and deviation over the seeds."""
    heading = ["model", "images", "k", *(title.strip() for title in PARTS.values()), "p(x|z)"]
    rows = []
    for entry in entries:
        first = entry.evaluations[0].likelihood
        cells = [f"{first['images']:,}", str(first["draws"])]
        for part in PARTS:
            values = [e.likelihood[part]["value"] for e in entry.evaluations]
            spread = f" ± {np.std(values, ddof=1):.2f}" if len(values) > 1 else ""
            cells.append(f"{np.mean(values):.2f}{spread}")
        rows.append([f"`{entry.name}`", *cells, first["observation"]])
    note = (
        "Likelihood of the first test images, with k importance samples each; ± is the deviation "
        "over the seeds.\n\n"
    )
    return note + markdown.table([heading, *rows])


def as_json(command: str, machine: str, found: Mapping[str, Sequence[Entry]]) -> str:
    """Every number behind the page."""
    values = {
        name: [
            {
                "model": entry.name,
                "options": entry.options,
                "runs": [
                    e._asdict() | {"protocol": e.protocol.to_dict()} for e in entry.evaluations
                ],
                "seconds": [run.seconds for run in entry.runs],
            }
            for entry in entries
        ]
        for name, entries in found.items()
    }
    return json.dumps({"command": command, "machine": machine, "datasets": values}, indent=1) + "\n"
