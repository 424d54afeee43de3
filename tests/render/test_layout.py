"""Pictures put together."""

from PIL import Image

from gen_models.render import layout


def test_many_pictures_stand_in_several_rows_below_captions_as_wide_as_they_are():
    panel = Image.new("L", (100, 20))
    captions = [f"gan learning_rate=0.000{i}, beta1=0.5, width=32" for i in range(8)]
    picture = layout.captioned(dict.fromkeys(captions, panel))
    assert picture.width <= 6 * 110 + 5 * layout.GAP
    assert picture.height > 2 * 60
