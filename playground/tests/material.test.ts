import { gzipSync } from "node:zlib";

import { expect, test } from "vitest";

import { usual } from "../src/configuration";
import { parse, unpacked } from "../src/training/idx";
import { ofIdx, ofPoints } from "../src/training/material";
import { judge, pointSet, POINTS, type Point } from "../src/training/points";
import { read, write } from "../src/training/safetensors";

/** An IDX file of bytes. */
function idx(shape: number[], data: number[]): Uint8Array {
  const file = new Uint8Array(4 + 4 * shape.length + data.length);
  file.set([0, 0, 8, shape.length]);
  shape.forEach((size, i) => new DataView(file.buffer).setUint32(4 + 4 * i, size));
  file.set(data, 4 + 4 * shape.length);
  return file;
}

const images = idx([3, 28, 28], Array(3 * 784).fill(255));
const labels = idx([3], [0, 2, 1]);

test("an IDX pair is taken in either order", () => {
  for (const files of [[images, labels], [labels, images]]) {
    const found = ofIdx(files);
    expect(found.examples).toHaveLength(3 * 784);
    expect(found.examples[0]).toBe(1);
    expect([...found.labels]).toEqual([0, 2, 1]);
    expect(found.classes).toEqual(["0", "1", "2"]);
    expect(found.note).toBe("");
  }
});

test("of many images some are taken, evenly spaced, and it is said how many", () => {
  const count = 25_000; // sorted by class
  const many = Array.from({ length: count }, (_, i) => Math.floor((5 * i) / count));
  const found = ofIdx([idx([count, 28, 28], Array(count * 784).fill(0)), idx([count], many)]);
  expect(found.labels).toHaveLength(10_000);
  expect([0, 1, 2, 3, 4].map((label) => found.labels.filter((own) => own === label).length)).toEqual(Array(5).fill(2000));
  expect(found.note).toBe("10,000 of 25,000 images");
});

test.each([
  ["no IDX file", [images, new TextEncoder().encode("hello")], "labels: it is no IDX file"],
  ["one file", [images], "expected two files: images and labels"],
  ["another size", [idx([2, 8, 8], Array(128).fill(0)), idx([2], [0, 1])], "images: they have 8×8 pixels, expected 28×28"],
  ["other counts", [images, idx([2], [0, 1])], "there are 3 images and 2 labels"],
  ["a cut file", [images.subarray(0, 900), labels], "images: it has 884 bytes of data, expected 2352"],
  ["nothing", [new Uint8Array(), labels], "images: it has 1 dimensions, expected 3"],
])("%s is refused in a sentence", (_, files, text) => {
  expect(() => ofIdx(files)).toThrow(text);
});

test("a compressed file is unpacked, a damaged one refused", async () => {
  const packed = new Uint8Array(gzipSync(labels));
  expect(parse(await unpacked(packed), 1).shape).toEqual([3]);
  packed[packed.length - 9]! ^= 255;
  await expect(unpacked(packed)).rejects.toThrow("damaged");
});

test("safetensors come back as they were written", () => {
  const data = Float32Array.of(1, -2.5, 3e-8, 4, 5, 6);
  const { metadata, tensors } = read(write({ a: { shape: [2, 3], data } }, { who: "a test" }));
  expect(metadata).toEqual({ who: "a test" });
  expect(tensors.a).toEqual({ dtype: "F32", shape: [2, 3], data });
  expect(() => read(new Uint8Array(20).fill(255))).toThrow("no safetensors file");
});

test.each(Object.keys(POINTS).filter((name) => name !== "drawn"))("the points of %s find all its places", (name) => {
  const set = pointSet(name, [], 3);
  const found = judge(set.points, set);
  expect(found.modes).toBe(found.of);
  expect(found.mass).toBeGreaterThan(0.99);
  expect(judge(set.points.map(() => [5, 5] as Point), set)).toMatchObject({ modes: 0, mass: 0 });
});

test("a generator of one place finds one", () => {
  const set = pointSet("ring", [], 0);
  const one = set.points.map(() => set.centres[0]!);
  expect(judge(one, set)).toMatchObject({ modes: 1, of: 8, mass: 1 });
});

test("between two dots that are far apart there is no place", () => {
  const set = pointSet("drawn", [[-0.9, 0], [0.9, 0]], 0);
  const between = set.points.map(() => [0, 0] as Point);
  expect(judge(between, set)).toEqual({ modes: 0, of: 2, mass: 0 });
  const found = judge(set.points, set);
  expect(found.modes).toBe(2);
  expect(found.mass).toBeGreaterThan(0.99);
});

test("points along a line that is drawn are at its places", () => {
  const line = Array.from({ length: 200 }, (_, i): Point => [i / 100 - 1, 0]);
  const set = pointSet("drawn", line, 0);
  const found = judge(set.points, set);
  expect(found.modes).toBe(found.of);
  expect(found.mass).toBeGreaterThan(0.99);
});

test("points that are drawn are the data; none are asked for", () => {
  const drawn: Point[] = [[0.5, 0.5], [-0.5, -0.5]];
  const configuration = { ...usual("drawn"), drawn };
  const { points, classes } = ofPoints(configuration);
  expect(classes).toHaveLength(2);
  expect(points!.points.every(([x, y]) => Math.hypot(Math.abs(x) - 0.5, Math.abs(y) - 0.5) < 0.2)).toBe(true);
  expect(() => ofPoints(usual("drawn"))).toThrow("draw some points first");
});
