"""The font of charts and pictures, and the wrapping of texts in it."""

import contextlib
import os
import sys
import textwrap
from pathlib import Path
from types import ModuleType

from PIL import ImageFont


def load_matplotlib() -> ModuleType:
    """Import matplotlib whatever MPLBACKEND names: a notebook's shell names a backend that may be
    missing here, and charts, which are drawn into files, need none."""
    if "matplotlib" not in sys.modules:
        named = os.environ.pop("MPLBACKEND", None)
        import matplotlib

        if named is not None:
            os.environ["MPLBACKEND"] = named
            with contextlib.suppress(ValueError):  # not the name of a backend
                matplotlib.rcParams["backend"] = named
    return sys.modules["matplotlib"]


def load_font(size: float) -> ImageFont.FreeTypeFont:
    """Matplotlib's font, as Pillow's lacks the multiplication and infinity signs; `size` is in
    pixels."""
    folder = Path(load_matplotlib().get_data_path())
    return ImageFont.truetype(folder / "fonts/ttf/DejaVuSans.ttf", size)


def wrap(line: str, size: float, width: float) -> list[str]:
    """Lines of a text, each at most `width` pixels wide in the font of this size: with the most
    characters a line for which all fit. Words that are wider than that are broken."""
    font = load_font(size)
    for characters in range(len(line), 1, -1):
        lines = textwrap.wrap(line, characters)
        if all(font.getlength(part) <= width for part in lines):
            return lines
    return list(line)
