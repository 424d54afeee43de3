"""A comparison as one HTML file that contains its pictures."""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from PIL import Image

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; margin: 2rem; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(34rem, 1fr)); gap: 3rem; }
h1, h2, h3 { line-height: 1.2; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .8rem; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; }
th:last-child, td:last-child { color: #777; }
.row { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 1.5rem; }
.wide { overflow-x: auto; }
figure { margin: 0; }
figcaption { max-width: 25rem; }
figcaption, .protocol { color: #555; font-size: .9rem; }
img { max-width: 100%; image-rendering: pixelated; }
img.smooth { image-rendering: auto; }
"""
CLASSIFIERS = (
    "Accuracy on real test images of classifiers that were trained on samples alone "
    "(python -m experiments.classify). Published: the mean of five trainings on real images with "
    "the scikit-learn of 2017."
)


class Section(NamedTuple):
    """The part of a comparison about one data set."""

    title: str  # name of the data set
    protocol: str  # protocol of the measures as text
    rows: Sequence[Sequence[str]]  # cells of the table, heading first; empty without evaluations
    grids: Mapping[str, Image.Image]  # samples by caption
    paths: Mapping[str, Image.Image]  # interpolations by caption, as wide as the samples
    curves: Image.Image  # metrics during training
    notes: Sequence[str]  # remarks on missing evaluations
    classifiers: Sequence[Sequence[str]] = ()  # cells of the table of classifiers; empty: none
    explorer: str = ""  # name of the page beside this one in which the models run, if there is one


def page(title: str, sections: Sequence[Section]) -> str:
    """Text of the HTML file, to be encoded as UTF-8. It opens from disk, without a network."""
    body = "".join(map(_section, sections))
    head = f"<meta charset=utf-8><title>{html.escape(title)}</title><style>{STYLE}</style>"
    return (
        f"<!doctype html><html lang=en><head>{head}</head>"
        f"<body><h1>{html.escape(title)}</h1><main>{body}</main></body></html>\n"
    )


def _section(section: Section) -> str:
    notes = "".join(f"<p class=protocol>{html.escape(note)}</p>" for note in section.notes)
    link = f'<p><a href="{html.escape(section.explorer)}">Play with them in the browser</a></p>'
    return (
        f"<section><h2>{html.escape(section.title)}</h2>"
        f"<p class=protocol>{html.escape(section.protocol)}</p>{_table(section.rows)}{notes}"
        f"{_classifiers(section.classifiers)}"
        f"{link if section.explorer else ''}"
        f"<h3>Samples</h3>{_figures(section.grids)}"
        f"<h3>Interpolations</h3>{_figures(section.paths)}"
        f"<h3>Training</h3>{_image(section.curves, 'training curves', 'smooth')}</section>"
    )


def _classifiers(rows: Sequence[Sequence[str]]) -> str:
    about = f"<p class=protocol>{html.escape(CLASSIFIERS)}</p>"
    return f"<h3>Classifiers</h3>{about}{_table(rows)}" if rows else ""


def _table(rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    lines = [_line(rows[0], "th"), *(_line(row, "td") for row in rows[1:])]
    return f"<div class=wide><table>{''.join(lines)}</table></div>"


def _line(cells: Sequence[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _figures(pictures: Mapping[str, Image.Image]) -> str:
    figures = (
        f"<figure>{_image(picture, name, '')}<figcaption>{html.escape(name)}</figcaption></figure>"
        for name, picture in pictures.items()
    )
    return f"<div class=row>{''.join(figures)}</div>"


def _image(picture: Image.Image, name: str, style: str) -> str:
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True)
    data = base64.b64encode(file.getvalue()).decode()
    return f'<img class="{style}" alt="{html.escape(name)}" src="data:image/png;base64,{data}">'
