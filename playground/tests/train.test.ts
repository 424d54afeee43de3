import { readFileSync, writeFileSync } from "node:fs";
import { test } from "vitest";
import { usual } from "../src/configuration";
import { ofFile, ofPoints } from "../src/training/material";
import { Session } from "../src/training/session";

const what = process.env.WHAT ?? "ring";
const steps = Number(process.env.STEPS ?? 1000);
test("train", () => {
  const c: any = { ...usual(what), ...JSON.parse(process.env.OVER ?? "{}") };
  const m = what.includes("mnist") ? ofFile(readFileSync(`/tmp/pgdata/${what}.safetensors`)) : ofPoints(c);
  const s = new Session(c, m);
  console.log("floor", s.floor());
  const t = performance.now();
  for (let i = 0; i <= steps; i++) {
    if (i % Math.ceil(steps / 8) === 0) {
      const seen: any = s.seen();
      const at = (performance.now() - t) / 1000;
      console.log(i, at.toFixed(1), "s", s.losses.discriminator.toFixed(2), s.losses.generator.toFixed(2), seen.found ? JSON.stringify(seen.found) : s.distance());
      if (seen.generated instanceof Uint8Array) writeFileSync("/tmp/pgdata/out.bin", seen.generated);
    }
    s.round();
  }
}, 1e6);
