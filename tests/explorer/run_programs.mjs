// Runs programs of the explorer: a JSON list of {program, weights, inputs} on standard input, a list
// of {outputs} or {error} on standard output.

import { readFileSync } from "node:fs";
import { compile } from "../../gen_models/explorer/page/program.js";
import { readWeights } from "../../gen_models/explorer/page/weights.js";
import { zeros } from "../../gen_models/explorer/page/arrays.js";

function typed(elements, [dtype]) {
  const array = zeros(dtype, elements.length);
  array.set(elements);
  return array;
}

const results = JSON.parse(readFileSync(0)).map(({ program, weights, inputs }) => {
  const kept = Object.keys(program.weights).map((name) => [name, readWeights(weights[name])]);
  const given = Object.entries(program.inputs).map(([name, number]) => [
    name,
    typed(inputs[name], program.values[number]),
  ]);
  const run = compile(program, Object.fromEntries(kept));
  const shown = (x) => (Number.isFinite(x) ? x : String(x));
  return { outputs: run(Object.fromEntries(given)).map((x) => Array.from(x, shown)) };
});
process.stdout.write(JSON.stringify(results));
