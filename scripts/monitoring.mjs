// Whether Prometheus takes what infra/prometheus gives it, and whether each alert fires when it should and not when it
// should not: promtool's check config, check rules and test rules. `npm test` runs this; alone:
// node scripts/run.mjs scripts/monitoring.mjs
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { fetchPromtool } from "../test-equipment/src/index.ts";
import { root } from "./step.mjs";

const run = promisify(execFile);
const secretFile = "/tmp/qdrant_api_key";

/** True when all is well; false, with what promtool has said, when not. Throws where promtool cannot be had. */
export async function monitoring() {
  const promtool = await fetchPromtool();
  const folder = mkdtempSync(join(tmpdir(), "engram-prometheus-"));
  try {
    cpSync(join(root, "infra", "prometheus"), folder, { recursive: true });
    provideSecret(folder);
    const files = (name) => readdirSync(join(folder, name)).map((file) => join(name, file));
    const commands = [
      ["check", "config", "prometheus.yaml"],
      ["check", "rules", ...files("rules")],
      ["test", "rules", ...files("tests")],
    ];
    let isWell = true;
    for (const args of commands) isWell = (await isAccepted(promtool, args, folder)) && isWell;
    return isWell;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** promtool wants to see the file of a key, which the container makes when it starts. */
function provideSecret(folder) {
  const file = join(folder, "prometheus.yaml");
  const config = readFileSync(file, "utf8");
  if (!config.includes(secretFile)) throw new Error(`prometheus.yaml: no ${secretFile}`);
  writeFileSync(join(folder, "secret"), "a-key");
  writeFileSync(file, config.replaceAll(secretFile, join(folder, "secret")));
}

async function isAccepted(promtool, args, cwd) {
  try {
    await run(promtool, args, { cwd });
    return true;
  } catch (error) {
    process.stderr.write(`promtool ${args.slice(0, 2).join(" ")}:\n${error.stdout ?? ""}${error.stderr ?? error}\n`);
    return false;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = (await monitoring()) ? 0 : 1;
