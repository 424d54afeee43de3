// What is shown: sets and classes, each on or off, and what colours mean.

import { element, select } from "../../webpage/dom.js";
import { coloursOf } from "./colours.js";

/** The controls of `on`; `change` is called when it has changed, `recolour` with what colours mean. */
export function switches(sets, { classes, colours }, on, meaning, change, recolour) {
  const counts = new Map();
  for (const { labels } of sets) for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const present = [-1, ...classes.keys()].filter((label) => counts.has(label));
  const byClass = coloursOf(colours, "class", 0);
  const ofSets = sets.map((set, s) => toggle(set.name, coloursOf(colours, "set", s)[0], set.count, on.sets, s, change));
  const ofClasses = present.map((label) =>
    toggle(classes[label] ?? "unknown", byClass[label + 1], counts.get(label), on.classes, label + 1, change),
  );
  const choice = select("colours are of", [["class", "classes"], ["set", "models"]], recolour);
  choice.set(meaning);
  const all = (value) => () => {
    for (const { put } of ofClasses) put(value);
    change();
  };
  return element(
    "section",
    { class: "switches", "aria-label": "what is shown" },
    choice,
    element("fieldset", {}, element("legend", {}, "images"), ...ofSets.map(({ box }) => box)),
    element(
      "fieldset",
      {},
      element("legend", {}, "classes"),
      ...ofClasses.map(({ box }) => box),
      element("div", { class: "row" }, ...[["all", true], ["none", false]].map(([text, value]) =>
        element("button", { type: "button", onclick: all(value) }, text),
      )),
    ),
  );
}

function toggle(name, colour, count, list, place, change) {
  const control = element("input", {
    type: "checkbox",
    checked: true,
    onchange: () => {
      list[place] = control.checked;
      change();
    },
  });
  const mark = element("i", {});
  mark.style.background = colour;
  const box = element("label", { class: "switch" }, control, mark, element("span", {}, name), element("output", {}, String(count)));
  const put = (value) => (control.checked = list[place] = value);
  return { box, put };
}
