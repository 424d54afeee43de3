// Products of matrices, of which dense layers are made.

import { positions, size, strides } from "./arrays.js";

/** Sums of products over the axes `left` of the first input and `right` of the second. */
function product({ left, right }, [a, b]) {
  const [keptA, keptB] = [kept(a.shape, left), kept(b.shape, right)];
  const rows = size(keptA.map((axis) => a.shape[axis]));
  const columns = size(keptB.map((axis) => b.shape[axis]));
  const inner = size(left.map((axis) => a.shape[axis]));
  const orderA = inOrder(a.shape, [...keptA, ...left]); // rows, then the terms of a sum
  const orderB = inOrder(b.shape, [...right, ...keptB]); // the terms of a sum, then columns
  return ([x, y], z) => {
    for (let i = 0; i < rows; i++) {
      const row = z.subarray(i * columns, (i + 1) * columns);
      for (let k = 0; k < inner; k++) {
        const at = i * inner + k;
        const factor = x[orderA ? orderA[at] : at];
        if (factor === 0) continue; // after a ReLU, half of them
        const start = k * columns;
        if (orderB) {
          for (let j = 0; j < columns; j++) row[j] += factor * y[orderB[start + j]];
        } else {
          for (let j = 0; j < columns; j++) row[j] += factor * y[start + j];
        }
      }
    }
  };
}

const kept = (shape, summed) => shape.map((_, axis) => axis).filter((axis) => !summed.includes(axis));

/** Positions of the elements with the axes in this order; null if they lie so already. */
function inOrder(shape, axes) {
  if (axes.every((axis, i) => axis === i)) return null;
  const steps = strides(shape);
  return positions(
    axes.map((axis) => shape[axis]),
    axes.map((axis) => steps[axis]),
  );
}

export const products = { dot_general: product };
