// The page: what is shown, from the link and back to it, and the parts that show it.

import { choices } from "./choices.js";
import { element } from "../../webpage/dom.js";
import { read, start, write } from "./link.js";
import { Model } from "./model.js";
import { panel } from "./panel.js";
import { SLOTS } from "./scene.js";

const LATER_MS = 250; // from the last change to its link

function open(page) {
  const models = page.runs.map((run) => new Model(run));
  const status = document.getElementById("status");
  let shown = start(page);
  let slot = "a";
  let asked = false;
  let late = 0;

  function change(values) {
    shown = { ...shown, ...values };
    if (!SLOTS[shown.view].includes(slot)) slot = "a";
    status.textContent = "";
    if (asked) return;
    asked = true;
    requestAnimationFrame(draw);
  }
  const pick = (name) => {
    slot = name;
    change({});
  };
  const choose = (number) =>
    change(shown.view === "image" ? { view: "sample", a: number } : { [slot]: number });
  const controls = choices(page, models, change, pick);
  const panels = models.map((model, i) => panel(model, i, page, change, choose));

  function draw() {
    asked = false;
    const slots = SLOTS[shown.view];
    controls.draw(shown, slot);
    panels.forEach((one) => one.draw(shown, slots, slot));
    clearTimeout(late);
    late = setTimeout(keep, LATER_MS);
  }

  /** Write the link. Browsers allow this a few times a second at most. */
  function keep() {
    const text = write(page, shown);
    if (text !== location.hash.slice(1)) history.replaceState(null, "", `#${text}`);
  }

  function follow() {
    try {
      change(read(page, location.hash.slice(1)));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      change(start(page));
      const part = error.message.slice(0, 40);
      status.textContent = `This link does not fit the page (${part}); here is the page's start.`;
    }
  }

  document.getElementById("explorer").append(
    controls.box,
    element("div", { class: "panels" }, ...panels.map((one) => one.box)),
  );
  addEventListener("hashchange", follow);
  addEventListener("pagehide", keep);
  follow();
}

open(JSON.parse(document.getElementById("contents").textContent));
