import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { nextBase } from "./client.ts";
import { target } from "./target.ts";

const run = promisify(execFile);
const timeoutMs = 60_000;

/** What the script of a page prints when somebody pastes it; throws with what it said when its exit code is not 0. */
export async function runExample(script: string, options: { cwd?: string } = {}): Promise<string> {
  const base = nextBase();
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: process.env["HOME"] ?? "",
    LANG: "C.UTF-8",
    ENGRAM_URL: base,
    ENGRAM_KEY: target.key,
    // As the Russian guide calls them.
    MEM0_URL: base,
    MEM0_API_KEY: target.key,
  };
  const { stdout } = await run("bash", ["-euo", "pipefail", "-c", script], { env, timeout: timeoutMs, ...options });
  return stdout;
}
