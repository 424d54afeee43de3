/** Experiments to try: what to look at, and the configuration that shows it. */

import { usual, type Configuration } from "./configuration";
import type { Player } from "./training/optimisers";

export type Experiment = {
  title: string;
  text: string;
  configuration: Configuration;
  /** What the text asks the reader to change. */
  change: (configuration: Configuration) => Configuration;
  /** Whether the change needs “start anew”. */
  again: boolean;
};

const ring = usual("ring");
const images = usual("fashion_mnist");

const adam = (rate: number, beta1 = 0.5): Player =>
  ({ optimiser: "adam", rate, beta1, beta2: 0.999 });

export const EXPERIMENTS: Experiment[] = [
  {
    title: "Mode collapse",
    text:
      "No penalty, a generator that learns five times as fast, and momentum (β1 0.9) for both: all " +
      "points jump together from place to place, each time away from where the discriminator has " +
      "just learnt to look, and never cover the ring. While it runs, set both β1 to 0 and the " +
      "generator’s rate to 0.001: within some thousand steps most places are found.",
    configuration: {
      ...ring,
      penalty: "none",
      average: 0,
      players: { generator: adam(5e-3, 0.9), discriminator: adam(1e-3, 0.9) },
    },
    change: (configuration) => ({
      ...configuration,
      players: { generator: adam(1e-3, 0), discriminator: adam(1e-3, 0) },
    }),
    again: false,
  },
  {
    title: "Vanishing gradient",
    text:
      "The first loss of GANs, the saturating one, teaches the generator least where the " +
      "discriminator is surest. Here the discriminator takes five steps for each of the " +
      "generator’s, which goes down its gradient without Adam’s rescaling: the loss of the " +
      "generator is next to zero, and its points hardly find a place. Choose the non-saturating " +
      "loss and the penalty R1 with a weight of 0.1, then start anew: with the same small " +
      "steps the points spread over the ring.",
    configuration: {
      ...ring,
      loss: "saturating",
      penalty: "none",
      weight: 0.1,
      discriminatorSteps: 5,
      players: {
        generator: { optimiser: "sgd", rate: 0.02, beta1: 0, beta2: 0.999 },
        discriminator: adam(1e-3),
      },
    },
    change: (configuration) => ({ ...configuration, loss: "non_saturating", penalty: "r1" }),
    again: true,
  },
  {
    title: "Why the Wasserstein critic needs its penalty",
    text:
      "A critic’s score is no probability: without a bound on its slope it grows without end, the " +
      "losses reach thousands, and the points fly about. Give it the penalty “gradient of length " +
      "one” and start anew: the losses come down to one or less, and the ring is found.",
    configuration: {
      ...ring,
      loss: "wasserstein",
      penalty: "none",
      weight: 1,
      discriminatorSteps: 5,
      players: { generator: adam(1e-3), discriminator: adam(3e-3) },
    },
    change: (configuration) => ({ ...configuration, penalty: "interpolates" }),
    again: true,
  },
  {
    title: "Labels",
    text:
      "Both players are told which of the 25 places a point belongs to, and within a thousand steps " +
      "nearly every place has its points. Take the labels away: the training starts anew, and the same " +
      "nets find a third of the places, or half.",
    configuration: { ...usual("mixture"), labels: true },
    change: (configuration) => ({ ...configuration, labels: false }),
    again: false,
  },
  {
    title: "A discriminator that is too good",
    text:
      "It learns twenty times as fast as the generator: its loss goes to zero, it calls every " +
      "generated image generated, and the images stay noise. Give the generator a rate of 0.001, " +
      "the discriminator one of 0.0004, and start anew: neither loss goes to zero, and within two " +
      "minutes there are clothes.",
    configuration: {
      ...images,
      players: { generator: adam(2e-4), discriminator: adam(4e-3) },
    },
    change: (configuration) => ({ ...configuration, players: images.players }),
    again: true,
  },
];
