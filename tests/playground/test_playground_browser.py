"""The playground's page in a real browser, by WebAssembly, as a user presses its buttons. Skipped
where there is no browser or the page is not built."""

import base64
import json
import re
import threading

import numpy as np
import pytest
from patience import PATIENCE_S, eventually
from playwright.sync_api import expect

from experiments import sample
from gen_models import playground
from gen_models.data import idx
from gen_models.errors import UserError


@pytest.fixture(scope="module")
def address():
    """The address of a server of the built page."""
    try:
        site = playground.site()
    except UserError as error:
        pytest.skip(str(error))
    with playground.server(site, 8500) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield playground.address(server)
        server.shutdown()


@pytest.fixture
def visit(browser, address):
    """A function that opens the page and waits until it can train. Nothing may be written to the
    console."""
    trouble, contexts = [], []

    def visit_(link="", status="press “run”", **screen):
        context = browser.new_context(accept_downloads=True, **screen)
        context.set_default_timeout(1000 * PATIENCE_S)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: trouble.append(message.text))
        tab.on("pageerror", lambda error: trouble.append(str(error)))
        tab.goto(f"{address}{link}")
        expect(tab.locator("#status")).to_have_text(status)
        return tab

    yield visit_
    for context in contexts:
        context.close()
    assert trouble == []


@pytest.fixture
def fashion(real_splits):
    """Skips where Fashion-MNIST is out of reach."""
    real_splits("fashion_mnist")


def button(tab, name):
    return tab.get_by_role("button", name=name, exact=True)


def step(tab):
    return int(tab.locator("#step").inner_text())


def steps_during(tab, ms):
    """The counts of steps at the beginning and at the end of a time."""
    before = step(tab)
    tab.wait_for_timeout(ms)
    return {before, step(tab)}


def run_to(tab, digits):
    """Train until the count of steps has so many digits."""
    button(tab, "run").click()
    count = re.compile(rf"^\d{{{digits},}}$")
    expect(tab.locator("#step")).to_have_text(count)
    button(tab, "pause").click()
    expect(button(tab, "run")).to_be_visible()


def configuration(tab):
    """The configuration in the page's address, which follows what is chosen after a while."""
    tab.wait_for_function("location.hash.length > 1")
    text = tab.evaluate("location.hash")[1:]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def link(chosen):
    return "#" + base64.urlsafe_b64encode(json.dumps(chosen).encode()).decode().rstrip("=")


def drop(tab, *files):
    """Drop files of these bytes on the page."""
    texts = [base64.b64encode(file).decode() for file in files]
    tab.evaluate(
        """(texts) => {
          const dataTransfer = new DataTransfer();
          for (const text of texts) {
            const bytes = Uint8Array.from(atob(text), (x) => x.charCodeAt(0));
            dataTransfer.items.add(new File([bytes], "file"));
          }
          dispatchEvent(new DragEvent("drop", { dataTransfer, cancelable: true }));
        }""",
        texts,
    )


def share(tab):
    """Per cent of the generated points that are at a place of the data."""
    expect(tab.locator(".key")).to_contain_text("places found")
    return int(re.search(r"(\d+) % of the generated", tab.locator(".key").inner_text())[1])


def test_on_the_ring_run_trains_and_the_measure_rises(visit):
    tab = visit()
    assert "WebAssembly, threads" in tab.locator("header").inner_text()
    before = share(tab)
    run_to(tab, 4)
    eventually(tab, lambda: share(tab) > before + 15, True)
    eventually(tab, lambda: len(steps_during(tab, 300)), 1)  # it is paused
    steps = step(tab)
    button(tab, "one step").click()
    expect(tab.locator("#step")).to_have_text(str(steps + 1))
    button(tab, "discriminator’s step").click()
    button(tab, "generator’s step").click()
    expect(tab.locator("#step")).to_have_text(str(steps + 2))


def test_what_changes_takes_effect_at_once_or_says_that_it_starts_anew(visit):
    tab = visit()
    button(tab, "run").click()
    expect(tab.locator("#step")).to_have_text(re.compile(r"\d\d"))
    steps = step(tab)
    tab.get_by_label("loss", exact=True).select_option("hinge")
    expect(tab.locator("#status")).to_have_text("changed; training goes on")
    assert step(tab) >= steps
    button(tab, "pause").click()
    tab.get_by_label("seed", exact=True).fill("5")
    expect(tab.locator("#status")).to_have_text("training starts anew: the seed")
    assert step(tab) == 0


def test_another_device_starts_anew_and_trains(visit):
    tab = visit()
    run_to(tab, 2)
    tab.get_by_label("device").select_option("wasm")
    expect(tab.locator("#step")).to_have_text("0")
    expect(button(tab, "run")).to_be_enabled()
    run_to(tab, 2)


def test_pressing_run_and_pause_in_slow_motion_keeps_one_pace(visit):
    tab = visit()
    tab.get_by_label("slow motion").check()
    for _ in range(3):
        button(tab, "run").click()
        button(tab, "pause").click()
    button(tab, "run").click()
    tab.wait_for_timeout(3000)
    assert step(tab) <= 8


def test_layers_are_added_and_removed_and_mistakes_named(visit):
    tab = visit()
    net = tab.locator(".net").first
    rows = net.locator("li").count()
    net.get_by_label("kind of a layer to add to the generator").select_option("halve")
    assert net.locator("li").count() == rows  # arrow keys choose without adding
    net.get_by_label("add the layer to the generator").click()
    assert net.locator("li").count() == rows + 1
    expect(net.get_by_role("alert")).to_contain_text("it needs maps and is given 2 units")
    expect(tab.locator("#status")).to_contain_text("a net has a mistake")
    net.get_by_label(f"Generator, layer {rows + 1}: remove").click()
    expect(net.get_by_role("alert")).to_have_count(0)
    net.get_by_label("Generator, layer 1: units").fill("5")
    expect(net.locator(".shape").first).to_have_text("5")
    run_to(tab, 2)


def test_a_layer_keeps_the_focus_while_it_is_moved_by_keys(visit):
    tab = visit()
    before = configuration(tab)["generator"]
    tab.get_by_label("Generator, layer 4: up").focus()
    for place in (3, 2):
        tab.keyboard.press("Enter")
        expect(tab.get_by_label(f"Generator, layer {place}: up")).to_be_focused()
    after = [before[i] for i in (0, 3, 1, 2, 4)]
    eventually(tab, lambda: configuration(tab)["generator"], after)
    tab.keyboard.press("Enter")
    expect(tab.get_by_label("Generator, layer 1", exact=True)).to_be_focused()  # it is the first


def test_a_decimal_comma_is_taken_for_a_point(visit):
    tab = visit()
    tab.get_by_label("decay of the drawn average").fill("0,5")
    tab.get_by_label("Discriminator, layer 2: slope below zero").fill("0,3")
    tab.get_by_label("batch", exact=True).fill("1,000")
    expect(tab.get_by_text("a whole number from 2 to 512")).to_be_visible()
    eventually(tab, lambda: configuration(tab)["average"], 0.5)
    eventually(tab, lambda: configuration(tab)["discriminator"][1], "leaky_relu 0.3")
    assert configuration(tab)["batch"] == 128


def test_a_link_opens_the_same_configuration_and_a_damaged_one_says_so(visit):
    tab = visit()
    tab.get_by_label("data", exact=True).select_option("spiral")
    tab.get_by_label("batch", exact=True).fill("32")
    eventually(tab, lambda: configuration(tab)["batch"], 32)
    again = visit(tab.evaluate("location.hash"))
    assert again.get_by_label("data", exact=True).input_value() == "spiral"
    assert again.get_by_label("batch", exact=True).input_value() == "32"
    again.evaluate("location.hash = 'nonsense'")
    expect(again.locator("#status")).to_contain_text("the link is damaged")
    expect(again.locator("#status")).to_have_class("wrong")


def test_a_damaged_link_is_named_until_there_is_something_newer_to_say(visit):
    tab = visit("#nonsense", status="the link is damaged: it holds no configuration")
    expect(button(tab, "run")).to_be_enabled()
    expect(tab.locator("#status")).to_have_class("wrong")
    button(tab, "run").click()
    expect(tab.locator("#status")).to_have_text("")
    expect(tab.locator("#status")).not_to_have_class("wrong")


def test_a_link_to_nets_with_a_mistake_says_that_none_can_be_trained_yet(visit):
    chosen = configuration(visit()) | {"generator": ["dense 3"]}
    tab = visit(link(chosen), status="a net has a mistake: mend it, then training can begin")
    expect(button(tab, "run")).to_be_disabled()
    tab.get_by_label("Generator, layer 1: units").fill("2")
    expect(button(tab, "run")).to_be_enabled()


def test_a_wrong_file_that_is_dropped_does_not_end_the_training(visit):
    tab = visit()
    button(tab, "run").click()
    drop(tab, b"hello")
    expect(tab.locator("#status")).to_have_text("expected two files: images and labels")
    expect(tab.locator("#step")).to_have_text(re.compile(r"\d\d"))
    button(tab, "pause").click()
    button(tab, "run").click()  # which is the newest that there is to say
    expect(tab.locator("#status")).not_to_have_class("wrong")


def test_every_experiment_opens_from_its_link(visit):
    tab = visit()
    links = tab.locator(".lessons a")
    assert links.count() == 5
    seen = set()
    for i in range(4):  # the last needs images
        links.nth(i).click()
        tab.wait_for_url(lambda url: url not in seen)
        seen.add(tab.url)
        expect(button(tab, "run")).to_be_enabled()
    assert len(seen) == 4


def test_a_rate_that_diverges_is_a_sentence_and_training_can_start_again(visit):
    tab = visit()
    tab.get_by_label("loss", exact=True).select_option("wasserstein")
    tab.get_by_label("its weight").fill("1000")
    for i in range(2):
        tab.get_by_label("rule").nth(i).select_option("sgd")
        tab.get_by_label("rate", exact=True).nth(i).fill("10")
    button(tab, "run").click()
    expect(tab.locator("#status")).to_contain_text("lower a rate, then start anew")
    for i in range(2):
        tab.get_by_label("rule").nth(i).select_option("adam")
        tab.get_by_label("rate", exact=True).nth(i).fill("0.001")
    players = ("generator", "discriminator")
    eventually(
        tab, lambda: [configuration(tab)["players"][name]["rate"] for name in players], [0.001] * 2
    )
    button(tab, "start anew").click()
    expect(tab.locator("#step")).to_have_text("0")
    run_to(tab, 2)


def test_back_returns_to_the_nets_that_other_data_took_away(visit):
    tab = visit()
    tab.get_by_label("Generator, layer 1: units").fill("7")
    tab.get_by_label("data", exact=True).select_option("spiral")
    eventually(tab, lambda: configuration(tab)["generator"][0], "dense 7")
    tab.get_by_label("data", exact=True).select_option("own")
    eventually(tab, lambda: configuration(tab)["latent"], 32)
    tab.go_back()
    eventually(tab, lambda: configuration(tab)["data"], "spiral")
    assert configuration(tab)["generator"][0] == "dense 7"


def test_points_are_drawn_by_hand(visit):
    tab = visit()
    tab.get_by_label("data", exact=True).select_option("drawn")
    expect(tab.locator("#status")).to_contain_text("draw some points first")
    plane = tab.locator(".plane").bounding_box()
    for x, y in ((0.3, 0.3), (0.7, 0.6)):
        tab.mouse.click(plane["x"] + x * plane["width"], plane["y"] + y * plane["height"])
    expect(tab.locator(".key")).to_contain_text("of 2 places found")
    x, y = plane["x"] + 0.2 * plane["width"], plane["y"] + 0.2 * plane["height"]
    tab.mouse.click(x, y, button="right")
    tab.mouse.move(plane["x"] + x, plane["y"] - 5)
    tab.mouse.down()
    tab.mouse.move(x, y, steps=3)  # a drag from elsewhere
    tab.mouse.up()
    eventually(tab, lambda: len(configuration(tab)["drawn"]), 2)
    run_to(tab, 2)
    assert len(configuration(tab)["drawn"]) == 2


def test_canvases_have_the_screens_pixels_and_colours(visit):
    tab = visit(viewport={"width": 1600, "height": 1000}, device_scale_factor=2)
    pixels = "all => all.every(one => Math.abs(one.width - 2 * one.clientWidth) <= 1)"
    assert tab.eval_on_selector_all(".view canvas", pixels)
    tab.set_viewport_size({"width": 500, "height": 800})
    eventually(tab, lambda: tab.eval_on_selector_all(".view canvas", pixels), True)
    picture = "canvas => canvas.toDataURL()"
    before = tab.eval_on_selector(".curves canvas", picture)
    tab.emulate_media(color_scheme="dark")
    eventually(tab, lambda: tab.eval_on_selector(".curves canvas", picture) == before, False)


@pytest.mark.slow
@pytest.mark.usefixtures("fashion")
def test_on_images_the_measure_falls(visit):
    tab = visit()
    tab.get_by_label("data", exact=True).select_option("fashion_mnist")
    expect(tab.locator(".grid").first).to_be_visible()
    button(tab, "run").click()
    measure = tab.locator(".curves").last.locator("figcaption")
    values = []
    for _ in range(4):
        tab.wait_for_timeout(15_000)
        values.append(float(re.search(r"([\d.]+)\s*$", measure.inner_text())[1]))
    assert values[-1] < 0.7 * values[0]


def idx_pair(folder, labels):
    """The paths of compressed IDX files of noise with these labels."""
    images = np.random.default_rng(0).integers(0, 255, (len(labels), 28, 28), dtype=np.uint8)
    idx.write(folder / "images.gz", images, compress=True)
    idx.write(folder / "labels.gz", np.asarray(labels, np.uint8), compress=True)
    return folder / "images.gz", folder / "labels.gz"


def test_a_generator_of_images_is_saved_and_python_draws_from_it(visit, tmp_path):
    tab = visit()
    tab.get_by_label("data", exact=True).select_option("own")
    tab.locator("input[type=file]").set_input_files(idx_pair(tmp_path, np.arange(40) % 4))
    expect(tab.locator(".net").first).to_contain_text("and 4 of the label")
    button(tab, "one step").click()
    expect(tab.locator("#step")).to_have_text("1")
    with tab.expect_download() as download:
        button(tab, "save the generator").click()
    path = tmp_path / "mine.safetensors"
    download.value.save_as(path)
    assert sample.main([str(path), "--labels", "3", "--out", str(tmp_path / "a.png")]) == 0
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_images_of_ones_own_are_given_and_other_files_refused(visit, tmp_path):
    images, labels = idx_pair(tmp_path, np.arange(40) % 4)
    (tmp_path / "text").write_text("hello")
    tab = visit()
    tab.get_by_label("data", exact=True).select_option("own")
    expect(tab.locator("#status")).to_contain_text("drop the two IDX files")
    chooser = tab.locator("input[type=file]")
    chooser.set_input_files([images, tmp_path / "text"])
    expect(tab.locator("#status")).to_contain_text("labels: it is no IDX file")
    tab.get_by_label("batch", exact=True).fill("16")
    chooser.set_input_files([images, labels])
    expect(tab.locator(".net").first).to_contain_text("and 4 of the label")
    expect(tab.locator(".grid").first).to_be_visible()
    eventually(tab, lambda: configuration(tab)["batch"], 16)
    expect(tab.get_by_text("your own images are not measured")).to_be_visible()
    run_to(tab, 2)
    picture = "canvas => canvas.toDataURL()"
    before = tab.eval_on_selector(".grid", picture)
    tab.get_by_label("loss", exact=True).select_option("wasserstein")  # its scores are no logits
    eventually(tab, lambda: tab.eval_on_selector(".grid", picture) == before, False)


def test_images_of_ones_own_are_dropped_while_something_else_trains(visit, tmp_path):
    files = [path.read_bytes() for path in idx_pair(tmp_path, np.arange(40) % 4)]
    tab = visit()
    drop(tab, *files)
    expect(tab.locator(".net").first).to_contain_text("and 4 of the label")
    expect(tab.locator(".grid").first).to_be_visible()
    tab.get_by_label("batch", exact=True).fill("16")
    drop(tab, *files)
    expect(tab.locator("#status")).to_contain_text("training starts anew")
    eventually(tab, lambda: configuration(tab)["batch"], 16)


def test_what_cannot_be_read_is_named_when_it_is_dropped(visit):
    tab = visit()
    tab.evaluate("""() => {
      const folder = { arrayBuffer: () => Promise.reject(new DOMException("", "NotFoundError")) };
      const drop = new Event("drop", { cancelable: true });
      dispatchEvent(Object.assign(drop, { dataTransfer: { files: [folder] } }));
    }""")
    expect(tab.locator("#status")).to_have_text("that file could not be read")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1600, 1000), (390, 844)])
def test_the_page_is_accessible_on_a_wide_and_on_a_narrow_screen(visit, violations, size, scheme):
    tab = visit(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    assert violations(tab) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= size[0]
