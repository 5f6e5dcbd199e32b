// Runs the suite against one target, named by ENGRAM_TARGET (see README.md). One file at a time: the tests of raw SQL
// touch whole tables, and the services under test need the processor more than the tests do.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

export default {
  rootDir: dirname(fileURLToPath(import.meta.url)),
  testMatch: ["<rootDir>/**/*.test.ts"],
  testEnvironment: "node",
  extensionsToTreatAsEsm: [".ts"],
  transform: {
    "^.+\\.ts$": [
      "@swc/jest",
      { jsc: { parser: { syntax: "typescript" }, target: "es2024" }, module: { type: "es6" }, sourceMaps: "inline" },
    ],
  },
  globalSetup: "<rootDir>/global-setup.ts",
  globalTeardown: "<rootDir>/global-teardown.ts",
  maxWorkers: 1,
  testTimeout: 60_000,
};
