// Everything that ../README.md shows and marks is run here, and gives what it says.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { findDifferences, lastJson, readExamples } from "./examples.ts";
import { runExample } from "./run-example.ts";

const examples = readExamples(readFileSync(join(import.meta.dirname, "..", "README.md"), "utf8"));

describe("README.md", () => {
  test("has examples", () => {
    expect(examples.length).toBeGreaterThan(0);
  });

  test.each(examples)("line $line", async ({ script, answer }) => {
    const output = await runExample(script);
    if (answer !== undefined) expect(findDifferences(answer, lastJson(output))).toEqual([]);
  });
});
