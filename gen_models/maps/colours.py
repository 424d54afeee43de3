"""Colours of classes and of models, in the picture and in the page."""

import colorsys

# Okabe and Ito's colours, which red-green colour-blind people can tell apart, and three more.
TEN = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
    "#8f7ee0",
    "#b5a800",
    "#8c564b",
    "#17becf",
)
REAL = "#9a9aa2"  # real images if colours are of models, and images of unknown class
GOLDEN_ANGLE = 0.381966  # share of a turn between consecutive hues, which are thus far apart


def of(count: int) -> list[str]:
    """Colours of `count` classes or models, as #rrggbb."""
    if count <= len(TEN):
        return list(TEN[:count])
    return [_hex(i * GOLDEN_ANGLE % 1, 0.4 + 0.15 * (i % 3)) for i in range(count)]


def _hex(hue: float, lightness: float) -> str:
    parts = colorsys.hls_to_rgb(hue, lightness, 0.65)
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)
