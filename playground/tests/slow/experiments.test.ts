/** Each experiment of the page shows what its text says. `npm run experiments` runs this, for some
 * minutes; with the data that the server makes in PLAYGROUND_DATA also that on images. */

import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import type { Configuration } from "../../src/configuration";
import { EXPERIMENTS } from "../../src/experiments";
import { ofFile, ofPoints } from "../../src/training/material";
import { Session, type PointsSeen } from "../../src/training/session";

const data = process.env.PLAYGROUND_DATA;

/** Places that are found, on average, and the discriminator's largest loss, in the last half of so
 * many steps. */
function trained(session: Session, steps: number): { modes: number; loss: number } {
  const found: number[] = [];
  let loss = 0;
  for (let i = 1; i <= steps; i++) {
    session.round();
    if (i <= steps / 2) continue;
    loss = Math.max(loss, Math.abs(session.losses.discriminator));
    if (i % 50 === 0) found.push((session.seen() as PointsSeen).found.modes);
  }
  const modes = found.reduce((a, b) => a + b, 0) / found.length;
  console.log(session.configuration.loss, session.configuration.penalty, { modes, loss });
  return { modes, loss };
}

/** An experiment before and after the change that its text asks for. */
function both(at: number, steps: number) {
  const { configuration, change, again } = EXPERIMENTS[at]!;
  const changed = change(configuration);
  const start = (configuration: Configuration) => new Session(configuration, ofPoints(configuration));
  const session = start(configuration);
  const before = trained(session, steps);
  const anew = again || configuration.labels !== changed.labels;
  if (!anew) session.change(changed);
  return { before, after: trained(anew ? start(changed) : session, steps) };
}

test("the generator's points jump together, until both players slow down", () => {
  const { before, after } = both(0, 2000);
  expect(before.modes).toBeLessThan(2);
  expect(after.modes).toBeGreaterThan(5);
});

test("the saturating loss teaches little, the other one much", () => {
  const { before, after } = both(1, 2000);
  expect(before.modes).toBeLessThan(2);
  expect(after.modes).toBeGreaterThan(4);
});

test("a critic without its penalty grows without end", () => {
  const { before, after } = both(2, 1500);
  expect(before.loss).toBeGreaterThan(1000);
  expect(after.loss).toBeLessThan(20);
  expect(before.modes).toBeLessThan(2);
  expect(after.modes).toBeGreaterThan(5);
});

test("with labels nearly all places are found, without them half", () => {
  const { before, after } = both(3, 1000);
  expect(before.modes).toBeGreaterThan(22);
  expect(after.modes).toBeLessThan(14);
});

test.skipIf(!data)("of a discriminator that is too good the generator learns nothing", () => {
  const material = ofFile(readFileSync(`${data}/fashion_mnist.safetensors`));
  const { configuration, change } = EXPERIMENTS[4]!;
  const distance = (configuration: Configuration) => {
    const session = new Session(configuration, material);
    for (let i = 0; i < 500; i++) session.round();
    console.log(session.losses, session.distance());
    return { loss: session.losses.discriminator, fid: session.distance()! };
  };
  const [before, after] = [distance(configuration), distance(change(configuration))];
  expect(before.loss).toBeLessThan(0.05);
  expect(after.loss).toBeGreaterThan(0.3);
  expect(after.fid).toBeLessThan(0.7 * before.fid);
});
