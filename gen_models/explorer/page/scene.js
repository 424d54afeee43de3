// From what is shown to images: the latents, the labels and the pixels of each model.

import { between, combined, mixed, onPlane, withParts } from "./latents.js";
import { size } from "./arrays.js";
import { REACH, codes } from "./link.js";
import { levels, pixels } from "./model.js";
import { readBytes } from "./weights.js";

const COLUMNS = 16; // of a picture of many numbers

/** Which samples of a seed a view stands on. */
export const SLOTS = { sample: ["a"], between: ["a", "b"], plane: ["a", "b", "c"], image: [] };

/** The labels of the samples of a seed: of all classes in turn, or of the one that was chosen. */
function labelsOf(run, shown) {
  return run.order.map((own) => (shown.label === null || !run.conditional ? own : shown.label));
}

/** Shares of the classes of an image between samples of these labels, with a weight each. */
function mixOf({ classes }, { label, other, share }, labels) {
  return mixed(classes.length, label === null ? labels : [[label, 1]], other, share);
}

/** Grey levels of a sample of the seed. */
export function sample(model, index, shown, number) {
  const { run } = model;
  const labels = labelsOf(run, shown);
  const step = shown[`step${index}`];
  const z = model.latents(step, shown.seed, labels)[number];
  return levels(model.image(step, z, mixOf(run, shown, [[labels[number], 1]])));
}

/** Grey levels at a point of the plane. */
export function planePoint(model, index, shown, u, v) {
  return drawn(model, index, { ...shown, view: "plane", u, v }).grey;
}

/** A model's image as it is shown: its grey levels, and its latent; null without an encoder where
 * one is needed. */
export function drawn(model, index, shown, tests = null) {
  if (shown.view === "image") return reconstruction(model, index, shown, tests);
  const { run } = model;
  const step = shown[`step${index}`];
  const labels = labelsOf(run, shown);
  const all = model.latents(step, shown.seed, labels);
  const z = changed(run, index, shown, base(all, shown));
  const mix = mixOf(run, shown, weights(shown).map(([number, weight]) => [labels[number], weight]));
  return { grey: levels(model.image(step, z, mix)), z };
}

function base(all, { view, a, b, c, t, u, v }) {
  if (view === "between") return between(all[a], all[b], t);
  if (view === "plane") return onPlane(all[a], all[b], all[c], u, v);
  return all[a];
}

/** The samples that a view stands on, each with its weight. */
function weights({ view, a, b, c, t, u, v }) {
  if (view === "between") return [[a, 1 - t], [b, t]];
  if (view === "plane") return [[a, 1 - u - v], [b, u], [c, v]];
  return [[a, 1]];
}

/** A latent with all sliders' changes. */
function changed(run, index, shown, z) {
  const moves = shown[`move${index}`] ?? [];
  const terms = moves.map((amount, i) => [run.directions[i].vector, amount]);
  const moved = combined([z, 1], ...terms.filter(([, amount]) => amount));
  (shown[`code${index}`] ?? []).forEach((amount, i) => (moved[i] += amount));
  return withParts(moved, run.parts, shown[`part${index}`] ?? []);
}

/** The image that is encoded, grey levels and label: a test image, what was drawn on it, or on none,
 * whose label is then the first one. */
export function original({ size: [height, width] }, { test, ink }, tests) {
  if (test === null) return { grey: ink ?? new Uint8Array(height * width), label: 0 };
  tests.bytes ??= readBytes(tests.images);
  const count = height * width;
  const grey = ink ?? tests.bytes.subarray(test * count, (test + 1) * count);
  return { grey, label: tests.labels[test] };
}

/** The image that was encoded, decoded again, and its place in the latent space. */
function reconstruction(model, index, shown, tests) {
  const { run } = model;
  if (!run.encodes) return null;
  const step = shown[`step${index}`];
  const { grey, label } = original(run, shown, tests);
  const mix = mixOf(run, shown, [[label, 1]]);
  const place = model.encode(step, pixels(grey), mix);
  const z = isLatent(run, place) ? changed(run, index, shown, place) : place;
  return { grey: levels(model.decode(step, z, mix)), z };
}

/** Whether a place in the latent space is a latent, as it is but for discrete codes. */
const isLatent = ({ latent }, place) => place.length === size(latent);

/** The code of the image that is encoded as a picture, its shape and its grey levels: discrete codes,
 * or numbers of a latent of many, from -3 to 3. Null where there is none, or sliders show it. */
export function codeMap(model, index, shown, tests, z) {
  const { run } = model;
  if (!run.encodes || shown.view !== "image") return null;
  if (run.programs.codes) {
    const { grey } = original(run, shown, tests);
    const found = model.codes(shown[`step${index}`], pixels(grey));
    const most = Math.max(1, ...found);
    return Uint8ClampedArray.from(found, (code) => Math.round((255 * code) / most));
  }
  return codes(run) ? null : Uint8ClampedArray.from(z, (x) => Math.round(127.5 * (1 + x / REACH)));
}

/** Rows and columns of that picture; null for a model that has none. */
export function codeShape(run) {
  if (!run.encodes || codes(run)) return null;
  if (!run.programs.codes) return [Math.ceil(size(run.latent) / COLUMNS), COLUMNS];
  const { values, outputs } = run.programs.codes;
  return values[outputs[0]][1].slice(1);
}
