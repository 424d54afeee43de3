// The numbers of the map, and the regions that models miss.

import { element } from "../../webpage/dom.js";

/** Sentences, a table, and each missed region with a button that shows it by `show(x, y, radius)`. */
export function numbers({ lines, rows, missing }, show) {
  return element(
    "section",
    { class: "numbers", "aria-label": "numbers" },
    ...lines.map((line) => element("p", { class: "note" }, line)),
    ...(rows.length ? [table(rows)] : []),
    ...(missing.length ? [element("h2", {}, "Real images that no sample is near")] : []),
    ...missing.map((one) => region(one, show)),
  );
}

function table([head, ...lines]) {
  const cells = (texts) => texts.map((text) => element("td", {}, text));
  return element(
    "div",
    { class: "wide", tabindex: 0, role: "region", "aria-label": "how samples and real images mix" },
    element(
      "table",
      {},
      element("thead", {}, element("tr", {}, ...head.map((text) => element(text ? "th" : "td", text ? { scope: "col" } : {}, text)))),
      element("tbody", {}, ...lines.map(([title, ...rest]) => element("tr", {}, element("th", { scope: "row" }, title), ...cells(rest)))),
    ),
  );
}

function region({ text, images, middle: [x, y], radius }, show) {
  return element(
    "div",
    { class: "region" },
    element("button", { type: "button", onclick: () => show(x, 1 - y, radius) }, "show"),
    element("p", {}, text),
    element("img", { alt: "images of the region", src: `data:image/png;base64,${images}` }),
  );
}
