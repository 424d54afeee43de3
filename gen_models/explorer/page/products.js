// Products of matrices, of which dense layers are made.

import { positions, size, strides } from "./arrays.js";

/** y[i + o] += Σ_c x[j + c] w[k + c·outputs + o], a vector times a matrix, each from its place on.
 * Four rows of the matrix at a time, so that y is read and written a quarter as often. */
export function addProduct(y, i, x, j, w, k, inputs, outputs) {
  let c = 0;
  for (; c + 4 <= inputs; c += 4) {
    const [x0, x1, x2, x3] = [x[j + c], x[j + c + 1], x[j + c + 2], x[j + c + 3]];
    if (x0 === 0 && x1 === 0 && x2 === 0 && x3 === 0) continue;
    const [r0, r1] = [k + c * outputs, k + (c + 1) * outputs];
    const [r2, r3] = [r1 + outputs, r1 + 2 * outputs];
    for (let o = 0; o < outputs; o++) {
      y[i + o] += x0 * w[r0 + o] + x1 * w[r1 + o] + x2 * w[r2 + o] + x3 * w[r3 + o];
    }
  }
  for (; c < inputs; c++) {
    const row = k + c * outputs;
    for (let o = 0; o < outputs; o++) y[i + o] += x[j + c] * w[row + o];
  }
}

/** Sums of products over the axes `left` of the first input and `right` of the second. */
function product({ left, right }, [a, b]) {
  const [keptA, keptB] = [kept(a.shape, left), kept(b.shape, right)];
  const rows = size(keptA.map((axis) => a.shape[axis]));
  const columns = size(keptB.map((axis) => b.shape[axis]));
  const inner = size(left.map((axis) => a.shape[axis]));
  const first = ordered(a, [...keptA, ...left]); // rows, then the terms of a sum
  const second = ordered(b, [...right, ...keptB]); // the terms of a sum, then columns
  return ([x, y], z) => {
    const [xs, ys] = [first(x), second(y)];
    for (let row = 0; row < rows; row++) {
      addProduct(z, row * columns, xs, row * inner, ys, 0, inner, columns);
    }
  };
}

const kept = (shape, summed) => shape.map((_, axis) => axis).filter((axis) => !summed.includes(axis));

/** A function that puts the elements of an array in the order of these axes. */
function ordered({ shape }, axes) {
  if (axes.every((axis, i) => axis === i)) return (x) => x;
  const steps = strides(shape);
  const found = positions(
    axes.map((axis) => shape[axis]),
    axes.map((axis) => steps[axis]),
  );
  return (x) => x.constructor.from(found, (position) => x[position]);
}

export const products = { dot_general: product };
