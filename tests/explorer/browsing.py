"""What tests of the page see in Chromium."""

import numpy as np
from patience import eventually
from playwright.sync_api import Page

from gen_models.explorer import exhibit

PIXELS = """canvas => {
  const context = canvas.getContext("2d", {willReadFrequently: true});
  const {data} = context.getImageData(0, 0, canvas.width, canvas.height);
  return Array.from({length: data.length / 4}, (_, i) => data[4 * i]);
}"""


def image(tab: Page, canvas: str = "#image-0") -> np.ndarray:
    """Grey levels of a canvas, once the page has drawn what it was asked to."""
    tab.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")

    def levels() -> np.ndarray:
        return np.array(tab.eval_on_selector(canvas, PIXELS))

    eventually(tab, lambda: levels().any(), True)  # a canvas is empty before it is drawn
    return levels()


def assert_alike(levels: np.ndarray, wanted: np.ndarray) -> None:
    assert np.abs(levels - wanted.ravel().astype(int)).max() <= exhibit.LEVEL
