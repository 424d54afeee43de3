// The plane through three latents: drag over images of it, or two sliders.

import { element, paint, picture, slider } from "../../webpage/dom.js";
import { queue } from "./later.js";
import { planePoint } from "./scene.js";

const CELLS = 7; // images along each side

/** The plane of a model, which is named if there are others; `change` is called with the point that
 * was dragged to. */
export function plane(model, isNamed, change) {
  const tiles = Array.from({ length: CELLS ** 2 }, () => picture(model.run.size));
  const point = element("div", { class: "point" });
  const pad = element("div", { class: "pad", "aria-hidden": "true" }, ...tiles, point);
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pad.setPointerCapture(event.pointerId);
    drag(event);
  });
  pad.addEventListener("pointermove", (event) => {
    if (pad.hasPointerCapture(event.pointerId)) drag(event); // not one from elsewhere
  });
  const across = slider("towards B", [0, 1], (u) => change({ u }));
  const down = slider("towards C", [0, 1], (v) => change({ v }));
  const later = queue();
  let last = "";

  function drag(event) {
    const area = pad.getBoundingClientRect();
    const inside = (x) => Math.min(Math.max(x, 0), 1);
    change({
      u: inside((event.clientX - area.left) / area.width),
      v: inside((event.clientY - area.top) / area.height),
    });
  }

  function draw(shown) {
    across.set(shown.u);
    down.set(shown.v);
    point.style.left = `${100 * shown.u}%`;
    point.style.top = `${100 * shown.v}%`;
    const now = JSON.stringify({ ...shown, u: 0, v: 0, ink: null });
    if (shown.view !== "plane" || now === last) return;
    last = now;
    const place = (cell) => (cell + 0.5) / CELLS;
    later(
      tiles.map((tile, i) => () => {
        const [u, v] = [place(i % CELLS), place(Math.floor(i / CELLS))];
        paint(tile, planePoint(model, 0, shown, u, v));
      }),
    );
  }
  const corners = `A is at the top left, B at the right, C at the bottom${isNamed ? `; images of ${model.run.name}` : ""}`;
  const words = element("p", { class: "note" }, corners);
  return { box: element("div", { class: "plane" }, pad, words, across, down), draw };
}
