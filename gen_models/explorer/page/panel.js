// A model's part of the page: its image, its sliders, its samples, its measures.

import { element, paint, picture, select, slider } from "./dom.js";
import { gallery } from "./gallery.js";
import { REACH, codes } from "./link.js";
import { codeMap, drawn } from "./scene.js";

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
  const map = codesPicture(run);
  const samples = gallery(model, index, choose);
  const groups = [
    steps(run, index, change),
    moves(run, index, change),
    ...parts(run, index, change),
    coordinates(run, index, change),
  ].filter(Boolean);
  const box = element(
    "section",
    { class: "panel", "aria-labelledby": `name-${index}` },
    element("h2", { id: `name-${index}` }, run.name),
    element(
      "div",
      { class: "top" },
      element("div", { class: "stage" }, canvas, missing),
      element("div", { class: "groups" }, ...(map ? [map.box] : []), ...groups.map((group) => group.box)),
    ),
    samples.box,
    measures(run),
  );

  function draw(shown, slots, slot) {
    const found = drawn(model, index, shown, page.tests);
    canvas.hidden = found === null;
    missing.hidden = found !== null;
    if (found) paint(canvas, found.grey);
    map?.draw(codeMap(model, index, shown, page.tests));
    groups.forEach((group) => group.set(shown, found?.z));
    samples.draw(shown, slots, slot);
  }
  return { box, draw };
}

/** A picture of the discrete codes of the image that is encoded, for a model that has some. */
function codesPicture({ programs }) {
  if (!programs.codes) return null;
  const { values, outputs } = programs.codes;
  const [, [, height, width]] = values[outputs[0]];
  const canvas = picture([height, width], { class: "codes", role: "img", "aria-label": "codes of the image" });
  const box = element("figure", {}, canvas, element("figcaption", { class: "note" }, `its ${height}×${width} codes`));
  return {
    box,
    draw(grey) {
      box.hidden = grey === null;
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
  const text = element("output", {});
  field.append(text);
  return {
    box: field,
    set(shown) {
      field.set(shown[name]);
      const words = String(checkpoints[shown[name]].step);
      field.querySelector("input").setAttribute("aria-valuetext", words);
      text.textContent = words;
    },
  };
}

/** A group of sliders for a list of numbers, with a button that sets them back. */
function list(title, name, fields, neutral, open, change) {
  let values = neutral;
  const sliders = fields.map(([text, range], i) =>
    slider(text, range, (value) => change({ [name]: values.with(i, value) })),
  );
  const back = element("button", { type: "button", onclick: () => change({ [name]: neutral }) }, "set back");
  const box = element("details", { open }, element("summary", {}, title), ...sliders, back);
  return {
    box,
    set(shown) {
      values = shown[name];
      sliders.forEach((field, i) => field.set(values[i]));
    },
  };
}

function moves({ directions }, index, change) {
  if (!directions.length) return null;
  const fields = directions.map((direction) => [direction.name, [-1, 1]]);
  return list("Directions", `move${index}`, fields, fields.map(() => 0), true, change);
}

function coordinates(run, index, change) {
  const count = codes(run);
  if (!count) return null;
  const fields = Array.from({ length: count }, (_, i) => [`z${i + 1}`, [-REACH, REACH]]);
  const made = list("Latent: its numbers, and what is added", `code${index}`, fields, fields.map(() => 0), false, change);
  const outputs = [...made.box.querySelectorAll(".field")].map((field) => {
    const output = element("output", {});
    field.append(output);
    return output;
  });
  return {
    box: made.box,
    set(shown, z) {
      made.set(shown);
      outputs.forEach((output, i) => (output.textContent = z ? z[i].toFixed(2) : ""));
    },
  };
}

/** Controls of the parts of a latent that mean something: a number or a category each, or as they
 * were drawn. */
function parts({ parts: all }, index, change) {
  const name = `part${index}`;
  let values = all.map(() => null);
  return all.map(({ name: title, size, reach }, i) => {
    const put = (value) => change({ [name]: values.with(i, value) });
    const named = Array.from({ length: size }, (_, k) => [k, String(k)]);
    const field =
      size === 1
        ? slider(title, [-reach, reach], put)
        : select(title, [["", "as drawn"], ...named], (text) => put(text === "" ? null : Number(text)));
    return {
      box: field,
      set(shown) {
        values = shown[name];
        field.set(values[i] ?? (size === 1 ? 0 : ""));
      },
    };
  });
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
