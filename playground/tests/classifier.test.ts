import { Matrix } from "ml-matrix";
import { expect, test } from "vitest";

import { frechet, gaussian } from "../src/training/classifier";

test("the distance of two Gaussians with diagonal covariances is known in closed form", () => {
  const width = 128;
  const first = Array.from({ length: width }, (_, i) => 100 * 0.9 ** i);
  const second = Array.from({ length: width }, (_, i) => 50 * 0.8 ** i);
  const samples = { mean: Array(width).fill(0), covariance: Matrix.diag(first) };
  const found = frechet(samples, Array(width).fill(1), Matrix.diag(second.map(Math.sqrt)));
  const expected = first.reduce((sum, x, i) => sum + (Math.sqrt(x) - Math.sqrt(second[i]!)) ** 2, width);
  expect(found).toBeCloseTo(expected, 4);
});

test("the covariance is the unbiased one", () => {
  const { mean, covariance } = gaussian(new Matrix([[0, 0], [2, 4]]));
  expect(mean).toEqual([1, 2]);
  expect(covariance.to2DArray()).toEqual([[2, 4], [4, 8]]);
});
