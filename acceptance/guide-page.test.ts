// The Russian guide that we ship: every command of it that wants no Docker engine is run here, top to bottom, as a reader would.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { findDifferences, lastJson, readBlocks, readExamples } from "./examples.ts";
import { runExample } from "./run-example.ts";

const page = readFileSync(join(import.meta.dirname, "..", "docs", "ru", "guide.md"), "utf8");
const blocks = readBlocks(page, "bash");
const files = readBlocks(page, "javascript").flatMap(({ mark, script }) => {
  const [, name] = /^file (\S+)$/.exec(mark ?? "") ?? [];
  return name === undefined ? [] : [{ name, script }];
});

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "engram-guide-"));
  for (const { name, script } of files) writeFileSync(join(folder, name), script);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("docs/ru/guide.md", () => {
  test("every command is run, or says that it wants an engine", () => {
    expect(blocks.filter(({ mark }) => mark !== "run" && mark !== "engine").map(({ line }) => line)).toEqual([]);
    expect(files.map(({ name }) => name)).toEqual(["mem0-memory.cjs"]);
  });

  test("no request stands where nothing is run", () => {
    const asking = blocks.filter(({ mark, script }) => mark === "engine" && script.includes("/api/memories"));
    expect(asking.map(({ line }) => line)).toEqual([]);
  });

  test.each(readExamples(page))("line $line", async ({ script, answer }) => {
    const output = await runExample(script, { cwd: folder });
    if (answer !== undefined) expect(findDifferences(answer, lastJson(output))).toEqual([]);
  });

  test.each(blocks.filter(({ mark }) => mark === "engine"))("line $line is read by bash", ({ script }) => {
    expect(spawnSync("bash", ["-n", "-c", script], { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
  });
});
