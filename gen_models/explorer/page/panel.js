// A model's part of the page: its image, its sliders, its samples, its measures.

import { element, paint, picture, select, slider } from "../../webpage/dom.js";
import { gallery } from "./gallery.js";
import { REACH, codes } from "./link.js";
import { codeMap, codeShape, drawn } from "./scene.js";

/** The panel of a model; `change` is called with what is to be shown anew. */
export function panel(model, index, page, change, choose) {
  const { run } = model;
  const canvas = picture(run.size, {
    class: "image",
    id: `image-${index}`,
    role: "img",
    "aria-label": `image of ${run.name}`,
  });
  const missing = element("p", { class: "missing", hidden: true }, `${run.model} has no encoder.`);
  const code = codePicture(run);
  const samples = gallery(model, index, choose);
  const groups = [
    steps(run, index, change),
    parts(run, index, change),
    moves(run, index, change),
    numbers(run, index, change),
  ].filter(Boolean);
  const box = element(
    "section",
    { class: "panel", "aria-labelledby": `name-${index}` },
    element("h2", { id: `name-${index}` }, run.name),
    element(
      "div",
      { class: "top" },
      element("div", { class: "stage" }, canvas, missing),
      element("div", { class: "groups" }, ...(code ? [code.box] : []), ...groups.map((group) => group.box)),
    ),
    samples.box,
    measures(run),
  );

  function draw(shown, slots, slot) {
    const found = drawn(model, index, shown, page.tests);
    canvas.hidden = found === null;
    missing.hidden = found !== null;
    if (found) paint(canvas, found.grey);
    code?.draw(found && codeMap(model, index, shown, page.tests, found.z));
    groups.forEach((group) => group.set(shown, found?.z));
    samples.draw(shown, slots, slot);
  }
  return { box, draw };
}

/** A picture of the code of the image that is encoded, for a model whose sliders do not show it. */
function codePicture(run) {
  const shape = codeShape(run);
  if (shape === null) return null;
  const canvas = picture(shape, { class: "codes", role: "img", "aria-label": "code of the image" });
  const words = run.programs.codes ? "its codes" : "its code, black -3, white 3";
  const box = element("figure", {}, canvas, element("figcaption", { class: "note" }, words));
  return {
    box,
    draw(grey) {
      box.style.visibility = grey ? "visible" : "hidden";
      if (grey) paint(canvas, grey);
    },
  };
}

/** The slider over the checkpoints, if there are several. */
function steps({ checkpoints }, index, change) {
  if (checkpoints.length < 2) return null;
  const name = `step${index}`;
  const last = checkpoints.length - 1;
  const field = slider("training step", [0, last], (value) => change({ [name]: value }), { step: 1 });
  return {
    box: field,
    set: (shown) => field.set(shown[name], String(checkpoints[shown[name]].step)),
  };
}

/** A group of controls for a list of values, made by `field(i, put)`, with a button that sets them
 * back to `neutral`. `words(i, value, z)` is what a control shows, by default its value. */
function group(title, name, neutral, field, change, { open = true, words } = {}) {
  if (!neutral.length) return null;
  let values = neutral;
  const put = (i) => (value) => {
    values = values.with(i, value); // the next one may come before the page is drawn
    change({ [name]: values });
  };
  const fields = neutral.map((_, i) => field(i, put(i)));
  const reset = { type: "button", onclick: () => change({ [name]: neutral }) };
  const back = element("button", reset, "set back");
  return {
    box: element("details", { open }, element("summary", {}, title), ...fields, back),
    set(shown, z) {
      values = shown[name];
      fields.forEach((each, i) => each.set(values[i], words?.(i, values[i], z)));
    },
  };
}

function moves({ directions }, index, change) {
  const field = (i, put) => slider(directions[i].name, [-1, 1], put);
  return group("Directions", `move${index}`, directions.map(() => 0), field, change);
}

/** The numbers of an auto-encoder's latent, to which the sliders add. */
function numbers(run, index, change) {
  const neutral = Array.from({ length: codes(run) }, () => 0);
  const field = (i, put) => slider(`z${i + 1}`, [-REACH, REACH], put);
  const words = (i, _, z) => (z ? z[i].toFixed(2) : "");
  const title = "Numbers of the latent, and what is added";
  return group(title, `code${index}`, neutral, field, change, { open: false, words });
}

/** The parts of a latent that mean something: a number or a category each, or as they were drawn. */
function parts({ parts: all }, index, change) {
  function field(i, put) {
    const { name, size, reach } = all[i];
    if (size === 1) return slider(name, [-reach, reach], put);
    const categories = Array.from({ length: size }, (_, k) => [k, String(k)]);
    const read = (text) => put(text === "" ? null : Number(text));
    return select(name, [["", "as drawn"], ...categories], read);
  }
  const words = (i, value, z) => (value === null && z ? z[all[i].start].toFixed(2) : undefined);
  return group("Codes", `part${index}`, all.map(() => null), field, change, { words });
}

/** The measures of the evaluation, beside real images. */
function measures({ measures: rows, protocol, checkpoints }) {
  if (!rows.length) return element("p", { class: "note" }, "Not measured; experiments.evaluate measures a run.");
  const [head, ...lines] = rows;
  const table = element(
    "table",
    {},
    element("caption", {}, `${protocol}; step ${checkpoints.at(-1).step}`),
    element("thead", {}, element("tr", {}, ...head.map((text) => element(text ? "th" : "td", text ? { scope: "col" } : {}, text)))),
    element(
      "tbody",
      {},
      ...lines.map(([title, ...cells]) =>
        element("tr", {}, element("th", { scope: "row" }, title), ...cells.map((text) => element("td", {}, text))),
      ),
    ),
  );
  return element("details", {}, element("summary", {}, "Measures"), element("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "measures" }, table));
}
