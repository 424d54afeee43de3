// Sums, extremes and running sums along axes.

import { positions, size, strides } from "./arrays.js";

/** Positions of the groups' first elements, and of a group's elements relative to its first. */
function groups(shape, axes) {
  const steps = strides(shape);
  const others = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const along = (chosen) =>
    positions(
      chosen.map((axis) => shape[axis]),
      chosen.map((axis) => steps[axis]),
    );
  return [along(others), along(axes)];
}

const reduction =
  (first, f) =>
  ({ axes }, [input]) => {
    const [starts, members] = groups(input.shape, axes);
    return ([x], y) => {
      for (let i = 0; i < y.length; i++) {
        let result = first;
        for (const member of members) result = f(result, x[starts[i] + member]);
        y[i] = result;
      }
    };
  };

/** The place of the first element that no other one is better than. */
const best =
  (isBetter) =>
  ({ axes }, [input]) => {
    const [starts, members] = groups(input.shape, axes);
    return ([x], y) => {
      for (let i = 0; i < y.length; i++) {
        let found = 0;
        for (let k = 1; k < members.length; k++) {
          if (isBetter(x[starts[i] + members[k]], x[starts[i] + members[found]])) found = k;
        }
        y[i] = found;
      }
    };
  };

function cumulative({ axis, reverse }, [input]) {
  const [starts, members] = groups(input.shape, [axis]);
  if (reverse) members.reverse();
  return ([x], y) => {
    for (const start of starts) {
      let sum = 0;
      for (const member of members) y[start + member] = sum += x[start + member];
    }
  };
}

export const reductions = {
  argmax: best((x, y) => x > y),
  argmin: best((x, y) => x < y),
  cumsum: cumulative,
  reduce_max: reduction(-Infinity, Math.max),
  reduce_min: reduction(Infinity, Math.min),
  reduce_sum: reduction(0, (x, y) => x + y),
};
