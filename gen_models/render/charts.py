"""Charts drawn by matplotlib: metric curves and scatter plots."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from gen_models.render.fonts import load_matplotlib, wrap
from gen_models.render.grids import save_png

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

DPI = 120
TITLE, TITLE_MARGIN = 11, 0.1  # size of a chart's title, points; its distance to the edges, inches
LEGEND_CHARACTERS = 40  # largest number per line of a legend
# The columns of a legend are as far apart as its borders take together: n columns need no more than
# n times the width of one.
SPACING = {"borderpad": 0.5, "columnspacing": 1.0}
# fmt: off
_STYLE = {
    "text.parse_math": False, "font.size": 9, "figure.dpi": DPI,
    "figure.constrained_layout.use": True, "axes.grid": True, "grid.alpha": 0.3,
    "axes.spines.top": False, "axes.spines.right": False,
    "axes.titlesize": 9, "axes.titleweight": "bold", "lines.markersize": 3,
}
# fmt: on
FEW = 20  # largest number of values of a curve that are marked, as their line may be short
_SMOOTHING = 50  # a smoothed curve averages over its length divided by this


def curves(metrics: Mapping[str, Sequence[float]], path: str | Path, title: str) -> None:
    """Write a PNG with a panel per metric: its values f32[T], faint, under their moving average.

    The horizontal axis is `metrics["step"]` if it exists, else 1…T. A panel leaves out the lowest
    and highest hundredth of the values, so that a spike does not flatten the rest. Gaps stand for
    non-finite values. The number above the right end is the last average.
    """
    values = {name: np.asarray(x, np.float64) for name, x in metrics.items() if name != "step"}

    def draw(panels: Sequence[Axes]) -> None:
        for panel, (name, series) in zip(panels, values.items(), strict=True):
            _draw_curve(panel, name, metrics.get("step", range(1, len(series) + 1)), series)

    save_png(chart(draw, len(values), min(3, len(values)), (3.6, 2.3), title), path)


def chart(
    draw: Callable[[Sequence[Axes]], None],
    panels: int,
    columns: int,
    size: tuple[float, float],
    title: str | None = None,
) -> Image.Image:
    """Picture of `panels` axes, each of `size` inches, in rows of `columns`, drawn on by `draw`.

    The title is wrapped to the picture's width.
    """
    # Imported here because it takes most of a second, and charts are drawn only at a run's end.
    load_matplotlib()
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows, width = -(-panels // columns), size[0] * columns
    lines = wrap(title, TITLE * DPI / 72, (width - 2 * TITLE_MARGIN) * DPI) if title else []
    # Fixed style instead of the user's, for equal bytes everywhere; "$" does not begin mathematics.
    with matplotlib.style.context(["default", _STYLE]):
        figure = Figure(figsize=(width, size[1] * rows + 0.2 * (len(lines) + bool(lines))))
        if lines:
            figure.suptitle("\n".join(lines), fontsize=TITLE)
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        draw(axes[:panels])
        for panel in axes[panels:]:
            panel.remove()
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def legend_below(
    figure: Figure,
    handles: Sequence[Artist],
    names: Sequence[str],
    **style: Any,
) -> None:
    """Add a legend below a figure's panels, in as many columns as its width has room for. The
    figure grows by the height of the legend."""
    names = ["\n".join(textwrap.wrap(name, LEGEND_CHARACTERS)) for name in names]

    def add(columns: int) -> Legend:
        how = {"loc": "outside lower center", "frameon": False, **SPACING}
        return figure.legend(handles, names, ncols=columns, **how, **style)

    single = add(1)
    columns = int(figure.bbox.width / single.get_window_extent().width)
    single.remove()
    legend = add(max(1, min(columns, len(names))))
    inches = legend.get_window_extent().height / figure.dpi
    figure.set_figheight(figure.get_figheight() + inches)


def scatter(
    points: np.ndarray, labels: np.ndarray, names: Sequence[str], axis_names: Sequence[str]
) -> Image.Image:
    """Chart of points f32[N,2], coloured by labels i32[N]; `names` are those of the labels."""

    def draw(panels: Sequence[Axes]) -> None:
        (axes,) = panels
        for label, name in enumerate(names):
            x, y = points[labels == label].T
            axes.scatter(x, y, s=6, alpha=0.6, linewidths=0, color=f"C{label % 10}", label=name)
        where = {"loc": "center left", "bbox_to_anchor": (1, 0.5), "ncols": -(-len(names) // 26)}
        axes.legend(**where, frameon=False, markerscale=2)
        axes.set_xlabel(axis_names[0])
        axes.set_ylabel(axis_names[1])

    return chart(draw, 1, 1, (7, 5))


def _draw_curve(panel: Axes, name: str, steps: Sequence[float], values: np.ndarray) -> None:
    """Draw one metric's values f64[T] over its steps f64[T] on a panel."""
    values = np.where(np.isfinite(values), values, np.nan)
    smooth = smoothed(values)
    panel.plot(steps, values, color="tab:blue", alpha=0.25, linewidth=0.7)
    panel.plot(steps, smooth, color="tab:blue", linewidth=1.5, marker=marker(values))
    panel.set_title(name, loc="left")
    panel.set_xlabel("step")
    known = values[~np.isnan(values)]
    if known.size:
        low, high = np.percentile(known, [1, 99])
        if low < high:
            panel.set_ylim(low - 0.1 * (high - low), high + 0.1 * (high - low))
        panel.set_title(f"{smooth[-1]:.4g}", loc="right", fontweight="normal", color="tab:blue")


def marker(values: Sequence[float]) -> str:
    """The marker of a curve's values: dots for a curve of so few that its line may be too short to
    be seen, else none."""
    return "o" if np.isfinite(values).sum() <= FEW else ""


def smoothed(values: np.ndarray) -> np.ndarray:
    """The moving average of a curve f64[T] over a fiftieth of its length."""
    return moving_average(values, max(1, len(values) // _SMOOTHING))


def moving_average(values: np.ndarray, width: int) -> np.ndarray:
    """Mean of the last `width` values that are not NaN, f64[T] -> f64[T]; NaN if they are few."""
    known = ~np.isnan(values)
    sums = np.cumsum(np.where(known, values, 0.0))
    counts = np.cumsum(known).astype(np.float64)
    sums[width:] -= sums[:-width].copy()
    counts[width:] -= counts[:-width].copy()
    return np.divide(sums, counts, out=np.full_like(values, np.nan), where=counts >= width / 4)
