"""Charts of the accuracies of classifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from gen_models import render
from gen_models.classifiers import results, settings
from gen_models.classifiers.results import Results
from gen_models.classifiers.settings import Setting

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = "osD^vPX*<>"


def family_chart(sources: Sequence[Results], dataset: str) -> Image.Image:
    """Chart of each family's accuracy, one mark per source of training images, with a line at the
    published accuracy. Families without accuracies are left out."""
    shown = [s for s in reversed(settings.best()) if any(r.accuracies(s) for r in sources)]

    def draw(panels: Sequence[Axes]) -> None:
        (axes,) = panels
        for y, setting in enumerate(shown):
            if dataset in setting.published:
                style = {"color": "0.55", "linewidth": 1.5, "zorder": 1}
                axes.plot([setting.published[dataset]] * 2, [y - 0.35, y + 0.35], **style)
        for i, found in enumerate(sources):
            points = [
                (*results.mean(found.accuracies(setting)), y)
                for y, setting in enumerate(shown)
                if found.accuracies(setting)
            ]
            if not points:
                continue
            x, interval, y = zip(*points, strict=True)
            style = {"fmt": MARKERS[i % len(MARKERS)], "color": f"C{i % 10}", "markersize": 5.5}
            errors = [part or 0.0 for part in interval]
            axes.errorbar(x, y, xerr=errors, **style, alpha=0.85, label=found.name)
        if any(dataset in setting.published for setting in shown):
            axes.plot([], [], color="0.55", label="published, real")
        axes.set_yticks(range(len(shown)), [setting.family for setting in shown])
        axes.set_xlabel(f"accuracy on the real test images of {dataset}")
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)

    return render.chart(draw, 1, 1, (9, 1.2 + 0.3 * len(shown)))


Few = Mapping[str, Mapping[int, Results]]  # by what was added to real images, then by their number


def few_chart(sources: Few, dataset: str) -> Image.Image:
    """Chart of accuracy against the number of real images, one panel per family, one curve per kind
    of added images; intervals over seeds."""
    counts = counts_of(sources)

    def draw(panels: Sequence[Axes]) -> None:
        for panel, setting in zip(panels, measured, strict=True):
            for label, found in sources.items():
                x, y, errors = _curve(found, setting)
                panel.errorbar(x, y, yerr=errors, fmt="o-", capsize=3, markersize=4, label=label)
            panel.set_xscale("log")
            panel.set_xticks(counts, [f"{count:,}" for count in counts])
            panel.minorticks_off()
            panel.set_title(setting.family, loc="left")
            panel.set_xlabel("real images")
        panels[0].set_ylabel(f"accuracy, {dataset} test")
        panels[0].legend(frameon=False)

    measured = shown_of(sources)
    return render.chart(draw, len(measured), min(3, len(measured)), (3.4, 2.6))


def counts_of(sources: Few) -> list[int]:
    """Numbers of real images, in increasing order."""
    return sorted({count for found in sources.values() for count in found})


def shown_of(sources: Few) -> list[Setting]:
    """Settings that can be compared: those with accuracies in two or more curves."""
    return [
        setting
        for setting in settings.best()
        if sum(any(_curve(found, setting)[0]) for found in sources.values()) > 1
    ]


def _curve(
    sources: Mapping[int, Results], setting: Setting
) -> tuple[list[int], list[float], np.ndarray]:
    """Numbers of real images, mean accuracies, and half their intervals, 0 for a single seed."""
    found = {count: each.accuracies(setting) for count, each in sorted(sources.items())}
    means = {count: results.mean(values) for count, values in found.items() if values}
    values, intervals = zip(*means.values(), strict=True) if means else ((), ())
    return list(means), list(values), np.array([part or 0.0 for part in intervals])
