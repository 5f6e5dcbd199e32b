// Named, timed steps for check.mjs and test.mjs, and the commands that they run.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** The command that is running, for whoever has to end it. */
let running;

/** Sends a signal to the command that is running, if any. */
export function signalRunning(signal) {
  running?.kill(signal);
}

/** Runs `work`, which tells whether all is well, and prints one line about it. */
export async function step(title, work) {
  const start = performance.now();
  process.stderr.write(`... ${title}\n`);
  const isWell = await work().catch((error) => {
    process.stderr.write(`${error?.stack ?? error}\n`);
    return false;
  });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  process.stderr.write(`${isWell ? "ok " : "BAD"} ${title}, ${seconds} s\n`);
  return isWell;
}

/**
 * Runs a JavaScript file of the packages (or of ours) with this Node; true when it exits with 0. What it prints is shown
 * at once, or, with `quiet`, only when it fails.
 */
export async function runNode(file, args, { quiet = false, flags = [], env = {} } = {}) {
  const child = spawn(process.execPath, [...flags, join(root, file), ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: quiet ? ["ignore", "pipe", "pipe"] : ["ignore", 2, 2],
  });
  running = child;
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => output.push(chunk));
  const isWell = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code === 0));
  });
  running = undefined;
  if (!isWell) process.stderr.write(Buffer.concat(output));
  return isWell;
}

/** Runs jest as ES modules need it. */
export function runJest(args, { quiet = false, env = {} } = {}) {
  const flags = ["--experimental-vm-modules", "--no-warnings"];
  return runNode("node_modules/jest/bin/jest.js", args, { quiet, flags, env });
}
