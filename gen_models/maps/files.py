"""The files of a map: a page, a picture, coordinates, numbers."""

import base64
import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gen_models import render
from gen_models.maps import colours, drawing, report
from gen_models.maps.making import Map
from gen_models.maps.sets import ImageSet
from gen_models.storage.files import write_bytes, write_text
from gen_models.webpage.making import page

PAGE = Path(__file__).parent / "page"
SHEET = 50  # images along each side of a sheet: decoded, 8 MB
LARGEST = 2**16 - 1  # largest coordinate in the page


def write(found: Map, prefix: Path, points: int) -> list[Path]:
    """Write PREFIX.html with at most `points` points, PREFIX.png, PREFIX.csv with all points, and
    PREFIX.json with the numbers. Returns their paths. Raises UserError."""
    html, png, table, numbers = (
        prefix.with_name(f"{prefix.name}.{kind}") for kind in ("html", "png", "csv", "json")
    )
    write_text(html, _page(found, points))
    render.save_png(drawing.picture(found), png)
    write_bytes(table, _table(found))
    write_text(numbers, json.dumps(report.to_json_object(found), indent=1) + "\n")
    return [html, png, table, numbers]


def _table(found: Map) -> bytes:
    """CSV in UTF-8, with set, number of the image in it, class, x and y. Real images are numbered
    from the first training image to the last test image."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["set", "number", "class", "x", "y"])
    for one, places in zip(found.sets, found.places, strict=True):
        for number, label, (x, y) in zip(one.numbers, one.labels, places.tolist(), strict=True):
            name = found.class_names[label] if label >= 0 else ""
            writer.writerow([one.name, number, name, f"{x:.5g}", f"{y:.5g}"])
    return text.getvalue().encode()


def _page(found: Map, points: int) -> str:
    """Text of the page."""
    everything = np.concatenate(found.places)
    low, high = everything.min(axis=0), everything.max(axis=0)
    side = max(float((high - low).max()), 1e-9)
    corner = (low + high - side) / 2  # lower corner of a square that holds the map

    def scaled(places: np.ndarray) -> np.ndarray:
        return np.clip((places - corner) / side, 0, 1)

    share = min(1.0, points / len(everything))
    sets = [
        _points(one, scaled(places), max(1, math.floor(share * len(places))))
        for one, places in zip(found.sets, found.places, strict=True)
    ]
    real = found.sets[0].images
    missed = [
        {
            "text": one.text,
            "images": _png(render.grid(real[one.region.shown], 1, scale=1)),
            "middle": scaled(np.array(one.region.middle)).tolist(),
            "radius": one.region.radius / side,
        }
        for one in report.missed(found)
    ]
    contents = {
        "classes": found.class_names,
        "colours": {
            "real": colours.REAL,
            "classes": colours.of(len(found.class_names)),
            "models": colours.of(len(sets) - 1),
        },
        "sets": sets,
        "sheet": {"size": real.shape[1:], "columns": SHEET, "rows": SHEET},
        "lines": report.lines(found)[1:],
        "rows": report.rows(found),
        "missing": missed,
    }
    shown = sum(len(one["labels"]) for one in sets)
    about = f"{found.about}. {shown:,} of {len(everything):,} points are in this page."
    return page(f"A map of {found.dataset}", about, contents, PAGE)


def _points(one: ImageSet, places: np.ndarray, count: int) -> dict[str, Any]:
    """`count` points of a set for the page, evenly spaced in their order."""
    chosen = np.linspace(0, len(places) - 1, count).round().astype(np.int64)
    images = one.images[chosen]
    each = SHEET**2
    return {
        "name": one.name,
        "places": _text((places[chosen] * LARGEST).round().astype("<u2").tobytes()),
        "labels": one.labels[chosen].tolist(),
        "numbers": one.numbers[chosen].tolist(),
        "sheets": [_sheet(images[i : i + each]) for i in range(0, len(images), each)],
    }


def _sheet(images: Sequence[np.ndarray]) -> str:
    """Images u8[n,H,W], side by side in rows of SHEET, as a PNG in base64."""
    _, height, width = images.shape
    rows = -(-len(images) // SHEET)
    full = np.zeros((rows * SHEET, height, width), np.uint8)
    full[: len(images)] = images
    sheet = full.reshape(rows, SHEET, height, width).swapaxes(1, 2)
    return _png(Image.fromarray(sheet.reshape(rows * height, SHEET * width)))


def _png(picture: Image.Image) -> str:
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True)
    return _text(file.getvalue())


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
