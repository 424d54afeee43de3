/** Optimisers: one function, one update of all of a player's weights. */

import { numpy as np, tree } from "@jax-js/jax";

/** Weights, or gradients, or averages of them, as a list. */
type Leaves = np.Array[];
/** Running averages of the gradients and of their squares, and the count of updates f32[]. */
export type Memory = { first: Leaves; second: Leaves; count: np.Array };

/** Rate and decays of an optimiser, f32[] each. */
export type Rates = { rate: np.Array; beta1: np.Array; beta2: np.Array };
type Rule = {
  title: string;
  paper: string;
  /** Whether it averages the gradients with β1, or adds them up as momentum does. */
  averages: boolean;
  /** Step of one weight, from its averages and the count of updates. */
  step: (first: np.Array, second: np.Array, rates: Rates, count: np.Array) => np.Array;
};

const EPSILON = 1e-8;

const corrected = (average: np.Array, beta: np.Array, count: np.Array): np.Array =>
  average.div(np.power(beta, count).neg().add(1));

export const OPTIMISERS: Record<string, Rule> = {
  adam: {
    title: "Adam",
    averages: true,
    paper: "Kingma & Ba 2015, algorithm 1",
    step: (first, second, { rate, beta1, beta2 }, count) => {
      const mean = corrected(first, beta1, count.ref);
      const scale = np.sqrt(corrected(second, beta2, count)).add(EPSILON);
      return mean.div(scale).mul(rate);
    },
  },
  rmsprop: {
    title: "RMSProp",
    averages: false,
    paper: "Tieleman & Hinton 2012",
    step: (first, second, { rate, beta1, beta2 }, count) => {
      beta1.dispose();
      const scale = np.sqrt(corrected(second, beta2, count)).add(EPSILON);
      return first.div(scale).mul(rate);
    },
  },
  sgd: {
    title: "gradient descent",
    averages: false,
    paper: "with momentum, Polyak 1964",
    step: (first, second, { rate, beta1, beta2 }, count) => {
      for (const unused of [second, beta1, beta2, count]) unused.dispose();
      return first.mul(rate);
    },
  },
};

/** The memory before the first update. */
export function fresh(params: unknown): Memory {
  const leaves = tree.leaves(params as np.Array[]) as np.Array[];
  const zeros = () => leaves.map((x) => np.zeros(x.shape));
  return { first: zeros(), second: zeros(), count: np.array(0) };
}

/** Weights and memory after one more update. Decays and rate are f32[]. */
export function update<P>(
  optimiser: string,
  params: P,
  gradient: P,
  memory: Memory,
  rates: Rates,
): [P, Memory] {
  const [leaves, structure] = tree.flatten(params as np.Array[]) as [np.Array[], never];
  const slopes = tree.leaves(gradient as np.Array[]) as np.Array[];
  const rule = OPTIMISERS[optimiser]!;
  const count = memory.count.add(1);
  const keep = (beta: np.Array) => beta.ref.neg().add(1);
  const gain = rule.averages ? keep(rates.beta1) : np.array(1);
  const other = keep(rates.beta2);
  const first = slopes.map((slope, i) =>
    memory.first[i]!.mul(rates.beta1.ref).add(slope.ref.mul(gain.ref)));
  const second = slopes.map((slope, i) =>
    memory.second[i]!.mul(rates.beta2.ref).add(np.square(slope).mul(other.ref)));
  const stepped = leaves.map((leaf, i) =>
    leaf.sub(rule.step(first[i]!.ref, second[i]!.ref, tree.ref(rates), count.ref)));
  tree.dispose([gain, other, rates]);
  return [tree.unflatten(structure, stepped) as P, { first, second, count }];
}
