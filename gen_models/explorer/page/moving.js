// Operations that only move elements to other places.

import { positions, size, strides } from "./arrays.js";

/** Elements from positions that are known beforehand. */
const from = (found) => ([x], y) => {
  for (let i = 0; i < y.length; i++) y[i] = x[found[i]];
};

const same = () => ([x], y) => y.set(x);

function broadcast({ broadcast_dimensions: axes }, [input], output) {
  const steps = strides(input.shape);
  const along = output.shape.map(() => 0);
  axes.forEach((axis, i) => (along[axis] = input.shape[i] === 1 ? 0 : steps[i]));
  return from(positions(output.shape, along));
}

function transpose({ permutation }, [input], output) {
  const steps = strides(input.shape);
  return from(positions(output.shape, permutation.map((axis) => steps[axis])));
}

function reverse({ dimensions }, [input], output) {
  const steps = strides(input.shape);
  let start = 0;
  for (const axis of dimensions) {
    start += steps[axis] * (input.shape[axis] - 1);
    steps[axis] = -steps[axis];
  }
  return from(positions(output.shape, steps, start));
}

function slice({ start, strides: every }, [input], output) {
  const steps = strides(input.shape);
  const first = start.reduce((sum, place, axis) => sum + place * steps[axis], 0);
  return from(positions(output.shape, steps.map((step, axis) => step * every[axis]), first));
}

/** Parts along an axis, one for each output. */
function split({ axis }, [input], ...outputs) {
  const steps = strides(input.shape);
  let place = 0;
  const parts = outputs.map((output) => {
    const part = from(positions(output.shape, steps, place * steps[axis]));
    place += output.shape[axis];
    return part;
  });
  return (inputs, ...results) => parts.forEach((part, i) => part(inputs, results[i]));
}

/** Elements to positions that are known beforehand. */
const to = (y, x, found) => {
  for (let i = 0; i < x.length; i++) y[found[i]] = x[i];
};

function concatenate({ dimension: axis }, inputs, output) {
  const steps = strides(output.shape);
  let place = 0;
  const found = inputs.map((input) => {
    const part = positions(input.shape, steps, place * steps[axis]);
    place += input.shape[axis];
    return part;
  });
  return (parts, y) => parts.forEach((x, i) => to(y, x, found[i]));
}

function pad({ before, spacing }, [input], output) {
  const steps = strides(output.shape);
  const start = before.reduce((sum, places, axis) => sum + places * steps[axis], 0);
  const found = positions(input.shape, steps.map((step, axis) => step * spacing[axis]), start);
  return ([x, value], y) => {
    y.fill(value[0]);
    to(y, x, found);
  };
}

/** Rows of a table by number; numbers outside take the nearest row. */
function takeRows(_, [table]) {
  const length = size(table.shape.slice(1));
  const last = table.shape[0] - 1;
  return ([rows, numbers], y) => {
    for (let i = 0; i < numbers.length; i++) {
      const start = Math.min(Math.max(numbers[i], 0), last) * length;
      y.set(rows.subarray(start, start + length), i * length);
    }
  };
}

/** Places along an axis. */
function iota({ dimension }, _, output) {
  const along = output.shape.map((_, axis) => (axis === dimension ? 1 : 0));
  const places = positions(output.shape, along);
  return (_, y) => y.set(places);
}

export const moving = {
  broadcast_in_dim: broadcast,
  concatenate,
  gather: takeRows,
  iota,
  pad,
  reshape: same,
  rev: reverse,
  slice,
  split,
  squeeze: same,
  transpose,
};
