import { expect, test } from "vitest";

import { empty, longer, pointsOf } from "../src/interface/series";

test("a long curve keeps its past as dense as its present, and ends in the latest point", () => {
  let series = empty<number>();
  for (let step = 1; step <= 6000; step++) series = longer(series, { step, value: -step });
  const steps = pointsOf(series).map(({ step }) => step);
  const gaps = steps.slice(1, -1).map((step, i) => step - steps[i]!);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(2 * Math.min(...gaps));
  expect([steps[0], steps.at(-1)]).toEqual([1, 6000]);
  expect(steps.length).toBeGreaterThan(200);
  expect(steps.length).toBeLessThan(403);
});
