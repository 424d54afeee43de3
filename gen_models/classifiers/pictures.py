"""Charts of the accuracies of classifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from gen_models import render
from gen_models.classifiers import families, results, settings
from gen_models.classifiers.estimators import PART
from gen_models.classifiers.results import ClassifierResults
from gen_models.classifiers.settings import ClassifierSetting

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = "osD^vPX*<>"


def family_chart(sources: Sequence[ClassifierResults], dataset: str) -> Image.Image:
    """Chart of each family's accuracy, one mark per source of training images, with a line at the
    published accuracy. Families without accuracies are left out."""
    shown = [s for s in reversed(settings.best()) if any(r.accuracies(s) for r in sources)]

    def draw(panels: Sequence[Axes]) -> None:
        (axes,) = panels
        for y, setting in enumerate(shown):
            if dataset in setting.published:
                style = {"color": "0.55", "linewidth": 1.5, "zorder": 1}
                axes.plot([setting.published[dataset]] * 2, [y - 0.35, y + 0.35], **style)
        for i, source in enumerate(sources):
            points = [
                (*results.mean_and_interval(source.accuracies(setting)), y)
                for y, setting in enumerate(shown)
                if source.accuracies(setting)
            ]
            if not points:
                continue
            x, interval, y = zip(*points, strict=True)
            style = {"fmt": MARKERS[i % len(MARKERS)], "color": f"C{i % 10}", "markersize": 5.5}
            errors = [part or 0.0 for part in interval]
            axes.errorbar(x, y, xerr=errors, **style, alpha=0.85, label=source.name)
        if any(dataset in setting.published for setting in shown):
            axes.plot([], [], color="0.55", label="published, real")
        axes.set_yticks(range(len(shown)), [families.title(setting) for setting in shown])
        partly = f"; † trained on {PART:,} images" if any(s.estimator.part for s in shown) else ""
        axes.set_xlabel(f"accuracy on the real test images of {dataset}{partly}")
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)

    return render.chart(draw, 1, 1, (9, 1.2 + 0.3 * len(shown)))


# Results by what was added to few real images, then by the number of these.
FewImageCurves = Mapping[str, Mapping[int, ClassifierResults]]


def few_chart(curves: FewImageCurves, dataset: str) -> Image.Image:
    """Chart of accuracy against the number of real images, one panel per family, one curve per kind
    of added images; intervals over seeds."""
    counts = real_counts(curves)
    compared = compared_settings(curves)

    def draw(panels: Sequence[Axes]) -> None:
        for panel, setting in zip(panels, compared, strict=True):
            for label, curve in curves.items():
                x, y, errors = _points(curve, setting)
                panel.errorbar(x, y, yerr=errors, fmt="o-", capsize=3, markersize=4, label=label)
            panel.set_xscale("log")
            panel.set_xticks(counts, [f"{count:,}" for count in counts])
            panel.minorticks_off()
            panel.set_title(setting.family, loc="left")
            panel.set_xlabel("real images")
        panels[0].set_ylabel(f"accuracy, {dataset} test")
        panels[0].legend(frameon=False)

    return render.chart(draw, len(compared), min(3, len(compared)), (3.4, 2.6))


def real_counts(curves: FewImageCurves) -> list[int]:
    """Numbers of real images, in increasing order."""
    return sorted({count for curve in curves.values() for count in curve})


def compared_settings(curves: FewImageCurves) -> list[ClassifierSetting]:
    """Settings that can be compared: those with accuracies in two or more curves."""
    return [
        setting
        for setting in settings.best()
        if sum(any(r.accuracies(setting) for r in curve.values()) for curve in curves.values()) > 1
    ]


def _points(
    curve: Mapping[int, ClassifierResults], setting: ClassifierSetting
) -> tuple[list[int], list[float], np.ndarray]:
    """Numbers of real images, mean accuracies, and half their intervals, 0 for a single seed."""
    accuracies = {count: source.accuracies(setting) for count, source in sorted(curve.items())}
    points = {count: results.mean_and_interval(x) for count, x in accuracies.items() if x}
    means, intervals = zip(*points.values(), strict=True) if points else ((), ())
    return list(points), list(means), np.array([part or 0.0 for part in intervals])
