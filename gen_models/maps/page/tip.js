// The image under the pointer, with what is known of it.

import { element, picture } from "../../webpage/dom.js";

const GAP = 14; // pixels between a point and its image

/** A box that shows an image of a set; `paint` is that of `pictures`. */
export function tip(sets, classes, size, paint) {
  const canvas = picture(size, { role: "img", "aria-label": "image of the point" });
  const text = element("div", {});
  const box = element("div", { class: "tip", hidden: true, role: "status" }, canvas, text);

  function show({ set: s, point }, [left, top], [width, height]) {
    const set = sets[s];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const all = [canvas.width, canvas.height];
    if (!paint(context, s, point, 0, 0, all)) context.clearRect(0, 0, ...all); // until it is decoded
    text.textContent = `${classes[set.labels[point]] ?? "class unknown"} · ${set.name} ${set.numbers[point]}`;
    box.hidden = false;
    const x = left + GAP + box.offsetWidth > width ? left - GAP - box.offsetWidth : left + GAP;
    const y = Math.min(Math.max(top - box.offsetHeight / 2, 0), height - box.offsetHeight);
    box.style.transform = `translate(${Math.max(x, 0)}px, ${y}px)`;
  }
  const hide = () => (box.hidden = true);
  return { box, show, hide };
}
