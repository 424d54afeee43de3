/**
 * Losses of the two players for scores f32[B] of real and of generated examples, each f32[], and
 * the penalties that are added to the discriminator's. The formulas are those of gen_models/losses.
 */

import { grad, nn, numpy as np } from "@jax-js/jax";

export type Loss = {
  title: string;
  /** Paper of the equation. */
  paper: string;
  /** Whether a score is a logit, of which a probability can be shown. */
  logit: boolean;
  discriminator: (real: np.Array, fake: np.Array) => np.Array;
  generator: (real: np.Array, fake: np.Array) => np.Array;
};

/** The mean of log(1 + exp(x)), for scores of any size. */
const softplus = (x: np.Array): np.Array =>
  nn.relu(x.ref).add(np.log1p(np.exp(np.abs(x).neg()))).mean();
const alone = (real: np.Array, loss: np.Array): np.Array => (real.dispose(), loss);

const classified = (real: np.Array, fake: np.Array): np.Array =>
  softplus(real.neg()).add(softplus(fake));

export const LOSSES: Record<string, Loss> = {
  non_saturating: {
    title: "non-saturating",
    paper: "Goodfellow et al. 2014, §3",
    logit: true,
    discriminator: classified,
    generator: (real, fake) => alone(real, softplus(fake.neg())),
  },
  saturating: {
    title: "saturating (minimax)",
    paper: "Goodfellow et al. 2014, eq. 1",
    logit: true,
    discriminator: classified,
    generator: (real, fake) => alone(real, softplus(fake).neg()),
  },
  least_squares: {
    title: "least squares",
    paper: "Mao et al. 2017, eq. 9",
    logit: false,
    discriminator: (real, fake) =>
      np.square(real.sub(1)).mean().add(np.square(fake).mean()).mul(0.5),
    generator: (real, fake) => alone(real, np.square(fake.sub(1)).mean().mul(0.5)),
  },
  wasserstein: {
    title: "Wasserstein",
    paper: "Arjovsky et al. 2017, eq. 2",
    logit: false,
    discriminator: (real, fake) => fake.mean().sub(real.mean()),
    generator: (real, fake) => alone(real, fake.mean().neg()),
  },
  hinge: {
    title: "hinge",
    paper: "Miyato et al. 2018, eq. 16 and 17",
    logit: false,
    discriminator: (real, fake) =>
      nn.relu(real.neg().add(1)).mean().add(nn.relu(fake.add(1)).mean()),
    generator: (real, fake) => alone(real, fake.mean().neg()),
  },
  relativistic: {
    title: "relativistic",
    paper: "Huang et al. 2024, eq. 2",
    logit: false,
    discriminator: (real, fake) => softplus(fake.sub(real)),
    generator: (real, fake) => softplus(real.sub(fake)),
  },
};

/** The score of each example f32[N], of examples f32[N,…]. */
export type Critic = (x: np.Array) => np.Array;

export type Penalty = {
  title: string;
  paper: string;
  /** The penalty for examples f32[B,…], to be multiplied by its weight; `mix` is u in [0,1]. */
  of: (critic: Critic, real: np.Array, fake: np.Array, mix: np.Array) => np.Array;
};

/** The squared length of the score's gradient at each example, f32[N]. */
function steepness(critic: Critic, x: np.Array): np.Array {
  const slope = grad((x: np.Array) => critic(x).sum())(x);
  const count = slope.shape[0]!;
  return np.square(slope).reshape([count, slope.size / count]).sum(1);
}

function unused(...arrays: np.Array[]): void {
  for (const array of arrays) array.dispose();
}

export const PENALTIES: Record<string, Penalty | null> = {
  none: null,
  r1: {
    title: "R1: gradient at real examples",
    paper: "Mescheder et al. 2018, eq. 9",
    of: (critic, real, fake, mix) => (unused(fake, mix), steepness(critic, real).mean().mul(0.5)),
  },
  r1_r2: {
    title: "R1 and R2: at real and at generated ones",
    paper: "Mescheder et al. 2018, eq. 9 and 10",
    of: (critic, real, fake, mix) => {
      mix.dispose();
      return steepness(critic, real).mean().add(steepness(critic, fake).mean()).mul(0.5);
    },
  },
  interpolates: {
    title: "gradient of length one between them",
    paper: "Gulrajani et al. 2017, eq. 3",
    of: (critic, real, fake, mix) => {
      const between = real.mul(mix.ref).add(fake.mul(mix.neg().add(1)));
      const length = np.sqrt(steepness(critic, between).add(1e-12));
      return np.square(length.sub(1)).mean();
    },
  },
};
