// The samples of a seed as thumbnails of which some are chosen, by pointer or arrow keys.

import { element, paint, picture } from "../../webpage/dom.js";
import { queue } from "./later.js";
import { sample } from "./scene.js";

const COLUMNS = 10;
const MOVES = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -COLUMNS, ArrowDown: COLUMNS };

/** Thumbnails of a model's samples; `choose(number)` is called for the one that is chosen. */
export function gallery(model, index, choose) {
  const { run } = model;
  const options = run.order.map((_, number) =>
    picture(run.size, {
      role: "option",
      id: `sample-${index}-${number}`,
      onclick: () => choose(number),
    }),
  );
  const box = element(
    "div",
    {
      class: "gallery",
      role: "listbox",
      tabindex: 0,
      "aria-multiselectable": "true",
      "aria-label": `samples of ${run.name}`,
      onkeydown: (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own
        const number = active + (MOVES[event.key] ?? 0);
        if (number === active || !options[number]) return;
        event.preventDefault();
        active = number; // the next key may come before the page is drawn
        choose(number);
      },
    },
    ...options,
  );
  const later = queue();
  let active = 0;
  let last = "";

  /** Mark the chosen ones by their slots, and draw what has changed. */
  function draw(shown, slots, slot) {
    active = shown[slot];
    box.setAttribute("aria-activedescendant", options[active].id);
    options.forEach((option, number) => {
      const letters = slots.filter((name) => shown[name] === number).join("").toUpperCase();
      const own = run.conditional ? run.classes[shown.label ?? run.order[number]] : "";
      const words = [`sample ${number}`, own, slots.length > 1 ? letters : ""];
      option.setAttribute("aria-label", words.filter(Boolean).join(", "));
      option.setAttribute("aria-selected", String(letters !== ""));
      option.setAttribute("data-slots", letters);
    });
    const { seed, label, other, share } = shown;
    const now = JSON.stringify([seed, label, other, other === null ? 0 : share, shown[`step${index}`]]);
    if (now === last) return;
    last = now;
    later(
      options.map((option, number) => () => paint(option, sample(model, index, shown, number))),
    );
  }
  return { box, draw };
}
