import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
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
