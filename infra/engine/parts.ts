/** The parts of the drill on the whole stack: setup, kills, the guide, loss and restore. Each adds its verdicts. */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toRun, type GuideCommand, type Names } from "./guide/command.ts";
import { killOnce } from "./recovery.ts";
import { askAll, compareAnswers, writeMemories } from "./searches.ts";
import { lastLines } from "./shell.ts";
import { healthOf, inFolder, setting, waitForHealth, type Stack } from "./stack.ts";
import type { Verdict, VerdictName } from "./verdicts.ts";

export type Report = (verdict: Verdict) => void;

/** What runs on, in the order in which it is killed. */
export const RUNNING = ["mem0", "mem0-worker", "postgres", "qdrant", "redis", "caddy"] as const;
/** With the job that waits for its hour, whose first health check comes after a minute. */
const ALL_RUNNING = [...RUNNING, "mem0-backup"] as const;
const SETUP_SECONDS_MAX = 60;
const HEALTH_MS = 180_000;
const COMMAND_MS = 240_000;
const ENDLESS_MS = 8_000;
const TIMED_OUT = 124;

/** `setup.sh` with these options, until what is named is healthy. */
export async function setUp(
  stack: Stack,
  report: Report,
  { options = "", containers = RUNNING }: { options?: string; containers?: readonly string[] } = {},
): Promise<boolean> {
  const what = `infra/setup.sh${options === "" ? "" : ` ${options}`}`;
  const { code, output, seconds } = await inFolder(stack, `sh infra/setup.sh ${options}`, { timeoutMs: COMMAND_MS });
  const isInTime = seconds <= SETUP_SECONDS_MAX;
  const note = code === 0 ? `healthy after ${seconds.toFixed(1)} s` : lastLines(output);
  report({ part: "setup", what, verdict: code === 0 && isInTime ? "ok" : "FAILED", note });
  if (code !== 0) return false;
  const unwell = await waitForHealth(stack, containers, HEALTH_MS);
  const verdict = unwell.length === 0 ? "ok" : "FAILED";
  report({ part: "setup", what: `${what}: ${containers.join(", ")}`, verdict, note: unwell.join("; ") || "healthy" });
  return unwell.length === 0;
}

/** Each container is killed once, and has to come back by itself while nobody does anything. */
export async function killEach(
  stack: Stack,
  report: Report,
  containers: readonly string[] = ALL_RUNNING,
): Promise<void> {
  await waitForHealth(stack, containers, HEALTH_MS);
  for (const container of containers) {
    const { isBack, seconds, note } = await killOnce(stack, container, setting(stack, "MEM0_API_KEY"));
    report({
      part: "kill",
      what: `kill -9 of the first process of ${container}`,
      verdict: isBack ? "ok" : "FAILED",
      note: isBack
        ? `healthy, written and found after ${seconds.toFixed(1)} s`
        : `${note}, after ${seconds.toFixed(0)} s`,
    });
  }
}

/** Backed up, destroyed with its volumes, set up anew, restored: the same questions have the same answers. */
export async function loseAndRestore(stack: Stack, report: Report, compose: string): Promise<void> {
  await writeMemories(setting(stack, "MEM0_API_KEY"));
  const before = await askAll(setting(stack, "MEM0_API_KEY"));
  const step = async (what: string, command: string): Promise<boolean> => {
    const { code, output, seconds } = await inFolder(stack, command, { timeoutMs: COMMAND_MS });
    const note = code === 0 ? `${seconds.toFixed(1)} s` : lastLines(output);
    report({ part: "restore", what, verdict: code === 0 ? "ok" : "FAILED", note });
    return code === 0;
  };
  const backup = "docker exec mem0-backup bash /backup/backup_mem0.sh";
  if (!(await step(backup, backup)) || !(await step("down -v", `${compose} down -v`))) return;
  if (!(await setUp(stack, report))) return;
  const files = readdirSync(join(stack.folder, "backups"));
  const dump = files.find((name) => name.endsWith(".sql")) ?? "";
  const snapshot = files.find((name) => name.endsWith(".snapshot")) ?? "";
  const restore = `docker exec mem0-backup bash /backup/restore_mem0.sh /opt/backups/${dump} --snapshot /opt/backups/${snapshot}`;
  const reconcile = "docker exec mem0 node packages/cli/dist/main.js reconcile --wait";
  const isRestored =
    (await step("stop mem0 mem0-worker", `${compose} stop mem0 mem0-worker`)) &&
    (await step("restore_mem0.sh", restore)) &&
    (await step("up -d", `${compose} up -d`)) &&
    (await waitForHealth(stack, RUNNING, HEALTH_MS)).length === 0 &&
    (await step("reconcile --wait", reconcile));
  if (!isRestored) return;
  const differences = compareAnswers(before, await askAll(setting(stack, "MEM0_API_KEY")));
  const [first] = differences;
  const note = first === undefined ? "" : `${differences.length} differ; ${JSON.stringify(first)}`;
  const hasFound = before.filter((found) => found.length > 0).length;
  const isSame = differences.length === 0 && hasFound === before.length;
  const what = `the same ${before.length} searches answered the same`;
  report({
    part: "restore",
    what,
    verdict: isSame ? "ok" : "FAILED",
    note: note || `${hasFound} with memories in them`,
  });
}

/** The commands of a chapter one after the other, each as the guide has it or as it is replaced. */
export async function followGuide(
  stack: Stack,
  report: Report,
  commands: readonly GuideCommand[],
  { names, waitFor }: { names: Names; waitFor: readonly string[] },
): Promise<void> {
  for (const command of commands) {
    const at = { part: command.id.includes(" ") ? command.id : `guide ${command.id}`, what: command.written };
    if (command.notRun !== undefined) {
      report({ ...at, verdict: "not run", note: command.notRun });
      continue;
    }
    if (command.isAfterStart) await waitForHealth(stack, await existing(stack, waitFor), HEALTH_MS);
    const text = withSudo(toRun(command, names));
    const { code, output } = await inFolder(stack, text, { timeoutMs: command.isEndless ? ENDLESS_MS : COMMAND_MS });
    const hasEnded = code === 0 || (command.isEndless && code === TIMED_OUT);
    const isSeen = command.shows?.test(output) ?? true;
    const isOk = hasEnded && isSeen;
    const verdict: VerdictName = !isOk ? "FAILED" : command.instead === undefined ? "ok" : "replaced";
    const failure = `code ${code}${isSeen ? "" : `, no ${String(command.shows)}`}: ${lastLines(output, 4)}`;
    report({ ...at, verdict, note: isOk ? (command.instead?.why ?? "") : failure });
  }
}

/** A command may have taken one of them down, for the next to bring up. */
async function existing(stack: Stack, containers: readonly string[]): Promise<string[]> {
  const states = await Promise.all(containers.map(async (name) => ({ name, state: await healthOf(stack, name) })));
  return states.filter(({ state }) => state !== "missing").map(({ name }) => name);
}

/** A machine without sudo is one whose user is root. */
function withSudo(text: string): string {
  return `command -v sudo > /dev/null || sudo() { "$@"; }\n${text}`;
}

/** The certificate of Caddy's own authority, for what asks https://mem0.localhost; with what is trusted already. */
export async function trustCaddy(stack: Stack): Promise<Stack> {
  const file = join(stack.folder, "caddy-root.crt");
  const { code, output } = await inFolder(stack, "docker exec caddy cat /data/caddy/pki/authorities/local/root.crt");
  if (code !== 0 || !output.includes("BEGIN CERTIFICATE")) return stack;
  writeFileSync(file, output);
  return existsSync(file) ? { ...stack, env: { ...stack.env, CURL_CA_BUNDLE: file, SSL_CERT_FILE: file } } : stack;
}
