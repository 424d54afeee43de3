"""The page of a map: its modules, and what it shows in Chromium."""

import numpy as np
import pytest
from maps_blobs import blobs
from patience import eventually

from gen_models.maps import files
from gen_models.maps.gaps import Gaps, Region
from gen_models.maps.layouts import PLACED
from gen_models.maps.making import Map
from gen_models.maps.mixing import Mixing
from gen_models.maps.quality import Quality
from gen_models.maps.sets import ImageSet

COLOURS = """canvas => {
  const context = canvas.getContext("2d", {willReadFrequently: true});
  const {data} = context.getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  for (let i = 0; i < data.length; i += 4) if (data[i + 3]) seen.add(data.slice(i, i + 3).join());
  return [...seen];
}"""
MAP = ".field-of-view > canvas"


def blob_map(count: int = 1200) -> Map:
    """A map of images whose grey level is their number; more than are shown as images at once."""
    points, labels = blobs(count, 0)
    levels = (np.arange(count) % 256).astype(np.uint8)
    images = np.tile(levels[:, None, None], (1, 8, 8))
    real = ImageSet("real images", images, labels, np.arange(count))
    samples = ImageSet("<b>model</b>", images[:20], labels[:20], np.arange(20))
    region = Region(np.arange(3, 40, 4), 0.1, 0.9, np.arange(3, 20, 4), (0.0, 0.0), 1.0)
    return Map(
        "tiny",
        ("zero", "one", "two", "three"),
        f"method, space; {PLACED}",
        [real, samples],
        [points[:, :2] + points[:, 2:], points[:20, :2]],
        Quality(0.9, 0.95, 0.8),
        [Mixing(0.7, 0.6, 0.8, (0.4, 0.6), 20)],
        [Gaps(0.7, 0.9, [region])],
    )


def page(image_map: Map, points: int = 20_000) -> str:
    return files._page(image_map, points)


def shown(tab) -> set[str]:
    """Colours of the dots, once they have been drawn."""
    tab.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")
    return set(tab.eval_on_selector(MAP, COLOURS))


def test_classes_and_models_are_switched_on_and_off(opened):
    tab = opened(page(blob_map()))
    both = shown(tab)
    assert len(both) == 2  # grey for real images, a colour for the model
    tab.get_by_label("<b>model</b>").uncheck()
    assert len(shown(tab)) == 1
    tab.get_by_label("<b>model</b>").check()
    tab.get_by_label("colours are of").select_option("class")
    assert len(shown(tab)) == 4
    tab.get_by_label("three").uncheck()
    assert len(shown(tab)) == 3
    tab.get_by_role("button", name="none").click()
    assert shown(tab) == set()
    tab.get_by_role("button", name="all").click()
    assert len(shown(tab)) == 4


def test_a_pointer_shows_the_image_that_it_is_over(opened):
    image_map = blob_map()
    far = np.array(image_map.places[0])
    far[7] = far.max(axis=0) + 30  # alone in its corner
    real_only = image_map._replace(sets=image_map.sets[:1], places=[far], mixing=[], gaps=[])
    tab = opened(page(real_only))
    shown(tab)
    area = tab.locator(MAP).bounding_box()
    side = 0.92 * min(area["width"], area["height"])
    x, y = (area["width"] + side) / 2, (area["height"] - side) / 2
    tab.mouse.move(area["x"] + x - 3, area["y"] + y + 3)
    tip = tab.locator(".tip")
    tip.wait_for()
    assert "three · real images 7" in tip.text_content()
    context = "canvas.getContext('2d', {willReadFrequently: true})"
    level = f"canvas => {context}.getImageData(4, 4, 1, 1).data[0]"
    eventually(tab, lambda: tab.eval_on_selector(".tip canvas", level), 7)
    tab.mouse.move(area["x"] + 5, area["y"] + area["height"] - 5)
    tip.wait_for(state="hidden")


def test_an_image_that_cannot_be_decoded_leaves_no_other_in_its_place(opened):
    image_map = blob_map()
    real, samples = map(np.array, image_map.places)
    real[7], samples[3] = real.max() + 30, real.min() - 30  # in two corners
    tab = opened(page(image_map._replace(places=[real, samples])))
    shown(tab)
    area = tab.locator(MAP).bounding_box()
    x, y, half = area["width"] / 2, area["height"] / 2, 0.46 * min(area["width"], area["height"])
    context = "canvas.getContext('2d', {willReadFrequently: true})"
    opacity = f"canvas => {context}.getImageData(4, 4, 1, 1).data[3]"
    for name, way, opaque in (("real images 7", 1, 255), ("<b>model</b> 3", -1, 0)):
        tab.mouse.move(area["x"] + x + way * (half - 3), area["y"] + y - way * (half - 3))
        tab.locator(".tip").get_by_text(name).wait_for()
        eventually(tab, lambda: tab.eval_on_selector(".tip canvas", opacity), opaque)
        tab.evaluate("() => { HTMLImageElement.prototype.decode = () => Promise.reject('no') }")


def test_zooming_in_shows_the_images_and_the_whole_map_is_one_click_away(opened):
    tab = opened(page(blob_map()))
    before = shown(tab)
    tab.locator(".region").get_by_role("button").click()
    tab.locator(MAP).focus()
    for _ in range(6):
        tab.keyboard.press("+")
    eventually(tab, lambda: len(shown(tab)) > len(before), True)  # grey levels of images
    tab.get_by_label("whole map").click()
    assert shown(tab) == before


PICTURE = "canvas => canvas.toDataURL()"


def drawn(tab) -> str:
    shown(tab)
    return tab.eval_on_selector(MAP, PICTURE)


def test_the_browsers_own_keys_and_buttons_are_left_to_it(opened):
    tab = opened(page(blob_map()))
    before = drawn(tab)
    tab.locator(MAP).focus()
    for key in ("Control++", "Control+-", "Control+ArrowRight", "Meta+ArrowUp"):
        tab.keyboard.press(key)
    area = tab.locator(MAP).bounding_box()
    x, y = area["x"] + 20, area["y"] + 20
    for button in ("right", "middle"):
        tab.mouse.move(x, y)
        tab.mouse.down(button=button)
        tab.mouse.move(x + 90, y + 60, steps=3)
        tab.mouse.up(button=button)
    tab.mouse.move(x, y)
    assert drawn(tab) == before
    tab.mouse.down()
    tab.mouse.move(x + 90, y + 60, steps=3)
    tab.mouse.up()
    assert drawn(tab) != before


def test_a_drag_that_is_taken_from_the_page_ends(opened):
    tab = opened(page(blob_map()))
    area = tab.locator(MAP).bounding_box()
    tab.mouse.move(area["x"] + 20, area["y"] + 20)
    tab.mouse.down()
    tab.mouse.move(area["x"] + 30, area["y"] + 20)
    tab.eval_on_selector(MAP, "canvas => canvas.releasePointerCapture(1)")
    before = drawn(tab)
    tab.mouse.move(area["x"] + 200, area["y"] + 20, steps=3)
    assert drawn(tab) == before


def test_a_pinch_on_a_trackpad_zooms_as_far_as_a_wheel(opened):
    tab = opened(page(blob_map()))
    wheel = """(canvas, [deltaY, ctrlKey]) => canvas.dispatchEvent(
      new WheelEvent("wheel", {deltaY, ctrlKey, clientX: 300, clientY: 300, cancelable: true}))"""
    pictures = []
    for how in ([-100, False], [-10, True]):
        tab.eval_on_selector(MAP, wheel, how)
        pictures.append(drawn(tab))
        tab.get_by_label("whole map").click()
    assert pictures[0] == pictures[1] != drawn(tab)


def test_numbers_and_missed_regions_stand_below_the_map(opened):
    tab = opened(page(blob_map()))
    table = tab.locator(".numbers table")
    assert "0.700" in table.text_content() and "0.400 to 0.600" in table.text_content()
    region = tab.locator(".region")
    assert "three" in region.text_content()
    before = tab.eval_on_selector(MAP, COLOURS)
    region.get_by_role("button").click()
    assert shown(tab) != set(before)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_inaccessible(opened, violations, scheme):
    tab = opened(page(blob_map()), color_scheme=scheme)
    shown(tab)
    assert violations(tab) == []


def test_nothing_sticks_out_of_a_phone_and_a_tap_shows_an_image(opened):
    phone = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
    places = [np.zeros_like(x) for x in blob_map().places]
    tab = opened(page(blob_map()._replace(places=places)), **phone)
    shown(tab)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    area = tab.locator(MAP).bounding_box()
    tab.touchscreen.tap(area["x"] + area["width"] / 2, area["y"] + area["height"] / 2)
    tab.locator(".tip").wait_for()


def test_a_page_of_twenty_thousand_points_draws_a_frame_in_time(opened):
    points = np.random.default_rng(0).normal(size=(20_000, 2)).astype(np.float32)
    labels = np.resize(np.arange(4, dtype=np.int32), 20_000)
    images = np.zeros((20_000, 8, 8), np.uint8)
    real = ImageSet("real images", images, labels, np.arange(20_000))
    image_map = blob_map()._replace(sets=[real], places=[points], mixing=[], gaps=[])
    tab = opened(page(image_map))
    shown(tab)
    median = tab.evaluate(
        """() => new Promise(done => {
          const canvas = document.querySelector(".field-of-view > canvas");
          const {left, top, width, height} = canvas.getBoundingClientRect();
          const clientX = left + width / 2, clientY = top + height / 2, gaps = [];
          let last = performance.now();
          const frame = (now) => {
            gaps.push(now - last);
            last = now;
            const deltaY = gaps.length % 20 < 10 ? -40 : 40;
            const how = {deltaY, clientX, clientY, cancelable: true};
            canvas.dispatchEvent(new WheelEvent("wheel", how));
            if (gaps.length < 60) requestAnimationFrame(frame);
            else done(gaps.sort((a, b) => a - b)[30]);
          };
          requestAnimationFrame(frame);
        })"""
    )
    assert median < 100  # 17 on a machine that does nothing else
