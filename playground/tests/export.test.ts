/** What the page saves is what Python draws from: both are tested against the same file. */

import { readFileSync, writeFileSync } from "node:fs";

import { numpy as np, random, tree } from "@jax-js/jax";
import { expect, test } from "vitest";

import { named } from "../src/training/export";
import { apply, frozen, init, parsed } from "../src/training/net";
import { read, write } from "../src/training/safetensors";

const FILE = new URL("generator.safetensors", import.meta.url);
const LAYERS = [
  "dense 98", "batch_norm", "relu", "map 7", "double 6", "leaky_relu 0.3", "convolution 2", "sigmoid",
  "halve 4", "flatten", "dense 98", "map 7", "double 3", "batch_norm", "double 1", "tanh",
];

test("saved weights, and the images that they draw, are those of the committed file", () => {
  const net = LAYERS.map(parsed);
  const params = init(random.key(0), net, [5]);
  const fixed = frozen(net, params, random.normal(random.key(1), [32, 5]));
  const z = random.normal(random.key(2), [3, 5]);
  const images = apply(net, tree.ref(fixed), z.ref);
  const plain = (x: np.Array) => ({ shape: x.shape, data: x.dataSync() as Float32Array });
  const file = write({ ...named(net, fixed), z: plain(z), images: plain(images) }, { layers: JSON.stringify(LAYERS) });
  if (process.env.WRITE_FILES) writeFileSync(FILE, file);
  const [found, committed] = [read(file), read(readFileSync(FILE))];
  expect(found.metadata).toEqual(committed.metadata);
  expect(Object.keys(found.tensors)).toEqual(Object.keys(committed.tensors));
  for (const [name, { shape, data }] of Object.entries(found.tensors)) {
    expect(shape).toEqual(committed.tensors[name]!.shape);
    data.forEach((x, i) => expect(x).toBeCloseTo(committed.tensors[name]!.data[i]!, 4));
  }
});
