import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { findTool } from "../../test-equipment/src/index.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");
const hadolint = (await findTool("hadolint")) ?? "";
const shellcheck = (await findTool("shellcheck")) ?? "";

(hadolint === "" ? describe.skip : describe)("hadolint", () => {
  test("Dockerfile", async () => {
    await expect(run(hadolint, [join(root, "Dockerfile")])).resolves.toMatchObject({ stdout: "" });
  });
});

(shellcheck === "" ? describe.skip : describe)("shellcheck", () => {
  const scripts = readdirSync(join(root, "infra"), { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".sh"),
  );

  test.each(scripts)("infra/%s", async (path) => {
    await expect(run(shellcheck, [join(root, "infra", path)])).resolves.toMatchObject({ stdout: "" });
  });
});
