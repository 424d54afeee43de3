// The page: a map of images, what is shown of it, and its numbers.

import { element } from "../../webpage/dom.js";
import { coloursOf, pixel } from "./colours.js";
import { dots } from "./dots.js";
import { gestures } from "./gestures.js";
import { numbers } from "./numbers.js";
import { pictures } from "./pictures.js";
import { nearest, unpack } from "./points.js";
import { switches } from "./switches.js";
import { tip } from "./tip.js";
import { View } from "./view.js";

const FEW = 250; // points on the screen that are shown as images
const IMAGE_PX = 28;

function open(page) {
  const { classes, colours } = page;
  const sets = unpack(page);
  const view = new View();
  const on = { sets: sets.map(() => true), classes: [-1, ...classes.keys()].map(() => true) };
  let meaning = sets.length > 1 ? "set" : "class"; // of the colours
  let asked = false;
  let pointed = null; // the point that was hovered over or tapped

  const canvas = element("canvas", {
    tabindex: 0,
    role: "img",
    "aria-label": "map of images; arrow keys move it, + and - zoom",
  });
  const paint = pictures(sets, page.sheet, redraw);
  const drawDots = dots(canvas);
  const label = tip(sets, classes, page.sheet.size, paint);

  function redraw() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(draw);
  }

  const palettes = () => sets.map((_, s) => coloursOf(colours, meaning, s));
  let palette = palettes(); // of each set, by class
  let pixels = palette.map((one) => Uint32Array.from(one, pixel));

  function draw() {
    asked = false;
    const ratio = devicePixelRatio;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
    view.resize(width, height);
    drawDots(sets, on, view, pixels, ratio);
    drawFew(width, height, ratio);
    if (pointed) {
      const { set, point } = pointed;
      label.show(pointed, [view.left(sets[set].x[point]), view.top(sets[set].y[point])], [width, height]);
    } else label.hide();
  }

  /** The images themselves, if there are few points on the screen. */
  function drawFew(width, height, ratio) {
    const found = visible(width, height);
    if (found === null) return;
    const context = canvas.getContext("2d");
    const size = IMAGE_PX * ratio;
    context.lineWidth = 2 * ratio;
    for (const [s, i] of found) {
      const left = view.left(sets[s].x[i]) * ratio - size / 2;
      const top = view.top(sets[s].y[i]) * ratio - size / 2;
      if (!paint(context, s, i, left, top, [size, size])) continue;
      context.strokeStyle = palette[s][sets[s].labels[i] + 1];
      context.strokeRect(left, top, size, size);
    }
  }

  /** The points on the screen, or null if there are many. */
  function visible(width, height) {
    const found = [];
    for (const [s, set] of sets.entries()) {
      if (!on.sets[s]) continue;
      for (let i = 0; i < set.count; i++) {
        const [left, top] = [view.left(set.x[i]), view.top(set.y[i])];
        if (left < 0 || top < 0 || left > width || top > height || !on.classes[set.labels[i] + 1]) continue;
        found.push([s, i]);
        if (found.length > FEW) return null;
      }
    }
    return found;
  }

  const changed = (act) => (...given) => {
    act(...given);
    pointed = null;
    redraw();
  };
  const zoom = changed((factor, left, top) => view.zoomAt(factor, left, top));
  const pan = changed((dx, dy) => view.pan(dx, dy));
  const reset = changed(() => view.reset());
  const show = changed((x, y, radius) => {
    view.show(x, y, radius);
    canvas.scrollIntoView({ block: "nearest" });
  });
  const point = (place, reach) => {
    pointed = nearest(sets, on, view, place, reach);
    redraw();
  };
  gestures(canvas, { pan, zoom, point, leave: changed(() => {}) });

  const step = (factor) => () => zoom(factor, canvas.clientWidth / 2, canvas.clientHeight / 2);
  const buttons = [["+", "zoom in", step(1.5)], ["−", "zoom out", step(1 / 1.5)], ["⤢", "whole map", reset]].map(
    ([text, name, onclick]) => element("button", { type: "button", "aria-label": name, onclick }, text),
  );
  const recolour = changed((value) => {
    meaning = value;
    palette = palettes();
    pixels = palette.map((one) => Uint32Array.from(one, pixel));
  });
  document.getElementById("map").append(
    element("div", { class: "field-of-view" }, canvas, label.box, element("div", { class: "buttons" }, ...buttons)),
    switches(sets, page, on, meaning, changed(() => {}), recolour),
    numbers(page, show),
  );
  new ResizeObserver(redraw).observe(canvas);
}

open(JSON.parse(document.getElementById("contents").textContent));
