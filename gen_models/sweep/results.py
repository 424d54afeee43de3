"""The results of a sweep: one row per setting, over its seeds."""

from __future__ import annotations

import csv
import io
import json
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

from gen_models import render
from gen_models.evaluation import ranking
from gen_models.evaluation.measure import MEASURES
from gen_models.evaluation.protocol import SPACES
from gen_models.evaluation.record import Evaluation, common_protocol, summarise
from gen_models.render import layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABEL_CHARACTERS, LINE_INCHES = 36, 0.16  # length and height of a label's lines

History = Mapping[str, Sequence[float]]
FIDS = [f"fid{suffix}" for suffix in SPACES.values()]


class MemberResult(NamedTuple):
    """The result of one member."""

    setting: dict[str, Any]  # values of the axes by name
    seed: int  # seed of its run
    step: int  # last step of its training
    diverged: bool  # whether a metric or parameter became NaN or infinite
    evaluation: Evaluation | None  # None if it was not measured


class SettingRow(NamedTuple):
    """The results of one setting over its seeds."""

    setting: dict[str, Any]  # values of the axes by name
    seeds: int  # number of members
    diverged: int  # number of members that diverged
    mean: dict[str, float]  # over the measured seeds, by name of the measure
    deviation: dict[str, float]  # over the seeds, if several were measured
    best: float | None  # lowest FID, if any seed was measured
    median: float | None  # median FID, if any seed was measured


def rows(members: Sequence[MemberResult]) -> list[SettingRow]:
    """One row per setting, by increasing mean FID; settings without FID come last."""
    groups: dict[str, list[MemberResult]] = {}
    for member in members:
        groups.setdefault(repr(member.setting), []).append(member)
    unordered = [_row(group) for group in groups.values()]
    return sorted(unordered, key=lambda row: row.mean.get("fid", np.inf))


def _row(group: Sequence[MemberResult]) -> SettingRow:
    evaluations = [m.evaluation for m in group if m.evaluation is not None]
    names = [n for n in MEASURES if evaluations and all(n in e.measures for e in evaluations)]
    values = {name: [e.measures[name].value for e in evaluations] for name in names}
    fids = values.get("fid", [])
    return SettingRow(
        setting=group[0].setting,
        seeds=len(group),
        diverged=sum(member.diverged for member in group),
        mean={name: float(np.mean(v)) for name, v in values.items()},
        deviation={n: float(np.std(v, ddof=1)) for n, v in values.items() if len(v) > 1},
        best=min(fids, default=None),
        median=float(np.median(fids)) if fids else None,
    )


def markdown(rows: Sequence[SettingRow]) -> str:
    """Markdown table: rank, values of the axes, then the measures, mean ± deviation over the
    seeds."""
    axes = list(rows[0].setting)
    names = [n for n in MEASURES if any(n in row.mean for row in rows)]
    ranks = ranking.ranks(*([row.mean.get(name, np.inf) for row in rows] for name in FIDS))
    heading = [
        "rank",
        *axes,
        "seeds",
        "diverged",
        *(MEASURES[n].title for n in names),
        "best FID",
        "median",
    ]
    lines = [heading]
    for rank, row in zip(ranks, rows, strict=True):
        cells = [_shown_measure(row, name) for name in names]
        ends = ["–" if x is None else f"{x:.2f}" for x in (row.best, row.median)]
        settings = [str(row.setting[axis]) for axis in axes]
        counts = str(row.seeds), str(row.diverged)
        lines.append([rank if row.mean else "–", *settings, *counts, *cells, *ends])
    return render.markdown_table(lines)


def _shown_measure(row: SettingRow, name: str) -> str:
    if name not in row.mean:
        return "–"
    digits = MEASURES[name].digits
    spread = f" ± {row.deviation[name]:.{digits}f}" if name in row.deviation else ""
    return f"{row.mean[name]:.{digits}f}{spread}"


def as_csv(members: Sequence[MemberResult]) -> str:
    """CSV text with one line per member."""
    file = io.StringIO()
    axes = list(members[0].setting)
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*axes, "seed", "step", "diverged", *MEASURES])
    for m in members:
        measures: Mapping[str, Any] = m.evaluation.measures if m.evaluation else {}
        values = [measures[n].value if n in measures else "" for n in MEASURES]
        writer.writerow([*(m.setting[a] for a in axes), m.seed, m.step, m.diverged, *values])
    return file.getvalue()


def as_json(command: str, members: Sequence[MemberResult], rows: Sequence[SettingRow]) -> str:
    """JSON text with all results of members and settings."""
    values = {
        "command": command,
        "settings": [row._asdict() for row in rows],
        "members": [
            member._asdict()
            | {"evaluation": None if member.evaluation is None else _scores(member.evaluation)}
            for member in members
        ],
    }
    return json.dumps(values, indent=1) + "\n"


def _scores(evaluation: Evaluation) -> dict[str, Any]:
    return {name: score._asdict() for name, score in evaluation.measures.items()}


def page(
    command: str,
    machine: str,
    members: Sequence[MemberResult],
    rows: Sequence[SettingRow],
    explorer: str = "",
) -> str:
    """Text of the sweep's Markdown page: its origin, its protocol, the table, and a link to the
    page in which the best settings run, if there is one."""
    evaluations = [m.evaluation for m in members if m.evaluation is not None]
    protocol = f"{common_protocol(evaluations)}\n\n" if evaluations else ""
    link = f"[Play with the best settings in a browser]({explorer})\n\n" if explorer else ""
    return (
        f"# Sweep\n\nMade by `{command}` on {machine}.\n\n{protocol}"
        "Each row is a setting: mean ± deviation over its seeds, the lowest and the median FID "
        "of them, and how many diverged. A rank is that of the FID, as far as both spaces of "
        "features agree on it.\n\n"
        f"{markdown(rows)}\n{link}"
        "![FID by setting, curves](curves.png)\n\n![samples](samples.png)\n"
    )


def picture(members: Sequence[MemberResult], grids: Sequence[Path]) -> Image.Image:
    """Picture of the first seed's sample grids, arranged by the two axes with the most values.

    If more options vary, the first member of each place is shown; a place without a grid is empty.
    """
    counts = {axis: len({repr(m.setting[axis]) for m in members}) for axis in members[0].setting}
    ranked = sorted(counts, key=lambda axis: -counts[axis])[:2]
    across, down = [*ranked, None, None][:2]
    places: dict[tuple[str, str], Image.Image] = {}
    for member, path in zip(members, grids, strict=True):
        place = _value(member, down), _value(member, across)
        if place not in places and path.exists():
            with Image.open(path) as grid:
                places[place] = grid.convert("L")
    if not places:
        return layout.framed(layout.text("no samples", 20))
    rows = list(dict.fromkeys(_value(member, down) for member in members))
    columns = list(dict.fromkeys(_value(member, across) for member in members))
    size = max(grid.width for grid in places.values()), max(g.height for g in places.values())
    lines = []
    for row in rows:
        shown = [
            layout.below([layout.text(column, 15), _padded(places.get((row, column)), size)], 4)
            for column in columns
        ]
        lines.append(layout.below([layout.text(row, 20), layout.beside(shown)], 8))
    return layout.framed(layout.below(lines))


def _padded(grid: Image.Image | None, size: tuple[int, int]) -> Image.Image:
    """The grid on a white ground of the given size; the ground alone without a grid."""
    ground = Image.new("L", size, layout.WHITE)
    if grid is not None:
        ground.paste(grid)
    return ground


def _value(member: MemberResult, axis: str | None) -> str:
    return "" if axis is None else f"{axis} {member.setting[axis]}"


def chart(members: Sequence[MemberResult], metrics: Sequence[History]) -> Image.Image:
    """Chart of FID by setting with its 95 % interval, if any was measured, and of each metric, one
    colour per setting.

    metrics: metrics of each member, as from `Run.metrics`; curves are smoothed means over seeds.
    """
    settings: dict[str, list[int]] = {}
    for index, member in enumerate(members):
        settings.setdefault(_label(member), []).append(index)
    colours = [f"C{place % 10}" for place in range(len(settings))]
    names = [n for n in dict.fromkeys(n for history in metrics for n in history) if n != "step"]
    measured = any(member.evaluation for member in members)

    def draw(panels: Sequence[Axes]) -> None:
        for panel, name in zip(panels[measured:], names, strict=True):
            for indices, colour in zip(settings.values(), colours, strict=True):
                _draw_mean_curve(panel, [metrics[i] for i in indices], name, colour)
            panel.set_title(name, loc="left")
            panel.set_xlabel("step")
        if measured:
            evaluations = [[members[i].evaluation for i in group] for group in settings.values()]
            _draw_fids(panels[0], list(settings), evaluations, colours)
        else:
            lines = [panels[0].plot([], [], color=colour)[0] for colour in colours]
            render.legend_below(panels[0].figure, lines, list(settings))

    if not (measured or names):
        return layout.framed(layout.text("no steps were recorded", 20))
    lines = max(label.count("\n") + 1 for label in settings)
    height = max(3.4, 0.6 + LINE_INCHES * lines * len(settings)) if measured else 3.4
    panels = measured + len(names)
    return render.chart(draw, panels, panels, (3.6, height))


def _label(member: MemberResult) -> str:
    """A setting as text, wrapped to lines that leave room beside them."""
    label = ", ".join(f"{axis} {value}" for axis, value in member.setting.items()) or "all"
    return "\n".join(textwrap.wrap(label, LABEL_CHARACTERS))


def _draw_fids(
    panel: Axes,
    labels: Sequence[str],
    evaluations: Sequence[Sequence[Evaluation | None]],
    colours: Sequence[str],
) -> None:
    """Draw the FID of each setting over its evaluations, beside its label, which is the legend of
    all panels."""
    panel.set_title("FID, 95 % interval", loc="left")
    panel.set_yticks(range(len(labels)), labels)
    panel.set_ylim(len(labels) - 0.5, -0.5)
    for place, (group, colour) in enumerate(zip(evaluations, colours, strict=True)):
        panel.get_yticklabels()[place].set_color(colour)
        known = [evaluation for evaluation in group if evaluation is not None]
        if known:
            fid = summarise(known)["fid"]
            error = fid.interval or 0
            panel.errorbar(fid.value, place, xerr=error, fmt="o", color=colour, capsize=3)


def _draw_mean_curve(panel: Axes, histories: Sequence[History], name: str, colour: str) -> None:
    """Draw the mean of a metric over the seeds, up to the step that all of them reached."""
    length = min(len(history.get(name, [])) for history in histories)
    if length:
        values = np.mean([history[name][:length] for history in histories], axis=0)
        smooth = render.smoothed(values)
        style = {"color": colour, "linewidth": 1.2, "marker": render.marker(smooth)}
        panel.plot(range(1, length + 1), smooth, **style)
