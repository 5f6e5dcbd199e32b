import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { fetchShellcheck, findTool } from "../../test-equipment/src/index.ts";

const run = promisify(execFile);
const folder = join(import.meta.dirname, "..", "..", ".github", "workflows");
const workflows = readdirSync(folder);
const actionlint = (await findTool("actionlint")) ?? "";

(actionlint === "" ? describe.skip : describe)("actionlint", () => {
  test("there are workflows for changes and for releases", () => {
    expect(workflows).toEqual(["ci.yaml", "release.yaml"]);
  });

  // The scripts of the steps are judged by shellcheck, which actionlint would leave out where it is not on the PATH.
  test.each(workflows)(
    "%s",
    async (file) => {
      const args = ["-no-color", "-shellcheck", await fetchShellcheck(), join(folder, file)];
      await expect(run(actionlint, args)).resolves.toMatchObject({ stdout: "" });
    },
    120_000,
  );
});

describe.each(workflows)("%s", (file) => {
  test("every action is pinned by its commit, with its version beside it", () => {
    const uses = [...readFileSync(join(folder, file), "utf8").matchAll(/uses: (.+)$/gm)].map(([, action]) => action);
    expect(uses.length).toBeGreaterThan(0);
    for (const action of uses) expect(action).toMatch(/^[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });
});
