/** Experiments to try: what to look at, and the configuration that shows it. */

import { usual, type Configuration } from "./configuration";

export type Experiment = { title: string; text: string; configuration: Configuration };

const ring = usual("ring");
const adam = ring.players.generator;

export const EXPERIMENTS: Experiment[] = [
  {
    title: "Mode collapse",
    text:
      "Without its penalty the discriminator is too steep, and the generator, which here learns " +
      "faster, runs after it: all its points jump together from place to place and never cover the " +
      "ring. Now choose the penalty R1 with a weight of 0.1, while it runs: within some " +
      "thousand steps the places are found.",
    configuration: {
      ...ring,
      penalty: "none",
      players: { generator: { ...adam, rate: 4e-3 }, discriminator: { ...adam, rate: 1e-3 } },
    },
  },
  {
    title: "Vanishing gradient",
    text:
      "The first loss of GANs, the saturating one, teaches the generator nothing where the " +
      "discriminator is sure: its points stay where they began. Choose the non-saturating loss " +
      "instead, and see them go.",
    configuration: {
      ...ring,
      loss: "saturating",
      penalty: "none",
      discriminatorSteps: 5,
    },
  },
  {
    title: "Why the Wasserstein critic needs its penalty",
    text:
      "A critic’s score is no probability: without a bound on its slope it grows without end, and " +
      "so do the losses. Give it the penalty “gradient of length one” with a weight of 1: the losses " +
      "become small numbers that mean something, and the ring is found.",
    configuration: {
      ...ring,
      loss: "wasserstein",
      penalty: "none",
      weight: 1,
      discriminatorSteps: 3,
    },
  },
  {
    title: "Labels",
    text:
      "Both players are told which of the 25 places a point belongs to, so that no place is left " +
      "out. Take the label away: the training starts anew, and the same nets find fewer of them " +
      "in the same time.",
    configuration: { ...usual("mixture"), labels: true },
  },
  {
    title: "A discriminator that is too good",
    text:
      "With twenty steps for each of the generator’s, and no penalty, the discriminator is sure of " +
      "nearly every image: its loss goes to zero, and the clothes stay noise. One step for one " +
      "balances the game.",
    configuration: {
      ...usual("fashion_mnist"),
      discriminatorSteps: 20,
    },
  },
];
