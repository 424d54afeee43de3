import { expect, test } from "vitest";

import { anew, checked, checkNets, fromLink, IMAGES, toLink, usual, withData } from "../src/configuration";
import { EXPERIMENTS } from "../src/experiments";
import { POINTS } from "../src/training/points";

const ALL = [...Object.keys(POINTS), ...Object.keys(IMAGES)].map((data) => [data, usual(data)] as const);

test.each(ALL)("what %s starts with is valid, and comes back from its link", (_, configuration) => {
  const nets = checkNets(configuration, 10);
  expect([nets.generator.mistake, nets.discriminator.mistake]).toEqual([null, null]);
  expect(fromLink(toLink(configuration))).toEqual(configuration);
});

test.each(EXPERIMENTS.map((one) => [one.title, one] as const))("%s is valid before and after", (_, one) => {
  for (const configuration of [one.configuration, one.change(one.configuration)]) {
    expect(checked(configuration)).toEqual(configuration);
    const { generator, discriminator } = checkNets(configuration, 25);
    expect([generator.mistake, discriminator.mistake]).toEqual([null, null]);
  }
});

test("a link of another page is refused in a sentence", () => {
  expect(() => fromLink("no configuration")).toThrow("the link is damaged");
  expect(() => fromLink(toLink({ ...usual("ring"), batch: 1e9 }))).toThrow("“batch”");
  expect(() => fromLink(toLink({ ...usual("ring"), loss: "constructor" }))).toThrow("“loss”");
  expect(() => fromLink(toLink({ ...usual("ring"), drawn: [[1e6, 0]] }))).toThrow("“drawn”");
});

test("fields that are not known are left out", () => {
  expect(checked({ ...usual("ring"), extra: 1 })).toEqual(usual("ring"));
});

test("nets, labels, data and the seed start anew; the rest takes effect at once", () => {
  const before = usual("ring");
  expect(anew(before, { ...before, seed: 1, labels: true })).toEqual(["labels", "the seed"]);
  const { players } = before;
  const live = { loss: "hinge", penalty: "none", batch: 8, discriminatorSteps: 3, average: 0.5 };
  expect(anew(before, { ...before, ...live, players: { ...players, generator: players.discriminator } })).toEqual([]);
});

test("other data of the same shape leave everything else as it is; others bring nets of their own", () => {
  const before = { ...usual("ring"), generator: ["dense 5", "relu", "dense 2"], loss: "hinge", seed: 4 };
  expect(withData(before, "mixture")).toEqual({ ...before, data: "mixture" });
  expect(withData({ ...before, data: "drawn", drawn: [[0, 0]] }, "ring")).toEqual(before);
  expect(withData(before, "mnist")).toEqual(usual("mnist"));
});

test("a layer that looks at the batch is for the discriminator alone", () => {
  const configuration = usual("ring");
  configuration.discriminator.splice(2, 0, "deviation");
  expect(checkNets(configuration, 8).discriminator.mistake).toBeNull();
  configuration.generator.unshift("deviation");
  expect(checkNets(configuration, 8).generator).toMatchObject({ at: 0, mistake: expect.stringContaining("batch") });
});
