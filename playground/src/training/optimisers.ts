/**
 * Optimisers: one function, one update of all of a player's weights.
 *
 * What depends on the count of updates alone is computed before, by `rates`: in a compiled step it
 * would be computed once for each weight.
 */

import { numpy as np, tree } from "@jax-js/jax";

type Rule = {
  title: string;
  paper: string;
  /** What β1 is for: an average of the gradients, a sum of them, or nothing. */
  beta1: "average" | "momentum" | null;
  /** Whether it divides by the root of the average of the gradients' squares. */
  scales: boolean;
};

export const OPTIMISERS: Record<string, Rule> = {
  adam: { title: "Adam", paper: "Kingma & Ba 2015, algorithm 1", beta1: "average", scales: true },
  rmsprop: { title: "RMSProp", paper: "Tieleman & Hinton 2012", beta1: null, scales: true },
  sgd: { title: "gradient descent", paper: "with momentum, Polyak 1964", beta1: "momentum", scales: false },
};

/** An optimiser with its step size and its decays. */
export type Player = { optimiser: string; rate: number; beta1: number; beta2: number };

const EPSILON = 1e-8;

/** Running averages of the gradients and of their squares, for each of a player's weights. */
export type Memory = { first: np.Array[]; second: np.Array[] };

/** The numbers of one update, f32[] each: the step size, both decays and the weights of what is new,
 * and what makes Adam's averages unbiased. */
export type Rates = Record<"size" | "beta1" | "gain1" | "beta2" | "gain2" | "unbias", np.Array>;

/** The numbers of the update after `count` others. */
export function rates({ optimiser, rate, beta1, beta2 }: Player, count: number): Rates {
  const averages = OPTIMISERS[optimiser]!.beta1 === "average";
  const numbers = {
    size: averages ? rate / (1 - beta1 ** (count + 1)) : rate,
    beta1: OPTIMISERS[optimiser]!.beta1 ? beta1 : 0,
    gain1: averages ? 1 - beta1 : 1,
    beta2,
    gain2: 1 - beta2,
    unbias: averages ? 1 / (1 - beta2 ** (count + 1)) : 1,
  };
  const arrays = Object.entries(numbers).map(([name, x]) => [name, np.array(x)]);
  return Object.fromEntries(arrays) as Rates;
}

/** The memory before the first update. */
export function fresh(params: unknown): Memory {
  const leaves = tree.leaves(params as np.Array[]) as np.Array[];
  const zeros = () => leaves.map((x) => np.zeros(x.shape));
  return { first: zeros(), second: zeros() };
}

/** Weights and memory after one more update. */
export function update<P>(
  optimiser: string,
  params: P,
  gradient: P,
  memory: Memory,
  rates: Rates,
): [P, Memory] {
  const [leaves, structure] = tree.flatten(params as np.Array[]) as [np.Array[], never];
  const slopes = tree.leaves(gradient as np.Array[]) as np.Array[];
  const { scales } = OPTIMISERS[optimiser]!;
  const { size, beta1, gain1, beta2, gain2, unbias } = rates;
  const first = slopes.map((slope, i) =>
    memory.first[i]!.mul(beta1.ref).add(slope.ref.mul(gain1.ref)));
  const second = slopes.map((slope, i) =>
    memory.second[i]!.mul(beta2.ref).add(np.square(slope).mul(gain2.ref)));
  const stepped = leaves.map((leaf, i) => {
    const step = first[i]!.ref.mul(size.ref);
    if (!scales) return leaf.sub(step);
    return leaf.sub(step.div(np.sqrt(second[i]!.ref.mul(unbias.ref)).add(EPSILON)));
  });
  tree.dispose(rates);
  return [tree.unflatten(structure, stepped) as P, { first, second }];
}
