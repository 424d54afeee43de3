// The image that auto-encoders are given: a test image, or what is drawn with finger or mouse.

import { element, labelled, paint, picture } from "../../webpage/dom.js";
import { original } from "./scene.js";

const RADIUS = 1.3; // pixels of the brush
const STEP = 17; // between the 16 grey levels of what is drawn

/** The image's part of the page; `change` is called with what was chosen or drawn. */
export function ink(page, change) {
  const [run] = page.runs;
  const [height, width] = run.size;
  const canvas = picture(run.size, {
    class: "ink",
    id: "ink",
    role: "img",
    "aria-label": "image to encode; draw on it",
  });
  let grey = new Uint8Array(height * width);
  let before = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    before = null;
    stroke(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) stroke(event); // not a drag from elsewhere
  });

  function stroke(event) {
    const area = canvas.getBoundingClientRect();
    const to = [
      ((event.clientX - area.left) / area.width) * width,
      ((event.clientY - area.top) / area.height) * height,
    ];
    grey = grey.map((level) => Math.round(level / STEP) * STEP); // as links hold them
    line(grey, before ?? to, to);
    before = to;
    change({ ink: grey.slice() });
  }

  function line(drawn, [x0, y0], [x1, y1]) {
    const count = Math.max(1, Math.ceil(2 * Math.hypot(x1 - x0, y1 - y0)));
    for (let i = 0; i <= count; i++) {
      dab(drawn, x0 + ((x1 - x0) * i) / count, y0 + ((y1 - y0) * i) / count);
    }
  }

  function dab(drawn, x, y) {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y);
        const level = Math.min(255, 255 * Math.max(0, RADIUS + 0.5 - distance));
        const at = row * width + column;
        drawn[at] = Math.max(drawn[at], Math.round(level / STEP) * STEP);
      }
    }
  }

  const clear = element(
    "button",
    { type: "button", onclick: () => change({ test: null, ink: new Uint8Array(height * width) }) },
    "empty it",
  );
  const conditional = page.runs.some((one) => one.encodes && one.conditional);
  const taken = element("p", { class: "note" });
  const fields = [clear];
  let number = null;
  if (page.tests) {
    const last = page.tests.labels.length - 1;
    const put = () => {
      const test = Math.min(Math.max(Math.round(Number(number.value)), 0), last);
      change({ test, ink: null });
    };
    number = element("input", { type: "number", min: 0, max: last, onchange: put });
    fields.unshift(labelled("test image", number));
  }

  function draw(shown) {
    grey = Uint8Array.from(original(run, shown, page.tests).grey);
    paint(canvas, grey);
    if (number) number.value = shown.test ?? "";
    const { label } = original(run, shown, page.tests);
    taken.textContent = conditional ? `taken as: ${run.classes[shown.label ?? label]}` : "";
  }
  const box = element("div", { class: "given" }, canvas, element("div", {}, ...fields, taken));
  return { box, draw };
}
