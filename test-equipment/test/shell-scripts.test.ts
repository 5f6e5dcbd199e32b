import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import { fetchShellcheck } from "../src/tools.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

test("shellcheck has nothing to say about the shell scripts", async () => {
  const program = await fetchShellcheck();
  const scripts = execFileSync("git", ["ls-files", "*.sh", ".ci/run"], { cwd: ROOT, encoding: "utf8" }).trim();
  expect(scripts).toContain("infra/backup/backup_mem0.sh");
  const { stdout, status } = spawnSync(program, ["-x", ...scripts.split("\n")], { cwd: ROOT, encoding: "utf8" });
  expect(stdout).toBe("");
  expect(status).toBe(0);
}, 120_000);
