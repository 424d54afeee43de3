// From what is shown to images: the latents, the labels and the pixels of each model.

import { between, combined, mixed, onPlane, withParts } from "./latents.js";
import { codes } from "./link.js";
import { levels, pixels } from "./model.js";
import { readBytes } from "./weights.js";

/** Which samples of a seed a view stands on. */
export const SLOTS = { sample: ["a"], between: ["a", "b"], plane: ["a", "b", "c"], image: [] };

/** The labels of the samples of a seed: of all classes in turn, or of the one that was chosen. */
export function labelsOf(run, shown) {
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

/** The image that is encoded: grey levels and label of a test image or of what was drawn. */
export function original({ size }, shown, tests) {
  if (shown.test === null || !tests) {
    return { grey: shown.ink ?? new Uint8Array(size[0] * size[1]), label: 0 };
  }
  const count = size[0] * size[1];
  tests.bytes ??= readBytes(tests.images);
  const grey = tests.bytes.subarray(shown.test * count, (shown.test + 1) * count);
  return { grey, label: tests.labels[shown.test] };
}

/** The image that was encoded, decoded again, and its place in the latent space. */
function reconstruction(model, index, shown, tests) {
  const { run } = model;
  if (!run.encodes) return null;
  const step = shown[`step${index}`];
  const { grey, label } = original(run, shown, tests);
  const mix = mixOf(run, shown, [[label, 1]]);
  const place = model.encode(step, pixels(grey), mix);
  const z = codes(run) ? changed(run, index, shown, place) : place;
  return { grey: levels(model.decode(step, z, mix)), z };
}

/** The discrete codes of the image that is encoded as grey levels, null for a model without. */
export function codeMap(model, index, shown, tests) {
  if (!model.run.programs.codes || shown.view !== "image") return null;
  const { grey } = original(model.run, shown, tests);
  const found = model.codes(shown[`step${index}`], pixels(grey));
  const most = Math.max(1, ...found);
  return Uint8ClampedArray.from(found, (code) => Math.round((255 * code) / most));
}
