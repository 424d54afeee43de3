// What all models of the page have in common: the view, the seed, the classes.

import { element, labelled, select, slider } from "../../webpage/dom.js";
import { ink } from "./ink.js";
import { plane } from "./plane.js";
import { SLOTS } from "./scene.js";

const TITLES = {
  sample: "One sample",
  between: "Between two",
  plane: "A plane through three",
  image: "Encode an image",
};

/** The controls; `change` is called with what is to be shown, `pick` with the slot to choose for. */
export function choices(page, models, change, pick) {
  const encodes = page.runs.some((run) => run.encodes);
  const views = Object.entries(TITLES).filter(([view]) => view !== "image" || encodes);
  const radios = views.map(([view, title]) =>
    radio("view", view, title, () => change({ view })),
  );
  const seed = element("input", {
    type: "number",
    min: 0,
    max: 2 ** 31 - 1,
    step: 1,
    id: "seed",
    onchange: () => {
      const value = Math.round(Number(seed.value));
      change({ seed: Math.min(Math.max(value || 0, 0), 2 ** 31 - 1) });
    },
  });
  const another = element(
    "button",
    { type: "button", id: "another", onclick: () => change({ seed: Math.floor(Math.random() * 1e6) }) },
    "another",
  );
  const slots = Object.entries({ a: "A (solid)", b: "B (dashed)", c: "C (dotted)" }).map(
    ([slot, title]) => radio("slot", slot, title, () => pick(slot)),
  );
  const chosen = element("fieldset", {}, element("legend", {}, "a click on a sample chooses"), ...slots);
  const share = slider("from A to B", [0, 1], (t) => change({ t }));
  const pad = plane(models[0], models.length > 1, change);
  const given = encodes ? ink(page, change) : null;
  const labels = classes(page, change);
  const box = element(
    "section",
    { class: "choices", "aria-label": "what is shown" },
    element("fieldset", { class: "views" }, element("legend", {}, "view"), ...radios),
    element("div", { class: "row" }, labelled("seed", seed), another),
    ...(labels ? [labels.box] : []),
    chosen,
    share,
    pad.box,
    ...(given ? [given.box] : []),
  );

  function draw(shown, slot) {
    check(radios, shown.view);
    check(slots, slot);
    seed.value = shown.seed;
    slots.forEach((field) => (field.hidden = !SLOTS[shown.view].includes(field.value)));
    chosen.hidden = SLOTS[shown.view].length < 2;
    share.hidden = shown.view !== "between";
    share.set(shown.t);
    pad.box.hidden = shown.view !== "plane";
    pad.draw(shown);
    labels?.draw(shown);
    if (given) {
      given.box.hidden = shown.view !== "image";
      given.draw(shown);
    }
  }
  return { box, draw };
}

function radio(name, value, title, change) {
  const control = element("input", { type: "radio", name, value, id: `${name}-${value}`, onchange: change });
  const box = element("span", { class: "radio" }, control, element("label", { for: control.id }, title));
  box.value = value;
  box.control = control;
  return box;
}

function check(radios, value) {
  for (const { control } of radios) control.checked = control.value === value;
}

/** The class that is asked for, and another one that it is mixed with; null without labels. */
function classes(page, change) {
  if (!page.runs.some((run) => run.conditional)) return null;
  const named = page.runs[0].classes.map((name, i) => [i, name]);
  const number = (text) => (text === "" ? null : Number(text));
  const label = select("class", [["", "all in turn"], ...named], (text) => change({ label: number(text) }));
  const other = select("mixed with", [["", "none"], ...named], (text) => change({ other: number(text) }));
  const share = slider("share of the other", [0, 1], (value) => change({ share: value }));
  return {
    box: element("div", { class: "classes" }, label, other, share),
    draw(shown) {
      label.set(shown.label ?? "");
      other.set(shown.other ?? "");
      share.set(shown.share);
      share.querySelector("input").disabled = shown.other === null;
    },
  };
}
