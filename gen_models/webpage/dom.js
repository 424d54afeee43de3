// Elements of the page.

/** An element with attributes, listeners (on…) and children. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

let named = 0;

/** A control with its label; returns both in one element. */
export function labelled(text, control, attributes = {}) {
  control.id ||= `control-${++named}`;
  return element("div", { class: "field", ...attributes }, element("label", { for: control.id }, text), control);
}

const STEPS = 200; // of a slider: with step "any" some browsers' arrow keys go by whole numbers

/** A slider, which says its value beside it. A value that is set may lie between its steps. */
export function slider(text, [from, to], change, attributes = {}) {
  const control = element("input", {
    type: "range",
    min: from,
    max: to,
    step: (to - from) / STEPS,
    oninput: () => change(Number(control.value)),
    ...attributes,
  });
  const output = element("span", { class: "value", "aria-hidden": "true" });
  const field = labelled(text, control);
  field.append(output);
  field.set = (value, words = (value ?? 0).toFixed(2)) => {
    const place = value ?? Number(words); // without a value of its own it shows what it stands for
    if (Number(control.value) !== place) control.value = place;
    control.setAttribute("aria-valuetext", words);
    output.textContent = words;
  };
  return field;
}

/** A choice between named values. */
export function select(text, options, change) {
  const entries = options.map(([value, name]) => element("option", { value }, name));
  const control = element("select", { onchange: () => change(control.value) }, ...entries);
  const field = labelled(text, control);
  field.set = (value) => (control.value = value ?? "");
  return field;
}

/** A canvas for a grey image [H,W]. */
export function picture([height, width], attributes = {}) {
  return element("canvas", { width, height, ...attributes });
}

/** Show grey levels on a canvas of their size. */
export function paint(canvas, grey) {
  const context = canvas.getContext("2d", { willReadFrequently: true }); // in memory, not on a GPU
  const image = context.createImageData(canvas.width, canvas.height);
  for (let i = 0; i < grey.length; i++) {
    image.data.fill(grey[i], 4 * i, 4 * i + 3);
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}
