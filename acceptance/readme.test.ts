// Everything that ../README.md shows and marks is run here, and gives what it says.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { nextBase } from "./client.ts";
import { findDifferences, lastJson, readExamples } from "./examples.ts";
import { target } from "./target.ts";

const run = promisify(execFile);
const timeoutMs = 60_000;
const examples = readExamples(readFileSync(join(import.meta.dirname, "..", "README.md"), "utf8"));

describe("README.md", () => {
  test("has examples", () => {
    expect(examples.length).toBeGreaterThan(0);
  });

  test.each(examples)("line $line", async ({ script, answer }) => {
    const base = nextBase();
    const env = {
      PATH: process.env["PATH"] ?? "",
      HOME: process.env["HOME"] ?? "",
      LANG: "C.UTF-8",
      ENGRAM_URL: base,
      ENGRAM_KEY: target.key,
      BASE: base,
      KEY: target.key,
    };
    // Fails with what the script said when its exit code is not 0.
    const { stdout } = await run("bash", ["-euo", "pipefail", "-c", script], { env, timeout: timeoutMs });
    if (answer !== undefined) expect(findDifferences(answer, lastJson(stdout))).toEqual([]);
  });
});
