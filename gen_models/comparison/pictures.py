"""The panels of a comparison as Pillow pictures."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from gen_models import render
from gen_models.comparison.entries import COLUMNS, PATH_STEPS, Entry
from gen_models.comparison.page import Section
from gen_models.evaluation import record
from gen_models.render.layout import (
    GAP,
    IN_A_ROW,
    INK,
    MARGIN,
    TEXT,
    WHITE,
    below,
    beside,
    captioned,
    framed,
    load_font,
    text,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE, HEADING = 30, 20  # font sizes
PANELS = 12  # largest number of curves
HEADING_CHARACTERS = 24  # largest number per line
LINES = "-", "--", "-.", ":"  # styles of lines; each has ten colours


def grid(images: np.ndarray, class_names: Sequence[str]) -> Image.Image:
    """Picture of images u8[rows·8,H,W], one row per class; `class_names` may be empty."""
    rows = len(images) // COLUMNS
    return render.grid(images, rows, COLUMNS, row_names=class_names[:rows])


def strip(images: np.ndarray) -> Image.Image:
    """Picture of interpolations u8[rows·9,H,W], one row per path."""
    return render.grid(images, len(images) // PATH_STEPS, PATH_STEPS)


def equally_wide(pictures: Mapping[str, Image.Image], width: int) -> dict[str, Image.Image]:
    """The pictures, with white on their right up to a width in pixels."""
    return {
        name: ImageOps.expand(picture, (0, 0, width - picture.width, 0), "white")
        for name, picture in pictures.items()
    }


def curves(entries: Sequence[Entry]) -> Image.Image:
    """Chart of the entries' smoothed metrics, one panel per metric, the legend below them."""
    histories = {entry.name: _history(entry) for entry in entries}
    names = shown_metrics(list(histories.values()))
    columns = min(3, len(names))

    def draw(panels: Sequence[Axes]) -> None:
        lines = {}
        for panel, name in zip(panels, names, strict=True):
            for index, (entry, history) in enumerate(histories.items()):
                if name in history:
                    style = {"color": f"C{index % 10}", "linestyle": LINES[index // 10 % 4]}
                    steps, values = history[name]
                    style["marker"] = render.marker(values)
                    (lines[entry],) = panel.plot(steps, values, **style, linewidth=1.3)
            panel.set_title(name, loc="left")
            panel.set_xlabel("step")
        drawn = [entry for entry in histories if entry in lines]
        handles = [lines[entry] for entry in drawn]
        render.legend_below(panels[0].figure, handles, drawn, fontsize=8)

    if not names:
        return text("no steps were recorded", TEXT)
    return render.chart(draw, len(names), columns, (3.4, 2.4))


def shown_metrics(histories: Sequence[Iterable[str]]) -> list[str]:
    """Names of at most PANELS metrics, in the order of the entries. Where there are more, each
    entry in turn has chosen one of its own."""
    in_turn = itertools.chain.from_iterable(itertools.zip_longest(*histories))
    chosen = list(dict.fromkeys(name for name in in_turn if name is not None))[:PANELS]
    return [name for name in dict.fromkeys(itertools.chain(*histories)) if name in chosen]


def _history(entry: Entry) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Steps and values of each curve of an entry's first run, FID during training first."""
    history = {}
    evaluations = entry.shown_run.evaluations()
    if "fid" in evaluations:
        fids = np.array(evaluations["fid"])
        history["FID during training"] = np.array(evaluations["step"]), fids
    metrics = entry.shown_run.metrics()
    steps = np.array(metrics.pop("step", []))
    for name, values in metrics.items():
        history[name] = steps, render.smoothed(np.array(values))
    return history


def table_picture(rows: Sequence[Sequence[str]]) -> Image.Image:
    """Picture of a table's cells, heading first; long titles are wrapped."""
    font = load_font(TEXT)
    wrapped = [textwrap.wrap(title, HEADING_CHARACTERS) for title in rows[0]]
    lines = max(map(len, wrapped))
    heading = zip(*([""] * (lines - len(title)) + title for title in wrapped), strict=True)
    rows = [*heading, *rows[1:]]
    widths = [max(font.getlength(row[i]) for row in rows) + 2 * GAP for i in range(len(rows[0]))]
    line = round(TEXT * 1.7)
    picture = Image.new("L", (round(sum(widths)), line * len(rows) + GAP), WHITE)
    draw = ImageDraw.Draw(picture)
    for y, row in enumerate(rows):
        right = 0.0
        for x, (cell, width) in enumerate(zip(row, widths, strict=True)):
            right += width
            where = (GAP, (y + 0.5) * line) if x == 0 else (right - GAP, (y + 0.5) * line)
            draw.text(where, cell, INK, font, anchor="lm" if x == 0 else "rm")
    draw.line((0, lines * line, picture.width, lines * line), fill=INK)
    return picture


def table_rows(entries: Sequence[Entry]) -> list[list[str]]:
    """Cells of the table of measures, one column per entry."""
    return record.rows([_heading(e) for e in entries], [e.summary for e in entries])


def _heading(entry: Entry) -> str:
    seeds = len(entry.evaluations or entry.runs)
    return entry.name if seeds == 1 else f"{entry.name} ({seeds} seeds)"


def whole(sections: Sequence[Section]) -> Image.Image:
    """One picture of all sections: one column per data set, with its panels top to bottom."""
    return framed(beside([_column(section) for section in sections], 2 * MARGIN))


def _column(section: Section) -> Image.Image:
    parts = [text(section.title, TITLE), text(section.protocol, TEXT)]
    if section.rows:
        parts.append(table_picture(_narrow(section.rows)))
    if section.classifiers:
        parts += [text("Classifiers", HEADING), table_picture(_narrow(section.classifiers))]
    parts += [text("Samples", HEADING), captioned(section.grids), text("Interpolations", HEADING)]
    return below([*parts, captioned(section.paths), text("Training", HEADING), section.curves])


def _narrow(rows: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """The cells of a table, transposed if it has so many columns that one row per entry is
    better."""
    return list(zip(*rows, strict=True)) if len(rows[0]) > IN_A_ROW + 2 else rows
