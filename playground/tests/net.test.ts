import { grad, jit, numpy as np, random, tree } from "@jax-js/jax";
import { describe, expect, test } from "vitest";

import { LAYERS, type Weights } from "../src/training/layers";
import { apply, check, frozen, init, parsed, weights } from "../src/training/net";

const IMAGE = [28, 28, 1];

test("shapes flow through a net, and its last one is looked at", () => {
  const lines = ["dense 98", "relu", "map 7", "double 4", "double 1", "tanh"];
  const found = check(lines, [3], IMAGE);
  expect(found.mistake).toBeNull();
  expect(found.shapes.map((shape) => shape.join("×"))).toEqual(
    ["98", "98", "7×7×2", "14×14×4", "28×28×1", "28×28×1"]);
  expect(check(lines.slice(0, -2), [3], IMAGE).mistake).toBe(
    "the net ends in 14×14×4, expected 28×28×1");
});

test.each([
  [["dense 10", "map 7"], 1, "10 units do not fill maps of 7×7"],
  [["map 1", "dense 4"], 1, "it needs a vector and is given maps of 1×1×3: add “flatten”"],
  [["halve 4"], 0, "it needs maps and is given 3 units: add “arrange as square maps”"],
  [["dense 49", "map 7", "halve 4"], 2, "7×7 cannot be halved: its sides are not both even"],
  [["dense many"], 0, "its units: expected a whole number from 1 to 4096"],
  [["dense 1.5"], 0, "its units: expected a whole number from 1 to 4096"],
  [["leaky_relu 2"], 0, "its slope below zero: expected a number from 0 to 1"],
  [["toString"], 0, "no layer is called “toString”"],
  [["relu 3"], 0, "relu takes no number"],
  [["dense 4096", "dense 4096"], 1, "the net ends in 4096, expected 28×28×1"],
])("%j is a mistake", (lines, at, mistake) => {
  expect(check(lines, [3], IMAGE)).toMatchObject({ at, mistake });
});

test("a net of too many weights or layers is a mistake", () => {
  expect(check(["dense 4096", "dense 784", "map 28"], [512], IMAGE).mistake).toContain("million weights");
  expect(check(Array(33).fill("relu"), [2], [2]).mistake).toBe("a net has at most 32 layers");
});

test("weights are counted as they are made", () => {
  const net = ["dense 98", "batch_norm", "map 7", "double 4", "convolution 3", "halve 2"].map(parsed);
  const params = init(random.key(0), net, [5]);
  const made = params.flatMap((own) => Object.values(own)).reduce((sum, x) => sum + x.size, 0);
  expect(weights(net, [5])).toBe(made);
});

/** The convolution of x [H][W][C] with w [k][k][C][O], padded by one, by its definition. */
function convolved(x: number[][][], w: number[][][][], stride: number): number[][][] {
  const [side, k] = [x.length, w.length];
  const count = (side + 2 - k) / stride + 1;
  const range = (n: number) => [...Array(n).keys()];
  return range(count).map((i) => range(count).map((j) => range(w[0]![0]![0]!.length).map((o) => {
    let sum = 0;
    for (const a of range(k)) for (const b of range(k)) for (const c of range(x[0]![0]!.length)) {
      sum += (x[i * stride + a - 1]?.[j * stride + b - 1]?.[c] ?? 0) * w[a]![b]![c]![o]!;
    }
    return sum;
  })));
}

const CHANNELS = [1, 2, 3, 4, 6, 8].flatMap((a) => [1, 2, 3, 6, 8].map((b) => [a, b] as const));

/** The largest difference between nested lists of the same shape. */
function difference(a: number[][][], b: number[][][]): number {
  const [x, y] = [a.flat(2), b.flat(2)];
  expect(x).toHaveLength(y.length);
  return Math.max(...x.map((value, i) => Math.abs(value - y[i]!)));
}

describe.each(CHANNELS)("from %i to %i channels", (inputs, outputs) => {
  test.each([["convolution", 1], ["halve", 2]])("%s is a convolution", (kind, stride) => {
    const layer = LAYERS[kind]!;
    const own = layer.init!(random.key(1), [4, 4, inputs], outputs);
    const x = random.normal(random.key(2), [1, 4, 4, inputs]);
    const expected = convolved(x.ref.js()[0], layer.kernel!(own.kernel!.ref).js(), stride);
    const compiled = jit((x: np.Array, own: Weights) => layer.apply(x, own, outputs));
    expect(difference(compiled(x, own).js()[0], expected)).toBeLessThan(1e-4);
  });

  test("“double” is the adjoint of “halve”, and the gradient of each is the other", () => {
    const own = LAYERS.double!.init!(random.key(1), [3, 3, inputs], outputs);
    const y = random.normal(random.key(2), [1, 3, 3, inputs]);
    const x = random.normal(random.key(3), [1, 6, 6, outputs]);
    const halved = np.array(convolved(x.ref.js()[0], LAYERS.double!.kernel!(own.kernel!.ref).js(), 2));
    const inner = (y: np.Array, x: np.Array) => LAYERS.double!.apply(y, tree.ref(own), outputs).mul(x).sum();
    const left = halved.ref.mul(y.ref.reshape([3, 3, inputs])).sum().js() as number;
    expect(inner(y.ref, x.ref).js()).toBeCloseTo(left, 3);
    const slope = jit(grad(inner))(y, x);
    expect(difference(slope.js()[0], halved.js())).toBeLessThan(1e-4);
  });
});

test("batch normalisation with fixed statistics gives what the batch itself gives", () => {
  const net = ["dense 6", "batch_norm", "tanh"].map(parsed);
  const params = init(random.key(0), net, [3]);
  const x = random.normal(random.key(1), [16, 3]);
  const refs = () => params.map((own) => Object.fromEntries(Object.entries(own).map(([k, v]) => [k, v.ref])));
  const expected = apply(net, refs(), x.ref).js().flat();
  const found = apply(net, frozen(net, refs(), x.ref), x).js().flat();
  found.forEach((value: number, i: number) => expect(value).toBeCloseTo(expected[i], 5));
});
