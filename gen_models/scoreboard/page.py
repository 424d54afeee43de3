"""The scoreboard's page: a Markdown table of every model on every data set."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import numpy as np

from gen_models import render
from gen_models.evaluation import record
from gen_models.evaluation.measure import MEASURES
from gen_models.evaluation.record import PARTS, Summary
from gen_models.scoreboard.results import Cell, Result

COLUMNS = 4  # pictures in a row


def picture(dataset: str, model: str) -> PurePosixPath:
    """Path of the picture of a model's samples, relative to the page."""
    return PurePosixPath("scoreboard") / f"{dataset}-{model}.png"


def page(steps: int, found: Mapping[Cell, Result], missing: Mapping[str, int | None]) -> str:
    """Text of the page of all results, from runs of `steps` steps; `missing` are the names of the
    missing runs, with the last finite step of those that diverged."""
    machines = sorted({result.machine for result in found.values()})
    marks = {machine: f"({number})" for number, machine in enumerate(machines, 1)}
    legend = "\n".join(
        f"- **{m.title}**, {m.better} is better: {m.meaning}" for m in MEASURES.values()
    )
    unmade = [name for name, step in missing.items() if step is None]
    diverged = [f"{name} after step {step}" for name, step in missing.items() if step is not None]
    without = f"\nNot made yet: {', '.join(unmade)}.\n" if unmade else ""
    without += f"\nDiverged: {', '.join(diverged)}.\n" if diverged else ""
    sections = "\n".join(_dataset(name, models, marks) for name, models in _by_model(found).items())
    return (
        f"# Scoreboard\n\nWritten by `python -m experiments.scoreboard`, {steps} steps a run.\n\n"
        "Every model has its default options, for most GANs InfoGAN's nets and step sizes "
        "(docs/models.md, Beside the papers). This compares defaults, not ideas.\n\n"
        "Each number is the mean over the seeds ± half of its 95 % interval (Student's t; of a "
        "single seed, that of its evaluation). `real images` is the floor: as many images of the "
        "training split, taken for samples; for label accuracy and authenticity the test split. "
        "Minutes are those of seed 0, by the clock, whatever else ran, on the machine of that "
        "number.\n"
        f"{without}{sections}\n## What the columns mean\n\n{legend}\n\n"
        f"## Machines\n\n{_machines(found, marks)}\n"
    )


def _machines(found: Mapping[Cell, Result], marks: Mapping[str, str]) -> str:
    """List of the machines, with the versions of the code that they ran."""
    lines = []
    for machine, mark in marks.items():
        codes = sorted({r.code for r in found.values() if r.machine == machine})
        lines.append(f"- {mark} {machine}, code {', '.join(codes)}")
    return "\n".join(lines)


Models = Mapping[str, Sequence[Result]]  # results on one data set, best model first, by seed


def _by_model(found: Mapping[Cell, Result]) -> dict[str, Models]:
    groups: dict[str, dict[str, list[Result]]] = {}
    for cell in sorted(found):
        groups.setdefault(cell.dataset, {}).setdefault(cell.model, []).append(found[cell])
    mean = lambda group: np.mean([result.fid for result in group[1]])  # noqa: E731
    return {name: dict(sorted(models.items(), key=mean)) for name, models in groups.items()}


def _dataset(name: str, models: Models, marks: Mapping[str, str]) -> str:
    evaluations = {model: [r.evaluation for r in results] for model, results in models.items()}
    protocol = record.common_protocol([e for group in evaluations.values() for e in group])
    summaries = {model: record.summarise(group) for model, group in evaluations.items()}
    names = [n for n in MEASURES if any(n in summary for summary in summaries.values())]
    rows = [["model", "seeds", *(MEASURES[n].title for n in names), "minutes"]]
    for model, results in models.items():
        cells = _cells(summaries[model], names)
        rows.append([f"`{model}`", str(len(results)), *cells, _minutes(results[0], marks)])
    floors = [record.floor(n, list(summaries.values())) for n in names]
    rows.append(["*real images*", "", *floors, ""])
    parts = [f"\n## {name}\n\n{protocol}\n", render.markdown_table(rows)]
    measured = {model: group for model, group in evaluations.items() if group[0].likelihood}
    if measured:
        parts.append(_likelihoods(measured))
    drawn = [model for model, results in models.items() if _is_first(results[0])]
    return "\n".join([*parts, _pictures(name, drawn)])


def _is_first(result: Result) -> bool:
    return result.evaluation.subject["seed"] == 0


def _minutes(result: Result, marks: Mapping[str, str]) -> str:
    return f"{result.seconds / 60:.1f} {marks[result.machine]}" if _is_first(result) else "–"


def _cells(summary: Mapping[str, Summary], names: Sequence[str]) -> list[str]:
    return [record.shown(n, summary[n]) if n in summary else "–" for n in names]


def _likelihoods(models: Mapping[str, Sequence[record.Evaluation]]) -> str:
    """Table of likelihood bounds in nats, mean and deviation over the seeds."""
    rows = [["model", "images", "k", *(title.strip() for title in PARTS.values()), "p(x|z)"]]
    for model, evaluations in models.items():
        first = evaluations[0].likelihood
        cells = [f"{first['images']:,}", str(first["draws"])]
        for part in PARTS:
            values = [e.likelihood[part]["value"] for e in evaluations]
            spread = f" ± {np.std(values, ddof=1):.2f}" if len(values) > 1 else ""
            cells.append(f"{np.mean(values):.2f}{spread}")
        rows.append([f"`{model}`", *cells, first["observation"]])
    note = (
        "Likelihood of the first test images, given their labels where a model is told them, with "
        "k importance samples each; ± is the deviation over the seeds.\n\n"
    )
    return note + render.markdown_table(rows)


def _pictures(dataset: str, models: Sequence[str]) -> str:
    """Table of pictures of the models' samples, in the given order."""
    cells = [f"`{model}`<br>![{model}]({picture(dataset, model)})" for model in models]
    cells += [""] * (-len(cells) % COLUMNS)
    rows = [cells[i : i + COLUMNS] for i in range(0, len(cells), COLUMNS)]
    note = (
        "Samples of seed 0, a class a row; those of models without labels in the rows where the "
        "feature net puts them, white where it found fewer than eight.\n\n"
    )
    return note + render.markdown_table([[""] * COLUMNS, *rows])
