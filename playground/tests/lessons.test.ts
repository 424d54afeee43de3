import { test } from "vitest";
import { EXPERIMENTS } from "../src/experiments";
import { ofPoints, ofFile } from "../src/training/material";
import { Session } from "../src/training/session";
import { readFileSync } from "node:fs";
const N = Number(process.env.STEPS ?? 3000);
const go = (s: Session, steps: number, name: string) => {
  for (let i = 1; i <= steps; i++) { s.round(); if (!s.finite) { console.log(name, "diverged", i); return; }
    if (i % Math.ceil(steps / 6) === 0) { const seen: any = s.seen(); console.log(name, s.step, s.losses.discriminator.toFixed(3), s.losses.generator.toFixed(3), seen.found ? JSON.stringify(seen.found) : s.distance()); } }
};
const [collapse, vanish, wass, labels, good] = EXPERIMENTS.map((x) => x.configuration);
const start = (c: any) => new Session(c, c.data === "fashion_mnist" ? ofFile(readFileSync("/tmp/pgdata/fashion_mnist.safetensors")) : ofPoints(c));
test("1", () => { const s = start(collapse); go(s, N, "collapse"); s.change({ ...collapse!, penalty: "r1", weight: 0.1 }); go(s, N, "cured"); }, 1e6);
test("2", () => { const s = start(vanish); go(s, N, "vanish"); s.change({ ...vanish!, loss: "non_saturating" }); go(s, N, "cured"); }, 1e6);
test("3", () => { const s = start(wass); go(s, N, "wass"); s.change({ ...wass!, penalty: "interpolates", weight: 1 }); go(s, N, "cured"); }, 1e6);
test("4", () => { const s = start(labels); go(s, N, "labels"); const t = start({ ...labels!, labels: false }); go(t, N, "without"); }, 1e6);
test("5", () => { const s = start(good); go(s, 60, "good"); s.change({ ...good!, discriminatorSteps: 1 }); go(s, 300, "cured"); }, 1e6);
