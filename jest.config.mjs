// One run for all tests that read the sources: unit tests beside them, and integration tests against real services.
/** @type {import('jest').Config} */
export default {
  roots: ["packages", "services", "test-equipment", "infra", "bench"].map((folder) => `<rootDir>/${folder}`),
  testMatch: ["**/src/**/*.test.ts", "**/test/**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/", "/dist/"],
  modulePathIgnorePatterns: ["/dist/"],
  extensionsToTreatAsEsm: [".ts"],
  transform: {
    "\\.ts$": ["@swc/jest", { jsc: { target: "es2024", parser: { syntax: "typescript" } }, module: { type: "es6" } }],
  },
  testEnvironment: "node",
  testEnvironmentOptions: { customExportConditions: ["source", "node", "node-addons"] },
  globalSetup: "<rootDir>/test-equipment/jest-global-setup.mjs",
  globalTeardown: "<rootDir>/test-equipment/jest-global-teardown.mjs",
  testTimeout: 30_000,
  maxWorkers: 2,
};
