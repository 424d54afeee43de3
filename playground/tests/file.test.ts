import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "vitest";
import { usual } from "../src/configuration";
import { ofFile } from "../src/training/material";
import { Session } from "../src/training/session";
test("file", () => {
  const c: any = usual("fashion_mnist");
  c.generator = ["dense 392", "batch_norm", "relu", "map 7", "double 16", "batch_norm", "relu", "convolution 8", "leaky_relu 0.3", "double 1", "tanh"];
  c.labels = true;
  const s = new Session(c, ofFile(readFileSync(`/tmp/pgdata/fashion_mnist.safetensors`)));
  for (let i = 0; i < 3; i++) s.round();
  writeFileSync("/tmp/pgdata/gen.safetensors", s.file());
  const z = Float32Array.from({ length: 30 * 32 }, (_, i) => Math.sin(i));
  writeFileSync("/tmp/pgdata/gen.bin", (s as any).seen().generated);
});
