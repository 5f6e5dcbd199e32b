// The fast check, under a minute: types, lint, format, unused code, arrows among the packages, unit tests. Says of
// every part how it went, and goes on after a bad one. Usage: npm run check
import { arrows, build, format, lint, types, unitTests, unused } from "./checks.mjs";
import { step } from "./step.mjs";

const results = [
  await step("build", build),
  await step("types of the tests", types),
  await step("lint", lint),
  await step("format", format),
  await step("unused code", unused),
  await step("arrows among the packages", arrows),
  await step("unit tests", unitTests),
];
process.exitCode = results.every(Boolean) ? 0 : 1;
