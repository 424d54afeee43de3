// Runs the programs that program.py writes.

import { size, zeros } from "./arrays.js";
import { convolutions } from "./convolution.js";
import { elementwise } from "./elementwise.js";
import { moving } from "./moving.js";
import { products } from "./products.js";
import { random } from "./random.js";
import { reductions } from "./reductions.js";

// Each operation takes its parameters, and the dtypes and shapes of its inputs and outputs; it
// returns a function of the inputs' elements and of the outputs' elements, all zero, to be filled.
const OPERATIONS = {
  ...convolutions,
  ...elementwise,
  ...moving,
  ...products,
  ...random,
  ...reductions,
  scan,
};

/** A program ready to run: (inputs by name -> elements) -> elements of each output.
 *
 * What depends on weights and constants alone is computed here, once.
 */
export function compile(program, weights = {}) {
  const values = program.values.map(([dtype, shape]) => ({ dtype, shape }));
  const known = new Array(values.length);
  for (const [number, elements] of Object.entries(program.constants)) {
    known[number] = zeros(values[number].dtype, elements.length);
    known[number].set(elements);
  }
  for (const [name, number] of Object.entries(program.weights)) known[number] = weights[name];
  const steps = program.operations.map(([name, inputs, outputs, parameters]) => {
    const those = outputs.map((number) => values[number]);
    const run = OPERATIONS[name](parameters, inputs.map((number) => values[number]), ...those);
    return { inputs, outputs, run };
  });
  const later = steps.filter((step) => {
    const early = step.inputs.every((number) => known[number]);
    if (early) take(step, values, known);
    return !early;
  });
  return (inputs) => {
    const found = known.slice();
    for (const [name, number] of Object.entries(program.inputs)) found[number] = inputs[name];
    for (const step of later) take(step, values, found);
    return program.outputs.map((number) => found[number]);
  };
}

function take({ inputs, outputs, run }, values, found) {
  const results = outputs.map((number) => {
    const { dtype, shape } = values[number];
    return (found[number] = zeros(dtype, size(shape)));
  });
  run(inputs.map((number) => found[number]), ...results);
}

/** A loop over the places of the first axis, which carries values from one to the next. */
function scan({ constants, carried, length, backwards, body }, inputs, ...outputs) {
  const step = compile(body);
  const parts = inputs.slice(constants + carried).map((x) => size(x.shape) / length);
  const pieces = outputs.slice(carried).map((y) => size(y.shape) / length);
  return (arrays, ...results) => {
    let state = arrays.slice(constants, constants + carried);
    for (let turn = 0; turn < length; turn++) {
      const place = backwards ? length - 1 - turn : turn;
      const now = arrays
        .slice(constants + carried)
        .map((x, i) => x.subarray(place * parts[i], (place + 1) * parts[i]));
      const found = step({ ...arrays.slice(0, constants).concat(state, now) });
      state = found.slice(0, carried);
      found.slice(carried).forEach((y, i) => results[carried + i].set(y, place * pieces[i]));
    }
    state.forEach((x, i) => results[i].set(x));
  };
}
