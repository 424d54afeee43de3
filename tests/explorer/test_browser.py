"""The page in a real browser, Chromium where there is one."""

import base64

import jax
import numpy as np
import pytest
from browsing import PIXELS, assert_alike, image
from patience import eventually
from playwright.sync_api import Page
from trainings import train
from untrained import random_model

from gen_models import explorer, programs, runs, trained
from gen_models.data.pixels import to_bytes, to_float
from gen_models.explorer import exhibit
from gen_models.explorer.exhibit import Exhibit
from gen_models.explorer.making import PAGE
from gen_models.runs import checkpoint
from gen_models.sampling import drawing
from gen_models.webpage import making


def contents(*models, **more) -> str:
    """The text of a page of models that are not on disk."""
    shown = [exhibit.to_json_object(Exhibit([model], None)) for model in models]
    return making.page("models", "about", {"runs": shown, "tests": None} | more, PAGE)


def link(tab: Page) -> str:
    """The link of what is shown, which is written at the latest when the page is left."""
    tab.evaluate("dispatchEvent(new Event('pagehide'))")
    return tab.evaluate("location.hash")[1:]


def test_a_slider_moves_the_latent_and_its_link_shows_the_same_again(opened, tiny):
    model = random_model("dcgan", tiny)
    text = contents(model)
    tab = opened(text, "seed=3")
    before = image(tab)
    slider = tab.locator(".panel input[type=range]").first
    slider.focus()
    slider.press("End")
    after = image(tab)
    shown = exhibit.to_json_object(Exhibit([model], None))
    vector = np.array(shown["directions"][0]["vector"], np.float32)
    key = drawing.key_for(drawing.Purpose.SAMPLES, 3)
    z = np.asarray(model.model.algorithm.prior(model.state, _first(key), np.zeros(1, np.int32)))
    labels = np.zeros(1, np.int32)
    assert_alike(after, to_bytes(programs.generate(model.model, model.state, z + vector, labels)))
    assert np.abs(after - before).max() > exhibit.LEVEL
    np.testing.assert_array_equal(image(opened(text, link(tab))), after)


def _first(key):
    """The key of the first latents of a seed."""
    return jax.random.fold_in(key, 0)


def test_arrow_keys_move_a_slider_by_small_steps_from_any_value(opened, tiny):
    tab = opened(contents(random_model("dcgan", tiny)), "view=between&t=0.337")
    walk = tab.get_by_label("from A to B")
    image(tab)
    assert walk.get_attribute("aria-valuetext") == "0.34"
    tab.get_by_label("seed", exact=True).fill("5")
    assert "t=0.337" in link(tab)  # what is set stays exact
    walk.press("ArrowRight")
    assert "t=0.34" in link(tab).split("&")


def test_a_mixture_of_classes_is_asked_for_by_its_controls(opened, tiny):
    model = random_model("cgan", tiny)
    tab = opened(contents(model))
    tab.get_by_label("class", exact=True).select_option("two")
    wanted = model.sample(1, label=2)
    assert_alike(image(tab), wanted)
    tab.get_by_label("mixed with").select_option("zero")
    share = tab.get_by_label("share of the other")
    share.focus()
    share.press("End")
    assert_alike(image(tab), model.sample(1, label=0))
    share.press("Home")
    assert_alike(image(tab), wanted)


@pytest.mark.parametrize("name", ["gan", "cgan"])
def test_a_walk_between_two_samples_and_over_a_plane(opened, tiny, name):
    model = random_model(name, tiny)
    tab = opened(contents(model))
    samples = model.sample(10, seed=1)
    tab.get_by_label("Between two").check()
    tab.locator("#sample-0-3").click()
    tab.get_by_label("B (dashed)").check()
    tab.locator("#sample-0-7").click()
    walk = tab.get_by_label("from A to B")
    walk.focus()
    walk.press("Home")
    assert_alike(image(tab), samples[3])
    walk.press("End")
    assert_alike(image(tab), samples[7])
    tab.get_by_label("A plane through three").check()
    tab.locator(".pad").wait_for()
    pad = tab.locator(".pad").bounding_box()
    tab.mouse.move(pad["x"] + 20, pad["y"] + 20)
    tab.mouse.down()
    tab.mouse.move(pad["x"] + pad["width"] + 30, pad["y"] - 30, steps=4)
    tab.mouse.up()
    assert_alike(image(tab), samples[7])  # dragged to B, and no further


def test_a_code_of_infogan_is_set_as_what_it_is(opened, tiny):
    model = random_model("infogan", tiny)
    tab = opened(contents(model))
    tab.get_by_label("category").select_option("7")
    tab.get_by_label("code 1").fill("-2")
    key = _first(drawing.key_for(drawing.Purpose.SAMPLES, 1))
    z = np.array(model.model.algorithm.prior(model.state, key, np.zeros(1, np.int32)))
    category, first, _ = model.model.algorithm.parts
    z[:, category.start : category.start + category.size] = np.eye(category.size)[7]
    z[:, first.start] = -2
    labels = np.zeros(1, np.int32)
    assert_alike(image(tab), to_bytes(programs.generate(model.model, model.state, z, labels)))


def test_what_is_drawn_with_the_finger_is_encoded_and_decoded(opened, tiny):
    model = random_model("vae", tiny)
    text = contents(model, random_model("gan", tiny))
    tab = opened(text, "view=image")
    tab.locator("#ink").wait_for()
    area = tab.locator("#ink").bounding_box()
    tab.mouse.move(area["x"] + 0.3 * area["width"], area["y"] + 0.3 * area["height"])
    tab.mouse.down()
    tab.mouse.move(area["x"] + 0.8 * area["width"], area["y"] + 0.7 * area["height"], steps=5)
    tab.mouse.up()
    tab.mouse.click(area["x"] + 5, area["y"] + area["height"] - 5, button="right")
    reconstruction = image(tab)
    ink = np.array(tab.eval_on_selector("#ink", PIXELS)).reshape(1, 8, 8).astype(np.uint8)
    assert 0 < np.count_nonzero(ink) < ink.size and ink[0, -1, 0] == 0
    assert_alike(reconstruction, model.reconstruct(ink))
    shown = tab.get_by_label("z1").get_attribute("aria-valuetext")
    assert float(shown) == pytest.approx(model.encode(ink)[0, 0], abs=0.01)
    assert tab.get_by_text("gan has no encoder").is_visible()
    np.testing.assert_array_equal(image(opened(text, link(tab))), reconstruction)


def test_codes_of_an_image_are_shown(opened, tiny):
    model = random_model("vq_vae", tiny)
    ink = to_bytes(to_float(tiny.test.images[:1]))
    digits = "".join(f"{level // 17:x}" for level in ink.ravel())
    tab = opened(contents(model), f"view=image&test=&ink={digits}")
    ink = ink // 17 * 17
    assert_alike(image(tab), model.reconstruct(ink))
    codes = np.ravel(programs.codes(model.model, model.state, ink))
    shown = np.array(tab.eval_on_selector(".codes", PIXELS))
    np.testing.assert_array_equal(shown, np.round(255 * codes / max(1, codes.max())))


@pytest.fixture(scope="module")
def run(tiny, tmp_path_factory):
    """The folder of a training that kept several checkpoints."""
    folder = tmp_path_factory.mktemp("runs") / "dcgan-0"
    train(folder, tiny, keep_checkpoints=3)
    return folder


def test_the_time_slider_shows_the_same_latents_at_each_checkpoint(opened, run):
    text = explorer.make_page([run], print).text
    tab = opened(text, "seed=2&a=1")
    last = trained.load(run)
    assert_alike(image(tab), last.sample(2, seed=2)[1])
    time = tab.get_by_label("training step")
    time.focus()
    time.press("Home")
    shown = image(tab)
    loaded = runs.load(run)
    first = checkpoint.steps(loaded.checkpoints)[0]
    assert time.get_attribute("aria-valuetext") == str(first)
    file = checkpoint.file_of(loaded.checkpoints, first)
    state = checkpoint.load(file, programs.shapes(loaded.model))
    state = drawing.finalise(loaded.model, loaded.data, state)
    key = drawing.key_for(drawing.Purpose.SAMPLES, 2)
    wanted = drawing.draw(loaded.model, state, key, np.zeros(2, np.int32))[1]
    assert_alike(shown, wanted)
    assert np.abs(wanted.astype(int) - last.sample(2, seed=2)[1]).max() > 0


def test_models_side_by_side_stand_on_the_same_latents(opened, tiny):
    model = random_model("dcgan", tiny)
    tab = opened(contents(model, model, random_model("gan", tiny)), "seed=4&a=2")
    np.testing.assert_array_equal(image(tab), image(tab, "#image-1"))
    assert tab.locator(".panel").count() == 3


def test_a_link_that_does_not_fit_shows_the_start_and_says_so(opened, tiny):
    model = random_model("gan", tiny)
    tab = opened(contents(model), "seed=1&a=1000")
    assert "does not fit" in tab.get_by_role("status").text_content()
    assert_alike(image(tab), model.sample(1, seed=1))
    tab.get_by_role("button", name="another").click()
    image(tab)
    assert tab.get_by_role("status").text_content() == ""


def test_samples_are_chosen_by_arrow_keys(opened, tiny):
    model = random_model("gan", tiny)
    tab = opened(contents(model))
    box = tab.get_by_role("listbox")
    box.focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowLeft"):
        box.press(key)
    box.press("Control+ArrowRight")  # not the page's
    assert_alike(image(tab), model.sample(12, seed=1)[11])
    assert box.get_attribute("aria-activedescendant") == "sample-0-11"
    assert tab.locator("[role=option][aria-selected=true]").count() == 1


@pytest.mark.parametrize(
    ("view", "scheme"),
    [
        ("sample", "light"),
        ("sample", "dark"),
        *((v, "light") for v in ("between", "plane", "image")),
    ],
)
def test_nothing_serious_is_inaccessible(opened, violations, tiny, view, scheme):
    models = [random_model(name, tiny) for name in ("cvae", "infogan")]
    tab = opened(contents(*models), f"view={view}", color_scheme=scheme)
    image(tab)
    assert violations(tab) == []


def test_a_long_drag_is_drawn_to_its_end_and_so_is_its_link(opened, tiny):
    text = contents(random_model("dcgan", tiny))
    tab = opened(text, "view=between&t=0")
    tab.evaluate("""async () => {
      const slider = [...document.querySelectorAll("input[type=range]")][0];
      for (let i = 1; i <= 400; i++) {
        slider.value = i / 400;
        slider.dispatchEvent(new Event("input"));
        await new Promise(requestAnimationFrame);
      }
    }""")
    eventually(tab, lambda: "t=1" in tab.evaluate("location.hash")[1:].split("&"), True)
    np.testing.assert_array_equal(image(opened(text, link(tab))), image(tab))


def test_every_part_of_a_stroke_is_drawn_however_fast_it_is(opened, tiny):
    tab = opened(contents(random_model("vae", tiny)), "view=image")
    tab.locator("#ink").wait_for()
    tab.evaluate("""() => {
      const canvas = document.getElementById("ink");
      canvas.setPointerCapture = () => {};
      canvas.hasPointerCapture = () => true;
      const area = canvas.getBoundingClientRect();
      for (const [type, x] of [["pointerdown", 0.1], ["pointermove", 0.5], ["pointermove", 0.9]]) {
        const place = { clientX: area.x + x * area.width, clientY: area.y + area.height / 2 };
        canvas.dispatchEvent(new PointerEvent(type, { ...place, buttons: 1, pointerId: 1 }));
      }
    }""")
    image(tab)
    ink = np.array(tab.eval_on_selector("#ink", PIXELS)).reshape(8, 8)
    assert (ink.max(axis=0) > 0).all()


def test_a_test_image_keeps_its_label_when_it_is_drawn_on(opened, tiny):
    model = random_model("cvae", tiny)
    images = tiny.test.images[:3]
    tests = {"images": base64.b64encode(images.tobytes()).decode(), "labels": [0, 1, 2]}
    tab = opened(contents(model, tests=tests), "view=image&test=2")
    assert_alike(image(tab), model.reconstruct(images[2:3], np.array([2], np.int32)))
    assert tab.get_by_text("taken as: two").is_visible()
    area = tab.locator("#ink").bounding_box()
    tab.mouse.click(area["x"] + 5, area["y"] + 5)
    reconstruction = image(tab)
    ink = np.array(tab.eval_on_selector("#ink", PIXELS)).reshape(1, 8, 8).astype(np.uint8)
    assert_alike(reconstruction, model.reconstruct(ink, np.array([2], np.int32)))
    text = contents(model, tests=tests)
    np.testing.assert_array_equal(image(opened(text, link(tab))), reconstruction)


def test_the_image_is_square_and_stays_where_it_is(opened, tiny):
    models = [random_model(name, tiny) for name in ("vae", "infogan", "vq_vae")]
    tab = opened(contents(*models))
    image(tab)

    def boxes() -> list:
        return [tab.locator(f"#image-{index}").bounding_box() for index in range(3)]

    before = boxes()
    assert all(area["width"] == pytest.approx(area["height"], abs=1) for area in before)
    for summary in tab.locator("summary").all():
        summary.click()
    assert boxes() == before


def test_nothing_jumps_and_nothing_sticks_out_of_a_phone(opened, tiny):
    phone = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
    tab = opened(contents(random_model("vae", tiny)), "view=plane", **phone)
    image(tab)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    place = "() => document.querySelector('.gallery').offsetTop"
    before = tab.evaluate(place)
    slider = tab.locator(".panel input[type=range]").first
    slider.focus()
    slider.press("End")
    image(tab)
    assert tab.evaluate(place) == before
