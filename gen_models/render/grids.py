"""Grids of images, drawn pixel by pixel with Pillow so that they are crisp, and animations."""

import math
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gen_models.errors import UserError
from gen_models.storage.files import atomic_write

_BACKGROUND, _INK = 255, 40  # white, like the pages that show the pictures, and dark grey
_LAST_FRAME_S = 2.0  # duration of an animation's last frame
MAX_FRAMES = 200  # largest number of frames of an animation
_MAX_FRAMES_BYTES = 2**27  # size of all frames, which Pillow holds in memory until they are written
# Errors that Pillow raises for a file that is not a whole PNG.
_BROKEN_PNG = (OSError, SyntaxError, ValueError, IndexError, Image.DecompressionBombError)


def grid(
    pixels: np.ndarray,
    rows: int | None = None,
    columns: int | None = None,
    *,
    row_names: Sequence[str] = (),
    scale: int = 2,
    gap: int = 2,
) -> Image.Image:
    """Greyscale picture of the first rows·columns images u8[N,H,W], row by row. By default it shows
    all of them, in a square or nearly so.

    Each pixel becomes `scale` × `scale`; `gap` pixels separate the images; with fewer images the
    last places stay empty. `row_names`, if given one per row, are written on the left. Raises
    UserError for other arrays, such as floats.
    """
    pixels = np.asarray(pixels)
    if pixels.ndim != 3 or len(pixels) == 0 or pixels.dtype != np.uint8:
        raise UserError(
            f"the images are {pixels.dtype}{list(pixels.shape)}, expected uint8[N,H,W], one or "
            "more; gen_models.data.pixels.to_bytes makes them of floats in [-1,1]"
        )
    columns = columns or math.ceil(len(pixels) / rows if rows else math.sqrt(len(pixels)))
    rows = rows or -(-len(pixels) // columns)
    pixels = pixels[: rows * columns]
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
    """Picture of rows of originals, each above its reconstructions, both u8[N,H,W]."""
    if len(originals) != len(reconstructions):
        raise ValueError(f"{len(originals)} originals, {len(reconstructions)} reconstructions")
    pixels = np.concatenate([originals, reconstructions])
    above = [(2 * (i // columns), i % columns) for i in range(len(originals))]
    below = [(row + 1, column) for row, column in above]
    height = pixels.shape[1] * scale
    rows = 2 * -(-len(originals) // columns)
    # The gap between pairs is wider than that within them, to show which rows belong together.
    tops = [gap + row * (height + gap) + row // 2 * 4 * gap for row in range(rows)]
    picture = _tiles(pixels, above + below, tops, columns, scale, gap)
    return _name_rows(picture, tops, list(names) * (rows // 2), height)


def save_png(image: Image.Image, path: str | Path) -> None:
    """Write `image` to `path` as a PNG. Raises UserError when it cannot be written."""
    # An enlarged grey grid consists of runs of equal bytes: run-length coding is as small as the
    # best compression and takes a tenth of the time, for which training waits.
    how = {"compress_type": zlib.Z_RLE} if image.mode == "L" else {"optimize": True}
    with atomic_write(path) as file:
        image.save(file, format="PNG", **how)


def save_gif(
    frames: Iterable[Path | Image.Image], path: str | Path, seconds_per_frame: float
) -> None:
    """Write an endless animation of greyscale `frames`, all of one size, which pauses on its last.

    Of more than MAX_FRAMES frames, or fewer if they are large, it shows the first, the last and
    some evenly spaced between them. Frames given as paths are opened one at a time. Raises
    UserError for a frame that cannot be read or has another size, and when `path` cannot be
    written.
    """
    frames = list(frames)
    if not frames:
        raise UserError(f"there are no frames to write to {path}")
    width, height = _open_frame(frames[0], None).size
    frames = _spaced(frames, min(MAX_FRAMES, max(2, _MAX_FRAMES_BYTES // (width * height))))
    milliseconds = [round(1000 * seconds_per_frame)] * len(frames)
    milliseconds[-1] += round(1000 * _LAST_FRAME_S)
    pictures = _open_frames(frames)
    first = next(pictures)
    with atomic_write(path) as file:
        first.save(
            file, format="GIF", save_all=True, append_images=pictures, duration=milliseconds, loop=0
        )


def _tiles(
    pixels: np.ndarray,
    places: Sequence[tuple[int, int]],
    tops: Sequence[int],
    columns: int,
    scale: int,
    gap: int,
) -> Image.Image:
    """Picture of images u8[N,H,W], enlarged, at (row, column) of `places`; rows start at `tops`."""
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
    """The picture with a margin on its left for the names of its rows."""
    font = ImageFont.load_default(size=min(max(height * 0.3, 10), 20))
    padding = round(font.size / 2)
    margin = max(round(font.getlength(name)) for name in names) + 2 * padding
    named = Image.new("L", (margin + picture.width, picture.height), _BACKGROUND)
    named.paste(picture, (margin, 0))
    draw = ImageDraw.Draw(named)
    for top, name in zip(tops, names, strict=True):
        draw.text((margin - padding, top + height / 2), name, _INK, font, anchor="rm")
    return named


def _spaced(frames: Sequence[Path | Image.Image], most: int) -> Sequence[Path | Image.Image]:
    """At most `most` frames, two or more, evenly spaced: the first, the last and some between."""
    if len(frames) <= most:
        return frames
    return [frames[i * (len(frames) - 1) // (most - 1)] for i in range(most)]


def _open_frames(frames: Sequence[Path | Image.Image]) -> Iterator[Image.Image]:
    """Greyscale frames, read one at a time. Raises UserError for another size than the first's."""
    size = None
    for frame in frames:
        picture = _open_frame(frame, size)
        size = picture.size
        yield picture


def _open_frame(frame: Path | Image.Image, size: tuple[int, int] | None) -> Image.Image:
    is_file = isinstance(frame, Path)
    try:
        with Image.open(frame, formats=["PNG"]) if is_file else nullcontext(frame) as picture:
            if size and picture.size != size:  # checked before anything of that size is allocated
                raise UserError(f"{frame} has {picture.size} pixels, the frames before it {size}")
            return picture.convert("L")
    except _BROKEN_PNG as error:
        raise UserError(f"cannot read the picture {frame}: {error}; delete it") from error
