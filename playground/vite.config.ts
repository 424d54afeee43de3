import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "./",
  build: { target: "es2022", chunkSizeWarningLimit: 1000 },
  worker: { format: "es" },
  test: { include: ["tests/**/*.test.ts"], testTimeout: 600_000 },
});
