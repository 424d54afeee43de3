"""Pictures put together."""

import numpy as np
import pytest
from PIL import Image

from gen_models.render import fonts, layout


def test_many_pictures_stand_in_several_rows_below_captions_as_wide_as_they_are():
    panel = Image.new("L", (100, 20))
    captions = [f"gan learning_rate=0.000{i}, beta1=0.5, width=32" for i in range(8)]
    picture = layout.captioned(dict.fromkeys(captions, panel))
    assert picture.width <= 6 * 110 + 5 * layout.GAP
    assert picture.height > 2 * 60


def test_pictures_beside_each_other_keep_their_place_whatever_their_captions():
    panel = Image.new("L", (200, 20))
    captions = ["gan", "WWWWWW " * 4 + "i" * 60, "vae"]
    picture = layout.captioned(dict.fromkeys(captions, panel))
    assert picture.width == 3 * panel.width + 2 * layout.GAP
    black = np.asarray(picture.convert("L"))[-panel.height :] == 0
    places = [i * (panel.width + layout.GAP) for i in range(3)]
    assert all(black[:, x : x + panel.width].all() for x in places)
    assert black.sum() == 3 * panel.width * panel.height


@pytest.mark.parametrize("line", ["WWWWWWWW iiiiiiii " * 8, "seed=0,learning_rate=0.0004" * 5, "a"])
def test_wrapped_lines_are_no_wider_than_asked_and_hold_the_whole_text(line):
    lines = fonts.wrap(line, 15, 100)
    assert all(fonts.load_font(15).getlength(part) <= 100 for part in lines)
    assert "".join(lines).replace(" ", "") == line.replace(" ", "")
    assert layout.text(line, 15, 100).width <= 100
