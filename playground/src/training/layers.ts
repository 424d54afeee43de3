/**
 * The layers that a net can be made of: one entry of `LAYERS` each.
 *
 * Arrays are f32[N,F] or f32[N,H,W,C]. A function consumes the arrays that it is given, as those of
 * the library do; `.ref` keeps one for another use.
 */

import { nn, numpy as np, random } from "@jax-js/jax";

/** Sizes of one example: [features], or [height, width, channels]. */
export type Shape = number[];
/** Weights of one layer by name. */
export type Weights = Record<string, np.Array>;

/** What is wrong with a net, in a sentence for the person who edits it. */
export class Mistake extends Error {}

/** The number that a layer is written with. */
export type Size = { name: string; usual: number; least: number; most: number; whole: boolean };

export type Layer = {
  title: string;
  size?: Size;
  /** The shape of its outputs. Throws Mistake where the inputs do not fit. */
  shape: (input: Shape, size: number) => Shape;
  /** Its first weights. */
  init?: (key: np.Array, input: Shape, size: number) => Weights;
  apply: (x: np.Array, weights: Weights, size: number) => np.Array;
  /** Its kernel f32[k,k,C,O], as other programs keep it, where ours is arranged for a product. */
  kernel?: (kernel: np.Array) => np.Array;
};

const EPSILON = 1e-5; // added to variances
const PIXELS = 2 ** 14; // of a map at most

const units: Size = { name: "units", usual: 128, least: 1, most: 4096, whole: true };
const channels: Size = { name: "channels", usual: 32, least: 1, most: 512, whole: true };

export const LAYERS: Record<string, Layer> = {
  dense: {
    title: "dense",
    size: units,
    shape: (input, size) => (vector(input), [size]),
    init: (key, input, size) => affine(key, [input[0]!, size], input[0]!, size),
    apply: (x, { kernel, bias }) => np.matmul(x, kernel!).add(bias!),
  },
  convolution: {
    title: "convolution 3×3",
    size: channels,
    shape: (input, size) => [...map(input).slice(0, 2), size],
    init: (key, input, size) => affine(key, [9 * input[2]!, size], 9 * input[2]!, size),
    apply: (x, { kernel, bias }) => windows(np.pad(x, border(1)), 3, kernel!).add(bias!),
    kernel: (kernel) => kernel.reshape([3, 3, kernel.shape[0]! / 9, kernel.shape[1]!]),
  },
  halve: {
    title: "halve: convolution 4×4, stride 2",
    size: channels,
    shape: (input, size) => {
      const [height, width] = map(input);
      if (height! % 2 || width! % 2) {
        throw new Mistake(`${height}×${width} cannot be halved: its sides are not both even`);
      }
      return [height! / 2, width! / 2, size];
    },
    init: (key, input, size) => affine(key, [16 * input[2]!, size], 16 * input[2]!, size),
    apply: (x, { kernel, bias }) => windows(blocks(x), 2, kernel!).add(bias!),
    kernel: (kernel) => {
      const [inputs, outputs] = [kernel.shape[0]! / 16, kernel.shape[1]!];
      const apart = kernel.reshape([2, 2, 2, 2, inputs, outputs]); // windows, then blocks
      return apart.transpose([0, 2, 1, 3, 4, 5]).reshape([4, 4, inputs, outputs]);
    },
  },
  double: {
    title: "double: transposed convolution 4×4, stride 2",
    size: channels,
    shape: (input, size) => {
      const [height, width] = map(input);
      if (4 * height! * width! > PIXELS) {
        throw new Mistake(`${2 * height!}×${2 * width!} pixels are more than ${PIXELS}`);
      }
      return [2 * height!, 2 * width!, size];
    },
    // A pixel of the result has four taps an input channel.
    init: (key, input, size) => affine(key, [4 * input[2]!, 4 * size], 4 * input[2]!, size),
    apply: (x, { kernel, bias }) => double(x, kernel!).add(bias!),
    kernel: (kernel) => {
      const [inputs, outputs] = kernel.shape.map((size) => size / 4) as [number, number];
      const apart = kernel.reshape([2, 2, inputs, 2, 2, outputs]).transpose([0, 3, 1, 4, 5, 2]);
      return np.flip(apart, [0, 2]).reshape([4, 4, outputs, inputs]);
    },
  },
  batch_norm: {
    title: "batch normalisation",
    shape: (input) => input,
    init: (_key, input) => ({
      scale: np.ones([input.at(-1)!]),
      bias: np.zeros([input.at(-1)!]),
    }),
    apply: (x, { scale, bias, mean, variance }) => {
      const [centre, spread] = mean && variance ? [mean, variance] : moments(x.ref);
      const width = np.sqrt(spread.add(EPSILON));
      return x.sub(centre).div(width).mul(scale!).add(bias!);
    },
  },
  deviation: {
    title: "minibatch deviation: one more feature",
    shape: (input) => [...input.slice(0, -1), input.at(-1)! + 1],
    // The standard deviation over the batch, averaged (Karras et al. 2018, §3).
    apply: (x) => {
      const shape = [...x.shape.slice(0, -1), 1];
      const centred = x.ref.sub(x.ref.mean(0, { keepdims: true }));
      const spread = np.sqrt(np.square(centred).mean(0).add(1e-8)).mean();
      return np.concatenate([x, np.broadcastTo(spread, shape)], -1);
    },
  },
  relu: { title: "ReLU", shape: (input) => input, apply: (x) => nn.relu(x) },
  leaky_relu: {
    title: "leaky ReLU",
    size: { name: "slope below zero", usual: 0.2, least: 0, most: 1, whole: false },
    shape: (input) => input,
    apply: (x, _weights, size) => nn.leakyRelu(x, size),
  },
  tanh: { title: "tanh", shape: (input) => input, apply: (x) => np.tanh(x) },
  sigmoid: { title: "sigmoid", shape: (input) => input, apply: (x) => nn.sigmoid(x) },
  map: {
    title: "arrange as square maps",
    size: { name: "side", usual: 7, least: 1, most: 128, whole: true },
    shape: (input, size) => {
      const count = vector(input);
      if (count % size ** 2) {
        throw new Mistake(`${count} units do not fill maps of ${size}×${size}`);
      }
      return [size, size, count / size ** 2];
    },
    apply: (x, _weights, size) => x.reshape([x.shape[0]!, size, size, x.shape[1]! / size ** 2]),
  },
  flatten: {
    title: "flatten",
    shape: (input) => [input.reduce((a, b) => a * b)],
    apply: (x) => x.reshape([x.shape[0]!, x.size / x.shape[0]!]),
  },
};

/** Mean and variance of each channel over a batch, f32[C] both. */
export function moments(x: np.Array): [np.Array, np.Array] {
  const axes = x.shape.slice(0, -1).map((_, axis) => axis);
  const mean = x.ref.mean(axes);
  return [mean, np.square(x.sub(mean.ref)).mean(axes)];
}

function vector(input: Shape): number {
  if (input.length !== 1) {
    throw new Mistake(`it needs a vector and is given maps of ${input.join("×")}: add “flatten”`);
  }
  return input[0]!;
}

function map(input: Shape): Shape {
  if (input.length !== 3) {
    throw new Mistake(`it needs maps and is given ${input[0]} units: add “arrange as square maps”`);
  }
  return input;
}

/** A kernel whose outputs keep the inputs' variance under ReLU (He et al. 2015), and a bias. */
function affine(key: np.Array, shape: number[], taps: number, outputs: number): Weights {
  const kernel = random.normal(key, shape).mul(Math.sqrt(2 / taps));
  return { kernel, bias: np.zeros([outputs]) };
}

/** Zeros around maps f32[N,H,W,C]. */
function border(width: number): [number, number][] {
  return [[0, 0], [width, width], [width, width], [0, 0]];
}

/** Products of all k×k windows of x f32[N,H,W,C] with a kernel f32[k·k·C,O] -> f32[N,h,w,O].
 *
 * The library's own convolution takes fifteen times as long. */
export function windows(x: np.Array, k: number, kernel: np.Array): np.Array {
  const [count, height, width, inputs] = x.shape as [number, number, number, number];
  const [h, w] = [height - k + 1, width - k + 1];
  const taps = [];
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < k; j++) taps.push(x.ref.slice([], [i, i + h], [j, j + w]));
  }
  x.dispose();
  const columns = np.concatenate(taps, 3).reshape([count * h * w, k * k * inputs]);
  const outputs = kernel.shape[1]!;
  return np.matmul(columns, kernel).reshape([count, h, w, outputs]);
}

/** Maps f32[N,H,W,C] within a border of zeros, as blocks of 2×2 pixels f32[N,H/2+1,W/2+1,4C]. */
export function blocks(x: np.Array): np.Array {
  const [count, height, width, inputs] = x.shape as [number, number, number, number];
  const [h, w] = [height / 2 + 1, width / 2 + 1];
  return np
    .pad(x, border(1))
    .reshape([count, h, 2, w, 2, inputs])
    .transpose([0, 1, 3, 2, 4, 5])
    .reshape([count, h, w, 4 * inputs]);
}

/** x f32[N,h,w,O], kernel f32[4O,4C] -> f32[N,2h,2w,C], the adjoint of `halve`: each 2×2 window
 * gives a block of 2×2 pixels, and of the blocks those pixels are kept that lie within the image. */
function double(x: np.Array, kernel: np.Array): np.Array {
  const [count, h, w] = x.shape as [number, number, number];
  const outputs = kernel.shape[1]! / 4;
  const all = windows(np.pad(x, border(1)), 2, kernel);
  const part = (i: number, j: number): np.Array => {
    const first = (2 * i + j) * outputs;
    return all.ref.slice([], [1 - i, 1 - i + h], [1 - j, 1 - j + w], [first, first + outputs]);
  };
  const row = (i: number): np.Array => np.stack([part(i, 1), part(i, 0)], 3);
  const pixels = np.stack([row(1), row(0)], 2);
  all.dispose();
  return pixels.reshape([count, 2 * h, 2 * w, outputs]);
}
