/**
 * Prometheus' promtool, which judges configurations and runs the unit tests of alerts: `PROMTOOL`, else the one on the PATH,
 * else the one inside Debian's package `prometheus`, which is downloaded and unpacked, not installed: that needs no root and
 * starts no service.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "./cache.ts";

const run = promisify(execFile);
const DOWNLOAD_TIMEOUT_MS = 5 * 60_000;

/** The command that runs promtool. Throws, saying how to get it, where it cannot be had. */
export async function fetchPromtool(): Promise<string> {
  const given = process.env["PROMTOOL"] ?? "promtool";
  if (await isRunnable(given)) return given;
  const command = join(cacheDirectory(), "promtool");
  if (existsSync(command) && (await isRunnable(command))) return command;
  process.stderr.write("test equipment: fetching promtool from Debian's package prometheus, once\n");
  const folder = mkdtempSync(`${command}-`);
  try {
    await download(folder);
    const archive = readdirSync(folder).find((name) => /^prometheus_.*\.deb$/.test(name));
    if (archive === undefined) throw new Error("apt-get has brought no package");
    await run("dpkg-deb", ["--extract", archive, "."], { cwd: folder });
    // Renamed when complete, so that two runs at once do not disturb each other.
    renameSync(join(folder, "usr", "bin", "promtool"), command);
  } catch (error) {
    const reason = error instanceof Error ? error.message.trim().split("\n").slice(-1)[0] : String(error);
    throw new Error(
      `promtool is not on the PATH and cannot be fetched (${reason}); install Prometheus or set PROMTOOL`,
      {
        cause: error,
      },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return command;
}

/** With apt's lists of this machine, else, where these are empty or too old, with fresh ones of our own. */
async function download(folder: string): Promise<void> {
  const options = { cwd: folder, timeout: DOWNLOAD_TIMEOUT_MS };
  try {
    await run("apt-get", ["download", "prometheus"], options);
  } catch {
    const lists = join(folder, "lists");
    const cache = join(folder, "cache");
    for (const place of [lists, cache]) mkdirSync(join(place, "partial"), { recursive: true });
    const own = [
      "-o",
      `Dir::State::lists=${lists}`,
      "-o",
      `Dir::Cache=${cache}`,
      "-o",
      `Dir::Cache::archives=${cache}`,
    ];
    await run("apt-get", [...own, "update"], options);
    await run("apt-get", [...own, "download", "prometheus"], options);
  }
}

function isRunnable(command: string): Promise<boolean> {
  return run(command, ["--version"]).then(
    () => true,
    () => false,
  );
}
