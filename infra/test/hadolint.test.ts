import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { findTool } from "../../test-equipment/src/index.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");
const hadolint = (await findTool("hadolint")) ?? "";

(hadolint === "" ? describe.skip : describe)("hadolint", () => {
  test.each(["Dockerfile", "infra/engine/stand-ins/Dockerfile"])("%s", async (file) => {
    await expect(run(hadolint, [join(root, file)])).resolves.toMatchObject({ stdout: "" });
  });
});
