/** The two players' steps, each compiled to one program. */

import { jit, numpy as np, random, tree, valueAndGrad } from "@jax-js/jax";

import type { Configuration } from "../configuration";
import { LOSSES, PENALTIES } from "./losses";
import { apply, init, parsed, score, type Net, type Params } from "./net";
import { fresh, rates, update, type Memory, type Player, type Rates } from "./optimisers";
import type { Shape } from "./layers";

/** A discriminator's weights: its net's, and with labels a vector of each class. */
type Judge = { net: Params; classes: np.Array[] };
/** All that training changes. Every array in it is owned by it. */
export type State = {
  generator: Params;
  discriminator: Judge;
  average: Params; // of the generator's weights
  memories: { generator: Memory; discriminator: Memory };
  key: np.Array; // u32[2], from which the next step's randomness is split
};

/** Real examples f32[M,…] in [-1,1] and their one-hot labels f32[M,K]. */
export type Data = { examples: np.Array; labels: np.Array };

/** What the numbers of a configuration are to a compiled step, so that none needs a new one. */
export type Numbers = { own: Rates; other: np.Array };

/** A game's nets and compiled functions. */
export type Game = {
  generator: Net;
  discriminator: Net;
  begin: (seed: number) => State;
  /** The state after one step of a player, and the player's loss f32[]. They consume the state;
   * `numbers.other` is the penalty's weight, or the decay of the average. */
  step: Record<"generator" | "discriminator", (state: State, data: Data, numbers: Numbers) => [State, np.Array]>;
  /** Examples f32[N,…] by the averaged weights, of latents f32[N,Z] and one-hot labels. They
   * consume nothing of the state. */
  draw: (state: State, z: np.Array, labels: np.Array) => np.Array;
  /** Scores f32[N] of examples, and the gradient of each by its example. */
  judge: (state: State, examples: np.Array, labels: np.Array) => [np.Array, np.Array];
  dispose: () => void;
};

/** The game of a configuration whose nets have no mistakes. `classes` is how many labels there are. */
export function game(configuration: Configuration, input: Shape, classes: number): Game {
  const { latent, batch, labels: conditional, loss, penalty } = configuration;
  const generator = configuration.generator.map(parsed);
  const discriminator = configuration.discriminator.map(parsed);
  const { discriminator: discriminatorLoss, generator: generatorLoss } = LOSSES[loss]!;
  const { generator: first, discriminator: second } = configuration.players;

  const generate = (params: Params, z: np.Array, labels: np.Array): np.Array => {
    if (conditional) return apply(generator, params, np.concatenate([z, labels], 1));
    labels.dispose();
    return apply(generator, params, z);
  };
  const scores = (judge: Judge, examples: np.Array, labels: np.Array): np.Array => {
    if (conditional) return score(discriminator, judge.net, examples, judge.classes[0]!, labels);
    labels.dispose();
    return score(discriminator, judge.net, examples, null, null);
  };
  /** A batch of real examples with their labels, which generated ones take as well. */
  const take = (key: np.Array, data: Data): [np.Array, np.Array] => {
    const rows = random.randint(key, { shape: [batch], minval: 0, maxval: data.examples.shape[0]! });
    return [np.take(data.examples, rows.ref, 0), np.take(data.labels, rows, 0)];
  };
  const noise = (key: np.Array): np.Array => random.normal(key, [batch, latent]);
  const keys = (key: np.Array, count: number): np.Array[] => np.unstack(random.split(key, count), 0);

  const discriminatorStep = jit(
    (params: Judge, memory: Memory, fixed: Params, data: Data, key: np.Array, numbers: Numbers) => {
      const [next, forData, forNoise, forMix] = keys(key, 4) as [np.Array, np.Array, np.Array, np.Array];
      const [real, labels] = take(forData, data);
      const fake = generate(fixed, noise(forNoise), labels.ref);
      const mix = random.uniform(forMix, [batch, ...input.map(() => 1)]);
      const total = (params: Judge): np.Array => {
        const value = discriminatorLoss(
          scores(tree.ref(params), real.ref, labels.ref),
          scores(tree.ref(params), fake.ref, labels.ref),
        );
        const own = PENALTIES[penalty];
        if (!own) return tree.dispose(params), value;
        const critic = (x: np.Array) => scores(tree.ref(params), x, labels.ref);
        const added = own.of(critic, real.ref, fake.ref, mix.ref).mul(numbers.other.ref);
        tree.dispose(params);
        return value.add(added);
      };
      const [value, gradient] = valueAndGrad(total)(tree.ref(params));
      tree.dispose([real, labels, fake, mix, numbers.other]);
      const [changed, remembered] = update(second.optimiser, params, gradient, memory, numbers.own);
      return { params: changed, memory: remembered, key: next, value };
    },
  );

  const generatorStep = jit(
    (
      params: Params, average: Params, memory: Memory, fixed: Judge, data: Data, key: np.Array,
      numbers: Numbers,
    ) => {
      const [next, forData, forNoise] = keys(key, 3) as [np.Array, np.Array, np.Array];
      const [real, labels] = take(forData, data);
      const z = noise(forNoise);
      const total = (params: Params): np.Array =>
        generatorLoss(
          scores(tree.ref(fixed), real.ref, labels.ref),
          scores(tree.ref(fixed), generate(params, z.ref, labels.ref), labels.ref),
        );
      const [value, gradient] = valueAndGrad(total)(tree.ref(params));
      tree.dispose([real, labels, z, fixed]);
      const [changed, remembered] = update(first.optimiser, params, gradient, memory, numbers.own);
      const kept = tree.map(
        (old: np.Array, now: np.Array) => now.ref.add(old.sub(now.ref).mul(numbers.other.ref)),
        average,
        changed,
      ) as Params;
      numbers.other.dispose();
      return { params: changed, average: kept, memory: remembered, key: next, value };
    },
  );

  const draw = jit((params: Params, z: np.Array, labels: np.Array) => generate(params, z, labels));
  const judged = jit((params: Judge, examples: np.Array, labels: np.Array) => {
    const total = (x: np.Array): [np.Array, np.Array] => {
      const found = scores(params, x, labels);
      return [found.ref.sum(), found];
    };
    const [[sum, each], slope] = valueAndGrad(total, { hasAux: true })(examples) as unknown as [
      [np.Array, np.Array],
      np.Array,
    ];
    sum.dispose();
    return [each, slope];
  });

  return {
    generator,
    discriminator,
    begin(seed) {
      const [one, two, three, next] = keys(random.key(seed), 4) as [np.Array, np.Array, np.Array, np.Array];
      const width = latent + (conditional ? classes : 0);
      const params = init(one, generator, [width]);
      const net = init(two, discriminator, input);
      const features = net.at(-1)!.kernel!.shape[0]!;
      const vectors = conditional ? [random.normal(three, [features, classes]).mul(features ** -0.5)] : [];
      if (!conditional) three.dispose();
      const judge = { net, classes: vectors };
      return {
        generator: params,
        discriminator: judge,
        average: tree.map((x: np.Array) => x.ref, params) as Params,
        memories: { generator: fresh(params), discriminator: fresh(judge) },
        key: next,
      };
    },
    step: {
      discriminator(state, data, numbers) {
        const { params, memory, key, value } = discriminatorStep(
          state.discriminator, state.memories.discriminator, tree.ref(state.generator), tree.ref(data), state.key,
          numbers,
        );
        const memories = { ...state.memories, discriminator: memory };
        return [{ ...state, discriminator: params, memories, key }, value];
      },
      generator(state, data, numbers) {
        const { params, average, memory, key, value } = generatorStep(
          state.generator, state.average, state.memories.generator, tree.ref(state.discriminator),
          tree.ref(data), state.key, numbers,
        );
        const memories = { ...state.memories, generator: memory };
        return [{ ...state, generator: params, average, memories, key }, value];
      },
    },
    draw: (state, z, labels) => draw(tree.ref(state.average), z, labels),
    judge: (state, examples, labels) => {
      const [each, slope] = judged(tree.ref(state.discriminator), examples, labels);
      return [each!, slope!];
    },
    dispose() {
      for (const compiled of [discriminatorStep, generatorStep, draw, judged]) compiled.dispose();
    },
  };
}

/** A player's numbers for the step after `count` others. */
export function numbers(player: Player, count: number, other: number): Numbers {
  return { own: rates(player, count), other: np.array(other) };
}
