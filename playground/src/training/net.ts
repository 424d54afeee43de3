/** Nets as lists of layers, written as text: "dense 128", "leaky_relu 0.2", "batch_norm". */

import { numpy as np, random, tree } from "@jax-js/jax";

import { LAYERS, Mistake, moments, type Shape, type Weights } from "./layers";

/** A layer as it is written: its kind and its number, if it has one. */
export type Line = { kind: string; size: number };
export type Net = Line[];
/** Weights of each layer, in order. */
export type Params = Weights[];

const MOST_LAYERS = 32;
const MOST_WEIGHTS = 4_000_000;

/** The layer that a text stands for. Throws Mistake. */
export function parsed(text: string): Line {
  const [kind = "", number, ...rest] = text.trim().split(/\s+/);
  const layer = LAYERS[kind];
  if (!layer || !Object.hasOwn(LAYERS, kind)) {
    throw new Mistake(`no layer is called “${kind.slice(0, 20)}”`);
  }
  if (!layer.size) {
    if (number !== undefined) throw new Mistake(`${kind} takes no number`);
    return { kind, size: 0 };
  }
  const size = Number(number);
  const { name, least, most, whole } = layer.size;
  if (number === undefined || rest.length || !(size >= least && size <= most) || (whole && size % 1)) {
    const sort = whole ? "a whole number" : "a number";
    throw new Mistake(`its ${name}: expected ${sort} from ${least} to ${most}`);
  }
  return { kind, size };
}

/** What an editor shows of a net: the shape after each layer, up to the first mistake. */
export type Checked = { shapes: Shape[]; at: number; mistake: string | null };

/** Follow the shapes of layers, written as text, from `input`; the last must be `output`. */
export function check(lines: string[], input: Shape, output: Shape): Checked {
  const shapes: Shape[] = [];
  let shape = input;
  const wrong = (at: number, mistake: string): Checked => ({ shapes, at, mistake });
  if (lines.length > MOST_LAYERS) return wrong(MOST_LAYERS, `a net has at most ${MOST_LAYERS} layers`);
  for (const [at, text] of lines.entries()) {
    try {
      const { kind, size } = parsed(text);
      shape = LAYERS[kind]!.shape(shape, size);
    } catch (error) {
      if (!(error instanceof Mistake)) throw error;
      return wrong(at, error.message);
    }
    shapes.push(shape);
  }
  const last = lines.length - 1;
  if (!lines.some((text) => LAYERS[parsed(text).kind]!.init)) {
    return wrong(last, "it has no layer with weights: add “dense”");
  }
  if (shape.join() !== output.join()) {
    return wrong(last, `the net ends in ${shape.join("×")}, expected ${output.join("×")}`);
  }
  const count = weights(lines.map(parsed), input);
  if (count > MOST_WEIGHTS) {
    const millions = (count / 1e6).toFixed(1);
    return wrong(last, `${millions} million weights are more than a page trains; at most 4 million`);
  }
  return { shapes, at: -1, mistake: null };
}

/** The shape that each layer is given, and that of the outputs last. */
export function shapes(net: Net, input: Shape): Shape[] {
  const found = [input];
  for (const { kind, size } of net) found.push(LAYERS[kind]!.shape(found.at(-1)!, size));
  return found;
}

/** How many weights a net has. */
export function weights(net: Net, input: Shape): number {
  const given = shapes(net, input);
  return net.reduce((total, { kind, size }, at) => {
    const from = given[at]!;
    const taps = { dense: 1, convolution: 9, halve: 16, double: 16 }[kind];
    if (taps) return total + taps * from.at(-1)! * size + size;
    return kind === "batch_norm" ? total + 2 * from.at(-1)! : total;
  }, 0);
}

/** The first weights of a net for inputs of a shape. */
export function init(key: np.Array, net: Net, input: Shape): Params {
  const keys = random.split(key, net.length);
  const given = shapes(net, input);
  const params = net.map(({ kind, size }, at) => {
    const own = keys.ref.slice(at);
    const layer = LAYERS[kind]!;
    if (layer.init) return layer.init(own, given[at]!, size);
    own.dispose();
    return {};
  });
  keys.dispose();
  return params;
}

/** The net's outputs for inputs f32[N,…]. */
export function apply(net: Net, params: Params, x: np.Array): np.Array {
  return net.reduce((x, { kind, size }, at) => LAYERS[kind]!.apply(x, params[at]!, size), x);
}

/** Weights whose batch normalisations have fixed statistics: those of the inputs x f32[N,…]. */
export function frozen(net: Net, params: Params, x: np.Array): Params {
  const fixed = net.map(({ kind, size }, at) => {
    let own = params[at]!;
    if (kind === "batch_norm") {
      const [mean, variance] = moments(x.ref);
      own = { ...own, mean, variance };
    }
    x = LAYERS[kind]!.apply(x, tree.ref(own), size);
    return own;
  });
  x.dispose();
  return fixed;
}

/** The discriminator's score f32[N] for inputs f32[N,…], its net ending in one unit.
 *
 * With labels, one-hot f32[N,K], the features before that unit are projected on a vector of the
 * class as well (Miyato & Koyama 2018); `classes` f32[F,K] are these vectors. */
export function score(
  net: Net,
  params: Params,
  x: np.Array,
  classes: np.Array | null,
  labels: np.Array | null,
): np.Array {
  const count = x.shape[0]!;
  if (!classes || !labels) return apply(net, params, x).reshape([count]);
  const features = apply(net.slice(0, -1), params.slice(0, -1), x);
  const own = apply(net.slice(-1), params.slice(-1), features.ref).reshape([count]);
  return own.add(np.matmul(features, classes).mul(labels).sum(1));
}
