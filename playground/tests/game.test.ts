import { grad, numpy as np } from "@jax-js/jax";
import { expect, test } from "vitest";

import { usual } from "../src/configuration";
import { LOSSES, PENALTIES } from "../src/training/losses";
import { ofPoints } from "../src/training/material";
import { fresh, OPTIMISERS, rates, update } from "../src/training/optimisers";
import { Session, type PointsSeen } from "../src/training/session";

const scores = (...values: number[]) => np.array(values);

test.each([
  ["non_saturating", 2 * Math.log(2), Math.log(2)],
  ["saturating", 2 * Math.log(2), -Math.log(2)],
  ["least_squares", 0.5, 0.5],
  ["wasserstein", 0, 0],
  ["hinge", 2, 0],
  ["relativistic", Math.log(2), Math.log(2)],
])("%s of scores of zero", (name, discriminator, generator) => {
  const loss = LOSSES[name]!;
  expect(loss.discriminator(scores(0, 0), scores(0, 0)).js()).toBeCloseTo(discriminator, 5);
  expect(loss.generator(scores(0, 0), scores(0, 0)).js()).toBeCloseTo(generator, 5);
});

test.each(Object.keys(LOSSES))("%s is finite for scores of any size, and so is its gradient", (name) => {
  const { generator, discriminator } = LOSSES[name]!;
  for (const size of [-1e4, 1e4]) {
    for (const loss of [generator, discriminator]) {
      for (const of of [
        (x: np.Array) => loss(scores(0), x),
        (x: np.Array) => loss(x, scores(0)),
      ]) {
        expect(Number.isFinite(of(scores(size)).js())).toBe(true);
        expect(grad(of)(scores(size)).js().every(Number.isFinite)).toBe(true);
      }
    }
  }
});

test("penalties of a linear critic are known", () => {
  const critic = (x: np.Array) => x.mul(np.array([3, 4])).sum(1);
  const [real, fake, mix] = [np.ones([5, 2]), np.zeros([5, 2]), np.full([5, 1], 0.5)];
  const of = (name: string) => PENALTIES[name]!.of(critic, real.ref, fake.ref, mix.ref).js();
  expect(of("r1")).toBeCloseTo(12.5, 4);
  expect(of("r1_r2")).toBeCloseTo(25, 4);
  expect(of("interpolates")).toBeCloseTo(16, 4);
});

test.each(Object.keys(OPTIMISERS))("%s finds the least of a parabola", (optimiser) => {
  let params = { x: np.array([3, -2]) };
  let memory = fresh(params);
  const player = { optimiser, rate: 0.05, beta1: 0.5, beta2: 0.9 };
  for (let i = 0; i < 300; i++) {
    const gradient = { x: params.x.ref.mul(2) };
    [params, memory] = update(optimiser, params, gradient, memory, rates(player, i));
  }
  for (const x of params.x.js()) expect(Math.abs(x)).toBeLessThan(0.06);
});

test("Adam's first step has the size of its rate, whatever the gradient", () => {
  const params = { x: np.array([1, 1]) };
  const player = { optimiser: "adam", rate: 0.01, beta1: 0.9, beta2: 0.999 };
  const [after] = update("adam", params, { x: np.array([1e-3, -50]) }, fresh(params), rates(player, 0));
  const [a, b] = after.x.js();
  expect(a).toBeCloseTo(0.99, 4);
  expect(b).toBeCloseTo(1.01, 4);
});

test("two steps of RMSProp are those worked out by hand, whatever β1", () => {
  let params = { x: np.array([1]) };
  let memory = fresh(params);
  const player = { optimiser: "rmsprop", rate: 0.1, beta1: 0.5, beta2: 0.9 };
  for (const [i, slope] of [2, -1].entries()) {
    [params, memory] = update("rmsprop", params, { x: np.array([slope]) }, memory, rates(player, i));
  }
  const [first, second] = [0.1 * 4, 0.9 * 0.1 * 4 + 0.1 * 1];
  expect(params.x.js()[0]).toBeCloseTo(1 - 0.1 * 2 / Math.sqrt(first) + 0.1 / Math.sqrt(second), 4);
});

/** A session of small nets on the ring. */
function small(over = {}) {
  const configuration = {
    ...usual("ring"),
    generator: ["dense 8", "relu", "dense 2"],
    discriminator: ["dense 8", "leaky_relu 0.2", "dense 1"],
    batch: 16,
    ...over,
  };
  return new Session(configuration, ofPoints(configuration));
}

function after(steps: number, over = {}) {
  const session = small(over);
  for (let i = 0; i < steps; i++) session.round();
  return { losses: { ...session.losses }, seen: session.seen() as PointsSeen, session };
}

test("the same seed gives the same training, another one another", () => {
  const [a, b, c] = [after(5), after(5), after(5, { seed: 1 })];
  expect(a.seen.generated).toEqual(b.seen.generated);
  expect(a.losses).toEqual(b.losses);
  expect(a.seen.generated).not.toEqual(c.seen.generated);
});

test.each(Object.keys(LOSSES).flatMap((loss) => Object.keys(PENALTIES).map((penalty) => [loss, penalty])))(
  "%s with the penalty %s trains, with and without labels",
  (loss, penalty) => {
    for (const labels of [false, true]) {
      const { session, seen } = after(3, { loss, penalty, labels, weight: 1 });
      expect(session.finite).toBe(true);
      expect(session.step).toBe(3);
      expect(seen.generated.flat().every(Number.isFinite)).toBe(true);
    }
  },
);

test("a player's own step moves that player alone", () => {
  const session = small();
  const first = session.seen() as PointsSeen;
  session.take("discriminator");
  const second = session.seen() as PointsSeen;
  expect(second.generated).toEqual(first.generated);
  expect(second.heat).not.toEqual(first.heat);
  session.take("generator");
  const third = session.seen() as PointsSeen;
  expect(third.generated).not.toEqual(second.generated);
  expect(third.heat).toEqual(second.heat);
});

test("a changed loss goes on from the same weights; changed nets do not", () => {
  const { session } = after(3);
  const before = session.seen();
  session.change({ ...session.configuration, loss: "hinge" });
  expect(session.seen()).toEqual(before);
  session.round();
  expect(session.step).toBe(4);
  expect(() => session.change({ ...session.configuration, latent: 3 })).toThrow();
});

test("a rate that is far too high is noticed", () => {
  const wild = { optimiser: "sgd", rate: 10, beta1: 0.9, beta2: 0.9 };
  const session = small({ loss: "wasserstein", penalty: "r1", weight: 100, players: { generator: wild, discriminator: wild } });
  for (let i = 0; i < 100 && session.finite; i++) session.round();
  expect(session.finite).toBe(false);
});

test("a session that ends leaves nothing of its arrays in use", () => {
  const session = small();
  session.round();
  session.seen();
  session.dispose();
  expect(() => session.round()).toThrow();
});
