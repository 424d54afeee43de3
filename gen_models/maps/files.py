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


def write(image_map: Map, prefix: Path, points: int) -> list[Path]:
    """Write PREFIX.html with at most `points` points, PREFIX.png, PREFIX.csv with all points, and
    PREFIX.json with the numbers. Returns their paths. Raises UserError."""
    html, png, table, numbers = (
        prefix.with_name(f"{prefix.name}.{kind}") for kind in ("html", "png", "csv", "json")
    )
    write_text(html, _page(image_map, points))
    render.save_png(drawing.picture(image_map), png)
    write_bytes(table, _table(image_map))
    write_text(numbers, json.dumps(report.to_json_object(image_map), indent=1) + "\n")
    return [html, png, table, numbers]


def _table(image_map: Map) -> bytes:
    """CSV in UTF-8, with set, number of the image in it, class, x and y. Real images are numbered
    from the first training image to the last test image."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["set", "number", "class", "x", "y"])
    for image_set, places in zip(image_map.sets, image_map.places, strict=True):
        points = zip(image_set.numbers, image_set.labels, places.tolist(), strict=True)
        for number, label, (x, y) in points:
            class_name = image_map.class_names[label] if label >= 0 else ""
            writer.writerow([image_set.name, number, class_name, f"{x:.5g}", f"{y:.5g}"])
    return text.getvalue().encode()


def _page(image_map: Map, points: int) -> str:
    """Text of the page."""
    everything = np.concatenate(image_map.places)
    low, high = everything.min(axis=0), everything.max(axis=0)
    side = max(float((high - low).max()), 1e-9)
    corner = (low + high - side) / 2  # lower corner of a square that holds the map

    def scaled(places: np.ndarray) -> np.ndarray:
        return np.clip((places - corner) / side, 0, 1)

    share = min(1.0, points / len(everything))
    sets = [
        _points(image_set, scaled(places), max(1, math.floor(share * len(places))))
        for image_set, places in zip(image_map.sets, image_map.places, strict=True)
    ]
    real = image_map.sets[0].images
    missed = [
        {
            "text": text,
            "images": _png(render.grid(real[region.shown], 1, scale=1)),
            "middle": scaled(np.array(region.middle)).tolist(),
            "radius": region.radius / side,
        }
        for region, text in report.missed_regions(image_map)
    ]
    contents = {
        "classes": image_map.class_names,
        "colours": {
            "real": colours.REAL,
            "classes": colours.of(len(image_map.class_names)),
            "models": colours.of(len(sets) - 1),
        },
        "sets": sets,
        "sheet": {"size": real.shape[1:], "columns": SHEET, "rows": SHEET},
        "lines": report.lines(image_map)[1:],
        "rows": report.rows(image_map),
        "missing": missed,
    }
    shown = sum(len(image_set["labels"]) for image_set in sets)
    about = f"{image_map.about}. {shown:,} of {len(everything):,} points are in this page."
    return page(f"A map of {image_map.dataset}", about, contents, PAGE)


def _points(image_set: ImageSet, places: np.ndarray, count: int) -> dict[str, Any]:
    """`count` points of a set for the page, evenly spaced in their order."""
    chosen = np.linspace(0, len(places) - 1, count).round().astype(np.int64)
    images = image_set.images[chosen]
    per_sheet = SHEET**2
    return {
        "name": image_set.name,
        "places": _text((places[chosen] * LARGEST).round().astype("<u2").tobytes()),
        "labels": image_set.labels[chosen].tolist(),
        "numbers": image_set.numbers[chosen].tolist(),
        "sheets": [_sheet(images[i : i + per_sheet]) for i in range(0, len(images), per_sheet)],
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
