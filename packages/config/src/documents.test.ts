import { expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig, renderConfigurationPage, renderEnvExample, VARIABLES } from "./index.ts";
import { parseEnvFile } from "./env-file.ts";

const root = join(import.meta.dirname, "..", "..", "..");

// After a change of the table: node scripts/run.mjs scripts/write-config-docs.mjs
test(".env.example is what the table of variables says", () => {
  expect(readFileSync(join(root, ".env.example"), "utf8")).toBe(renderEnvExample());
});

test("docs/configuration.md is what the table of variables says", () => {
  expect(readFileSync(join(root, "docs", "configuration.md"), "utf8")).toBe(renderConfigurationPage());
});

test("a copy of .env.example changes nothing, also with its defaults switched on", () => {
  const defaults = loadConfig({}, { cwd: import.meta.dirname });
  const copy = parseEnvFile(renderEnvExample());
  const switchedOn = parseEnvFile(renderEnvExample().replace(/^#(?=[A-Z_0-9]+=)/gm, ""));
  expect(loadConfig(copy, { cwd: import.meta.dirname })).toEqual(defaults);
  expect(loadConfig(switchedOn, { cwd: import.meta.dirname })).toEqual(defaults);
});

test("every example is a value that would be taken", () => {
  for (const [name, variable] of Object.entries(VARIABLES)) {
    expect(() => loadConfig({ [name]: variable.example }, { cwd: import.meta.dirname })).not.toThrow();
  }
});
