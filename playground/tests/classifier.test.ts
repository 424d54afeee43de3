import { readFileSync } from "node:fs";

import { Matrix } from "ml-matrix";
import { expect, test } from "vitest";

import { Classifier, frechet, gaussian } from "../src/training/classifier";
import { ofFile } from "../src/training/material";
import { read, write, type Written } from "../src/training/safetensors";

const { metadata, tensors } = read(readFileSync(new URL("classifier.safetensors", import.meta.url)));
const some = Float32Array.from(tensors.images!.data);
const bytes = Float32Array.from({ length: 128 * 784 }, (_, i) => some[i % some.length]!); // again and again

test("features and FID are those that Python has of a small classifier", () => {
  const { shape, data } = tensors.features!;
  const [count, width] = shape as [number, number];
  const images = bytes.map((x) => x / 127.5 - 1);
  const classifier = new Classifier(tensors);
  const found = classifier.features(images);
  for (let i = 0; i < 128; i++) {
    for (let j = 0; j < width; j++) {
      expect(found.get(i, j)).toBeCloseTo(data[(i % count) * width + j]!, 4);
    }
  }
  expect(classifier.distance(images) / Number(metadata.distance)).toBeCloseTo(1, 4);
});

test("a data set comes with the distance of its own images", () => {
  const file = write(
    {
      ...(tensors as Record<string, Written>),
      images: { shape: [128, 28, 28], data: bytes },
      labels: { shape: [128], data: new Float32Array(128) },
    },
    { classes: '["one"]', dataset: "some", digest: "0" },
  );
  expect(ofFile(file).floor! / Number(metadata.distance)).toBeCloseTo(1, 4);
});

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
