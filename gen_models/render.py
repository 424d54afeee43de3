"""Pictures of a run: sample grids, reconstructions, the animation of training and metric curves.

Pixel grids are drawn pixel by pixel with Pillow, so they are crisp; curves are drawn by matplotlib.
The same input gives the same bytes: no file holds a date.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gen_models.errors import UserError
from gen_models.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BACKGROUND, _INK = 255, 40  # white, as the pages that show the pictures; dark grey text
_LAST_FRAME_S = 2.0  # how long an animation rests on its end
# What Pillow raises for a file that is no whole PNG.
_BROKEN_PNG = (OSError, SyntaxError, ValueError, IndexError, Image.DecompressionBombError)
_CHART_STYLE = {
    **{"text.parse_math": False, "font.size": 9, "figure.dpi": 120},
    **{"figure.constrained_layout.use": True, "axes.grid": True, "grid.alpha": 0.3},
    **{"axes.spines.top": False, "axes.spines.right": False},
    **{"axes.titlesize": 9, "axes.titleweight": "bold"},
}
_SMOOTHING = 50  # a smoothed curve averages over this fraction of its length


def to_uint8(images: np.ndarray) -> np.ndarray:
    """f32[N,H,W,1] in [-1,1] -> u8[N,H,W]; beyond the range is clipped, NaN and ±inf are black."""
    images = np.asarray(images, np.float32)[..., 0]
    finite = np.where(np.isfinite(images), images, -1.0)
    return np.round((finite.clip(-1, 1) + 1) * 127.5).astype(np.uint8)


def to_float(images: np.ndarray) -> np.ndarray:
    """u8[N,H,W] -> f32[N,H,W,1] in [-1,1], which `to_uint8` turns back."""
    return np.asarray(images, np.float32)[..., None] / 127.5 - 1


def grid(
    images: np.ndarray,
    rows: int,
    columns: int,
    *,
    row_names: Sequence[str] = (),
    scale: int = 2,
    gap: int = 2,
) -> Image.Image:
    """The first rows·columns images f32[N,H,W,1] in [-1,1], row by row, as a greyscale picture.

    Each pixel becomes `scale` × `scale`; `gap` pixels separate the images; with fewer images the
    last places stay empty. `row_names`, one a row when given, are written on the left.
    """
    pixels = to_uint8(images[: rows * columns])
    places = [divmod(i, columns) for i in range(len(pixels))]
    tops = [gap + row * (pixels.shape[1] * scale + gap) for row in range(rows)]
    picture = _tiles(pixels, places, tops, columns, scale, gap)
    return _name_rows(picture, tops, row_names, pixels.shape[1] * scale) if row_names else picture


def pairs(
    originals: np.ndarray,
    reconstructions: np.ndarray,
    columns: int,
    *,
    names: tuple[str, str] = ("original", "reconstruction"),
    scale: int = 2,
    gap: int = 2,
) -> Image.Image:
    """Rows of originals, each above the row of its reconstructions, both f32[N,H,W,1] in [-1,1]."""
    if len(originals) != len(reconstructions):
        raise ValueError(f"{len(originals)} originals, {len(reconstructions)} reconstructions")
    pixels = np.concatenate([to_uint8(originals), to_uint8(reconstructions)])
    above = [(2 * (i // columns), i % columns) for i in range(len(originals))]
    below = [(row + 1, column) for row, column in above]
    height = pixels.shape[1] * scale
    rows = 2 * -(-len(originals) // columns)
    # A wider gap between the pairs than within shows what belongs together.
    tops = [gap + row * (height + gap) + row // 2 * 4 * gap for row in range(rows)]
    picture = _tiles(pixels, above + below, tops, columns, scale, gap)
    return _name_rows(picture, tops, list(names) * (rows // 2), height)


def save_png(image: Image.Image, path: str | Path) -> None:
    """Write `image` to `path` as a PNG. Raises UserError when it cannot be written."""
    # An enlarged grey grid is all runs of equal bytes: coded as runs it is no larger than with the
    # best compression, in a tenth of the time, for which training waits.
    how = {"compress_type": zlib.Z_RLE} if image.mode == "L" else {"optimize": True}
    with atomic_write(path) as file:
        image.save(file, format="PNG", **how)


def save_gif(
    frames: Iterable[Path | Image.Image], path: str | Path, seconds_per_frame: float
) -> None:
    """Write an endless animation of greyscale `frames`, all of one size, which rests on its last.

    Frames given as paths are opened one at a time. Raises UserError for one that cannot be read or
    has another size, and when `path` cannot be written.
    """
    frames = list(frames)
    if not frames:
        raise UserError(f"there are no frames to write to {path}")
    milliseconds = [round(1000 * seconds_per_frame)] * len(frames)
    milliseconds[-1] += round(1000 * _LAST_FRAME_S)
    pictures = _open_frames(frames)
    first = next(pictures)
    with atomic_write(path) as file:
        first.save(
            file, format="GIF", save_all=True, append_images=pictures, duration=milliseconds, loop=0
        )


def curves(metrics: Mapping[str, Sequence[float]], path: str | Path, title: str) -> None:
    """Write a PNG with a panel per metric: its values f32[T], faint, under their moving average.

    The horizontal axis is `metrics["step"]` when there is one, else 1…T. A panel shows the range
    without its extreme hundredths, so that a spike does not flatten the rest. Gaps are non-finite
    values. The number above the right end is the last average.
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
    """What `draw` puts on `panels` axes, each of `size` inches, in rows of `columns`."""
    # Imported here because it takes most of a second, and only the end of a run draws charts.
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = -(-panels // columns)
    # Not the user's own style, for the same bytes everywhere; and no mathematics in a "$".
    with matplotlib.style.context(["default", _CHART_STYLE]):
        figure = Figure(figsize=(size[0] * columns, size[1] * rows + 0.4 * bool(title)))
        if title:
            figure.suptitle(title, fontsize=11)
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        draw(axes[:panels])
        for panel in axes[panels:]:
            panel.remove()
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def scatter(points: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> Image.Image:
    """Points f32[N,2], a colour for each of labels i32[N], which `names` calls by name."""

    def draw(panels: Sequence[Axes]) -> None:
        (axes,) = panels
        for label, name in enumerate(names):
            x, y = points[labels == label].T
            axes.scatter(x, y, s=6, alpha=0.6, linewidths=0, color=f"C{label % 10}", label=name)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, markerscale=2)

    return chart(draw, 1, 1, (7, 5))


def _tiles(
    pixels: np.ndarray,
    places: Sequence[tuple[int, int]],
    tops: Sequence[int],
    columns: int,
    scale: int,
    gap: int,
) -> Image.Image:
    """u8[N,H,W], each enlarged at its (row, column) of `places`; `tops`: where each row starts."""
    height, width = pixels.shape[1] * scale, pixels.shape[2] * scale
    size = (tops[-1] + height + gap, gap + columns * (width + gap))
    canvas = np.full(size, _BACKGROUND, np.uint8)
    for image, (row, column) in zip(pixels, places, strict=True):
        left = gap + column * (width + gap)
        tile = image.repeat(scale, axis=0).repeat(scale, axis=1)
        canvas[tops[row] : tops[row] + height, left : left + width] = tile
    return Image.fromarray(canvas)


def _name_rows(
    picture: Image.Image, tops: Sequence[int], names: Sequence[str], height: int
) -> Image.Image:
    """`picture` with a margin on its left, as wide as the names in it need."""
    font = ImageFont.load_default(size=min(max(height * 0.3, 10), 20))
    padding = round(font.size / 2)
    margin = max(round(font.getlength(name)) for name in names) + 2 * padding
    named = Image.new("L", (margin + picture.width, picture.height), _BACKGROUND)
    named.paste(picture, (margin, 0))
    draw = ImageDraw.Draw(named)
    for top, name in zip(tops, names, strict=True):
        draw.text((margin - padding, top + height / 2), name, _INK, font, anchor="rm")
    return named


def _open_frames(frames: Sequence[Path | Image.Image]) -> Iterator[Image.Image]:
    """The frames, greyscale and of the size of the first, read one at a time."""
    size = None
    for frame in frames:
        picture = _open_frame(frame, size)
        size = picture.size
        yield picture


def _open_frame(frame: Path | Image.Image, size: tuple[int, int] | None) -> Image.Image:
    is_file = isinstance(frame, Path)
    try:
        with Image.open(frame, formats=["PNG"]) if is_file else nullcontext(frame) as picture:
            if size and picture.size != size:  # asked before anything of that size is allocated
                raise UserError(f"{frame} has {picture.size} pixels, the frames before it {size}")
            return picture.convert("L")
    except _BROKEN_PNG as error:
        raise UserError(f"cannot read the picture {frame}: {error}; delete it") from error


def _draw_curve(panel: Axes, name: str, steps: Sequence[float], values: np.ndarray) -> None:
    """One metric, f64[T] over f64[T], on its own axes."""
    values = np.where(np.isfinite(values), values, np.nan)
    smooth = moving_average(values, max(1, len(values) // _SMOOTHING))
    panel.plot(steps, values, color="tab:blue", alpha=0.25, linewidth=0.7)
    panel.plot(steps, smooth, color="tab:blue", linewidth=1.5)
    panel.set_title(name, loc="left")
    panel.set_xlabel("step")
    known = values[~np.isnan(values)]
    if known.size:
        low, high = np.percentile(known, [1, 99])
        if low < high:
            panel.set_ylim(low - 0.1 * (high - low), high + 0.1 * (high - low))
        panel.set_title(f"{smooth[-1]:.4g}", loc="right", fontweight="normal", color="tab:blue")


def moving_average(values: np.ndarray, width: int) -> np.ndarray:
    """The mean of the last `width` values but NaN, f64[T] -> f64[T]; NaN where few are known."""
    known = ~np.isnan(values)
    sums = np.cumsum(np.where(known, values, 0.0))
    counts = np.cumsum(known).astype(np.float64)
    sums[width:] -= sums[:-width].copy()
    counts[width:] -= counts[:-width].copy()
    return np.divide(sums, counts, out=np.full_like(values, np.nan), where=counts >= width / 4)
