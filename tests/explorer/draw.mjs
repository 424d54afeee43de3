// What a model of the page draws: {run, seed, number, image} on standard input, grey levels on
// standard output.

import { readFileSync } from "node:fs";
import { Model, levels, pixels } from "../../gen_models/explorer/page/model.js";
import { mixed } from "../../gen_models/explorer/page/latents.js";

const { run, seed, number, image } = JSON.parse(readFileSync(0));
const model = new Model(run);
const step = run.checkpoints.length - 1;
const z = model.latents(step, seed, run.order)[number];
const sampleLabel = run.order[number];
const other = (sampleLabel + 1) % run.classes.length;
const count = run.classes.length;
const drawn = (mix) => Array.from(levels(model.image(step, z, mix)));
const outputs = {
  sample: drawn(model.only(sampleLabel)),
  other: drawn(model.only(other)),
  mixed: drawn(mixed(count, [[sampleLabel, 1]], other, 0.5)),
  "all of the other": drawn(mixed(count, [[sampleLabel, 1]], other, 1)),
  reconstruction: null,
};
if (run.encodes) {
  const label = model.only(1);
  const place = model.encode(step, pixels(image), label);
  outputs.reconstruction = Array.from(levels(model.decode(step, place, label)));
  if (run.programs.codes) outputs.codes = Array.from(model.codes(step, pixels(image)));
}
process.stdout.write(JSON.stringify(outputs));
