"""Pictures put together from pictures and lines of text."""

from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw, ImageOps

from gen_models.render.fonts import load_font, wrap

GAP, MARGIN = 16, 24
WHITE, INK = 255, 40
PADDING = 2  # what the picture of a text is wider than the text, pixels
TEXT = 15  # font size of captions
IN_A_ROW = 6  # largest number of captioned pictures


def beside(pictures: Sequence[Image.Image], gap: int = GAP) -> Image.Image:
    """Pictures placed left to right, aligned at the top."""
    size = sum(p.width for p in pictures) + gap * (len(pictures) - 1)
    canvas = Image.new("RGB", (size, max(p.height for p in pictures)), (WHITE,) * 3)
    x = 0
    for picture in pictures:
        canvas.paste(picture, (x, 0))
        x += picture.width + gap
    return canvas


def below(pictures: Sequence[Image.Image], gap: int = GAP) -> Image.Image:
    """Pictures placed top to bottom, aligned at the left."""
    size = sum(p.height for p in pictures) + gap * (len(pictures) - 1)
    canvas = Image.new("RGB", (max(p.width for p in pictures), size), (WHITE,) * 3)
    y = 0
    for picture in pictures:
        canvas.paste(picture, (0, y))
        y += picture.height + gap
    return canvas


def text(line: str, size: int, width: float | None = None) -> Image.Image:
    """Picture of a text in one line, or wrapped to a picture of at most `width` pixels."""
    if width is not None:
        return below([text(part, size) for part in wrap(line, size, width - PADDING)], 0)
    font = load_font(size)
    picture = Image.new("L", (round(font.getlength(line)) + PADDING, round(size * 1.4)), WHITE)
    ImageDraw.Draw(picture).text((0, size * 0.7), line, INK, font, anchor="lm")
    return picture


def framed(picture: Image.Image) -> Image.Image:
    """The picture with a white margin around it."""
    canvas = Image.new(
        "RGB", (picture.width + 2 * MARGIN, picture.height + 2 * MARGIN), (WHITE,) * 3
    )
    canvas.paste(picture, (MARGIN, MARGIN))
    return canvas


def captioned(panels: Mapping[str, Image.Image]) -> Image.Image:
    """Pictures placed left to right, in as many rows as they need, each below its caption."""
    names = list(panels)
    rows = (names[i : i + IN_A_ROW] for i in range(0, len(names), IN_A_ROW))
    return below([_captioned_row({name: panels[name] for name in row}) for row in rows])


def _captioned_row(panels: Mapping[str, Image.Image]) -> Image.Image:
    """Pictures that begin at one height, however many lines their captions have."""
    captions = [text(name, TEXT, panel.width) for name, panel in panels.items()]
    height = max(caption.height for caption in captions)
    parts = []
    for caption, panel in zip(captions, panels.values(), strict=True):
        lowered = ImageOps.expand(caption, (0, height - caption.height, 0, 0), "white")
        parts.append(below([lowered, panel], 4))
    return beside(parts)
