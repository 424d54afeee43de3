"""A map as a picture, for papers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL.Image import Image

from gen_models import render
from gen_models.maps import colours
from gen_models.maps.making import Map
from gen_models.maps.sets import UNKNOWN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIDE = 5.0  # side of a panel, inches
COLUMNS = 3
UNKNOWN_NAME = "unknown"  # shown for samples whose class nothing predicts
BACKGROUND = "0.82"  # light grey, of real images behind samples


def picture(image_map: Map) -> Image:
    """A panel of the real images and one of each model's samples in front of them, coloured by
    class."""
    real, everything = image_map.places[0], np.concatenate(image_map.places)
    low, high = everything.min(axis=0), everything.max(axis=0)
    margin = 0.02 * float((high - low).max()) + 1e-9
    size = np.clip(2e4 / len(real), 0.6, 12)  # area of a dot, square points

    def draw(panels: Sequence[Axes]) -> None:
        for panel, image_set, places in zip(panels, image_map.sets, image_map.places, strict=True):
            if places is not real:
                panel.scatter(*real.T, s=size, color=BACKGROUND, linewidths=0)
            _draw_classes(panel, places, image_set.labels, image_map.class_names, size)
            panel.set_title(image_set.name, loc="left")
            limits = {"xlim": (low[0] - margin, high[0] + margin)}
            limits["ylim"] = (low[1] - margin, high[1] + margin)
            panel.set(xticks=[], yticks=[], aspect="equal", **limits)
            for spine in panel.spines.values():
                spine.set_visible(False)
        by_name = {}
        for panel in panels:  # a class may be in only some of them
            by_name |= dict(zip(*reversed(panel.get_legend_handles_labels()), strict=True))
        names = [name for name in (UNKNOWN_NAME, *image_map.class_names) if name in by_name]
        handles = [by_name[name] for name in names]
        scale = np.sqrt(30 / size)
        render.legend_below(panels[0].figure, handles, names, markerscale=scale)

    columns = min(COLUMNS, len(image_map.sets))
    title = f"{image_map.dataset}: {image_map.about}"
    return render.chart(draw, len(image_map.sets), columns, (SIDE, SIDE), title)


def _draw_classes(
    panel: Axes, places: np.ndarray, labels: np.ndarray, names: Sequence[str], size: float
) -> None:
    """Draw points f32[N,2] in the colours of their classes i32[N]."""
    kinds = [(UNKNOWN, UNKNOWN_NAME, "0.3")]
    kinds += zip(range(len(names)), names, colours.of(len(names)), strict=True)
    for label, name, colour in kinds:
        x, y = places[labels == label].T
        if len(x):
            panel.scatter(x, y, s=size, color=colour, linewidths=0, alpha=0.7, label=name)
