"""The scoreboard's page: a Markdown table of every model on every data set."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np

from gen_models import render
from gen_models.evaluation import ranking, record
from gen_models.evaluation.measure import MEASURES, Measure
from gen_models.evaluation.protocol import SPACES
from gen_models.evaluation.record import PARTS, Evaluation, Summary
from gen_models.scoreboard.results import Cell, RunResult, file_name

COLUMNS = 4  # pictures in a row
LIKELIHOOD_NOTE = (
    "Likelihood of test images, in nats per image, with k importance samples each; the larger k, "
    "the tighter the IWAE bound. A model that is told the label has log p(x|y), which can exceed "
    "log p(x) by up to the logarithm of the number of classes. Grey values as probabilities of a "
    "Bernoulli make no normalised density (Loaiza-Ganem & Cunningham 2019): these numbers compare "
    "with others of grey values only, never with binarised ones. No decoder can do better than the "
    "column *which is at most*; the distance from it is the model's.\n\n"
)


def picture(dataset: str, row: str) -> PurePosixPath:
    """Path of the picture of a row's samples, relative to the page."""
    return PurePosixPath("scoreboard") / f"{dataset}-{file_name(row)}.png"


def page(
    steps: int,
    results: Mapping[Cell, RunResult],
    missing: Mapping[Cell, int | None],
    peers: Sequence[Evaluation] = (),
) -> str:
    """Text of the page of all results, from runs of `steps` steps; `missing` are the
    missing runs, with the last finite step of those that diverged; `peers` are measured images of
    other programs."""
    machines = sorted({result.machine for result in results.values()})
    marks = {machine: f"({number})" for number, machine in enumerate(machines, 1)}
    first = next(iter(SPACES))
    legend = "\n".join(
        f"- **{m.title}**, {_aim(m)}: {m.meaning}"
        for m in MEASURES.values()
        if m.space in (first, None)
    )
    unmade = [cell for cell, step in missing.items() if step is None]
    diverged = [f"{cell.name} after step {n}" for cell, n in missing.items() if n is not None]
    without = f"\nNot made yet:\n\n{_unmade(unmade)}\n" if unmade else ""
    without += f"\nDiverged: {', '.join(diverged)}.\n" if diverged else ""
    sections = "\n".join(
        _dataset(name, models, [e for e in peers if e.protocol.data == name], marks)
        for name, models in _by_dataset(results).items()
    )
    return (
        f"# Scoreboard\n\nWritten by `python -m experiments.scoreboard`, {steps} steps a run.\n\n"
        "A row is a model with its default options, most GANs with InfoGAN's nets "
        "(docs/models.md, Beside the papers); `FILE.py:NAME` is a preset in configs/: "
        "`papers.py` has papers' settings of most models whose defaults a search found, "
        "`fitted_priors.py` VAEs with a fitted prior. This compares settings, not ideas. Names in "
        "italics are programs of other people, whose images were measured under the same "
        "protocol.\n\n"
        "`a ± b` is a mean over seeds and half of its 95 % interval (Student's t); `a (± b)` is "
        "one training, and b that of its evaluation alone: another training would end elsewhere. "
        "`real images` is the floor: as many images of the training split, taken for samples; for "
        "label accuracy and authenticity the test split. A rank is that of the FID, as far as both "
        "spaces of features agree on it: 2–4 has one row ahead of it in both. Minutes are those of "
        "seed 0, by the clock, whatever else ran, on the machine of that number.\n"
        f"{without}{sections}\n## What the columns mean\n\n{legend}\n\n"
        f"## Machines\n\n{_machines(results, marks)}\n"
    )


def _unmade(cells: Sequence[Cell]) -> str:
    """List of runs by data set and seed."""
    rows: dict[tuple[str, int], list[str]] = {}
    for cell in cells:
        rows.setdefault((cell.dataset, cell.seed), []).append(f"`{cell.row}`")
    return "\n".join(
        f"- {dataset}, seed {seed}: {', '.join(names)}" for (dataset, seed), names in rows.items()
    )


def _aim(measure: Measure) -> str:
    if measure.better == "real":
        return "nearest to real images is best"
    return f"{measure.better} is better"


def _machines(results: Mapping[Cell, RunResult], marks: Mapping[str, str]) -> str:
    """List of the machines, with the versions of the code that they ran."""
    lines = []
    for machine, mark in marks.items():
        codes = sorted({result.code for result in results.values() if result.machine == machine})
        lines.append(f"- {mark} {machine}, code {', '.join(codes)}")
    return "\n".join(lines)


Models = Mapping[str, Sequence[RunResult]]  # results on one data set by row, in order of seeds


class _Line(NamedTuple):
    """A line of the tables: a model or another program."""

    name: str  # name as Markdown
    summary: Mapping[str, Summary]  # measures
    seeds: str  # number of seeds, as text
    minutes: str  # duration of the training, as text


def _by_dataset(results: Mapping[Cell, RunResult]) -> dict[str, Models]:
    """The results on each data set, its models by their mean FID."""
    groups: dict[str, dict[str, list[RunResult]]] = {}
    for cell in sorted(results):
        groups.setdefault(cell.dataset, {}).setdefault(cell.row, []).append(results[cell])
    mean_fid = lambda row: np.mean([result.fid for result in row[1]])
    return {name: dict(sorted(models.items(), key=mean_fid)) for name, models in groups.items()}


def _dataset(
    name: str, models: Models, peers: Sequence[Evaluation], marks: Mapping[str, str]
) -> str:
    evaluations = {model: [r.evaluation for r in results] for model, results in models.items()}
    protocol = record.common_protocol(
        [e for group in (*evaluations.values(), peers) for e in group]
    )
    lines = [
        _Line(
            f"`{model}`",
            record.summarise(evaluations[model]),
            str(len(results)),
            _minutes(results[0], marks),
        )
        for model, results in models.items()
    ]
    lines += [_Line(f"*{e.subject['name']}*", record.summarise([e]), "1", "–") for e in peers]
    lines.sort(key=lambda line: line.summary["fid"].value)
    parts = [f"\n## {name}\n\n{protocol}\n"]
    for space, suffix in SPACES.items():
        parts.append(f"### {space.capitalize()} features\n\n{_table(lines, space, suffix)}")
    parts.append(f"### Labels, copies, time\n\n{_table(lines, None)}")
    measured = {model: group for model, group in evaluations.items() if group[0].likelihood}
    if measured:
        parts.append(f"### Likelihood\n\n{_likelihoods(measured)}")
    drawn = [model for model, results in models.items() if _is_first(results[0])]
    return "\n".join([*parts, f"### Samples\n\n{_pictures(name, drawn)}"])


def _table(lines: Sequence[_Line], space: str | None, suffix: str = "") -> str:
    """Table of the measures of one space, ranked, or of the measures without a space, with
    minutes."""
    names = [
        name
        for name, measure in MEASURES.items()
        if measure.space == space and any(name in line.summary for line in lines)
    ]
    titles = [MEASURES[name].title.removesuffix(f" ({space})") for name in names]
    cells = [
        [record.summary_text(n, line.summary[n]) if n in line.summary else "–" for n in names]
        for line in lines
    ]
    floors = [record.floor_text(n, [line.summary for line in lines]) for n in names]
    if space is None:
        rows = [["model", *titles, "minutes"]]
        rows += [[x.name, *row, x.minutes] for x, row in zip(lines, cells, strict=True)]
        return render.markdown_table([*rows, ["*real images*", *floors, ""]])
    fids = [[x.summary[f"fid{end}"].value for x in lines] for end in SPACES.values()]
    order = np.argsort([x.summary[f"fid{suffix}"].value for x in lines], kind="stable")
    ranks = ranking.ranks(*fids)
    rows = [["rank", "model", "seeds", *titles]]
    rows += [[ranks[i], lines[i].name, lines[i].seeds, *cells[i]] for i in order]
    return render.markdown_table([*rows, ["", "*real images*", "", *floors]])


def _is_first(result: RunResult) -> bool:
    return result.evaluation.subject["seed"] == 0


def _minutes(result: RunResult, marks: Mapping[str, str]) -> str:
    return f"{result.seconds / 60:.1f} {marks[result.machine]}" if _is_first(result) else "–"


def _likelihoods(models: Mapping[str, Sequence[Evaluation]]) -> str:
    """Table of likelihood bounds in nats per image."""
    rows = [["model", "of", "images", "k", *(title.strip() for title in PARTS.values()), "p(x|z)"]]
    for model, evaluations in models.items():
        first = evaluations[0].likelihood
        cells = [f"{first['images']:,}", str(first["draws"])]
        cells += [record.bound_text([e.likelihood[part] for e in evaluations]) for part in PARTS]
        target = "log p(x|y)" if "label_accuracy" in evaluations[0].measures else "log p(x)"
        rows.append([f"`{model}`", target, *cells, first["observation"]])
    return LIKELIHOOD_NOTE + render.markdown_table(rows)


def _pictures(dataset: str, models: Sequence[str]) -> str:
    """Table of pictures of the models' samples, in the given order."""
    cells = [f"`{model}`<br>![{model}]({picture(dataset, model)})" for model in models]
    cells += [""] * (-len(cells) % COLUMNS)
    rows = [cells[i : i + COLUMNS] for i in range(0, len(cells), COLUMNS)]
    note = (
        "Samples of seed 0, a class a row; those of models without labels in the rows where the "
        "classifier puts them, white where it found fewer than eight.\n\n"
    )
    return note + render.markdown_table([[""] * COLUMNS, *rows])
