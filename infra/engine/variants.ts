/** The other ways to start: small, hardened, scaled, and docker-compose 1.29. Each comes up once, writes and finds. */
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "./engine.ts";
import { RUNNING, setUp, type Report } from "./parts.ts";
import { search } from "./searches.ts";
import { lastLines } from "./shell.ts";
import { ask, inFolder, setting, waitForHealth, type Stack } from "./stack.ts";

const HEALTH_MS = 180_000;
const COMMAND_MS = 240_000;
const WAIT_SECONDS = 30;
/** Caddy asks for new addresses every two seconds. */
const SPREAD_MS = 2_500;

export interface Variant {
  readonly name: string;
  readonly options: string;
  readonly containers: readonly string[];
  /** The command that takes the files, without its verb. */
  readonly compose: string;
  /** Run before the start. */
  readonly before?: string;
}

export function setupVariants(compose: string): readonly Variant[] {
  return [
    {
      name: "small",
      options: "--small",
      containers: ["mem0", "postgres", "caddy"],
      compose: `${compose} -f docker-compose.small.yaml`,
      // As the guide teaches it; compose takes such a network only as somebody else's.
      before: "docker network create app-network",
    },
    {
      name: "hardened",
      options: "--hardened",
      containers: RUNNING,
      compose: `${compose} -f docker-compose.yaml -f docker-compose.hardened.yaml`,
    },
  ];
}

/** Where no stack is: up, written, found, backed up by itself and by hand, restored both ways, what else there is to see, down with its volumes. */
export async function tryVariant(
  stack: Stack,
  report: Report,
  variant: Variant,
  seeMore: () => Promise<void>,
): Promise<void> {
  const { options, containers, compose, before } = variant;
  if (before !== undefined) await inFolder(stack, before);
  if (await setUp(stack, report, { options, containers })) {
    await useOnce(stack, report, variant.name);
    await backUpOnce(stack, report, variant.name);
    await restoreTwice(stack, report, variant);
    await seeMore();
  }
  await inFolder(stack, `${compose} down -v`, { timeoutMs: COMMAND_MS });
  if (before !== undefined) await inFolder(stack, "docker network rm app-network");
}

/** What useOnce has written is backed up, deleted and put back: by the one script, then step by step (docs/backups.md). */
async function restoreTwice(stack: Stack, report: Report, { name, containers, compose }: Variant): Promise<void> {
  const run = async (what: string): Promise<boolean> => {
    const { code, output, seconds } = await inFolder(stack, what, { timeoutMs: COMMAND_MS });
    const note = code === 0 ? `${seconds.toFixed(1)} s` : lastLines(output);
    report({ part: name, what, verdict: code === 0 ? "ok" : "FAILED", note });
    return code === 0;
  };
  const lose = "docker exec postgres psql -U postgres -d mem0 -c 'DELETE FROM memories'";
  const snapshot = containers.includes("qdrant") ? " --snapshot $B/qdrant_backup_*.snapshot" : "";
  const files = `$B/mem0_db_backup_*.sql${snapshot}`;
  const engram = containers.filter((one) => /^mem0(-worker)?$/.test(one)).join(" ");
  if (!(await run("docker exec mem0-backup bash /backup/backup_mem0.sh"))) return;
  await inFolder(stack, lose);
  if (await run(`B=backups; bash infra/backup/restore_stack.sh ${files}`)) await findOnce(stack, report, name);
  await inFolder(stack, lose);
  const restore = `docker exec mem0-backup bash -c 'B=/opt/backups; bash /backup/restore_mem0.sh ${files}'`;
  const isRestored =
    (await run(`${compose} stop ${engram}`)) &&
    (await run(restore)) &&
    (await run(`${compose} up -d`)) &&
    (await waitForHealth(stack, containers, HEALTH_MS)).length === 0 &&
    (await run("docker exec mem0 node packages/cli/dist/main.js reconcile --wait"));
  if (isRestored) await findOnce(stack, report, name);
}

/** The container of the nightly backup makes one at its first start. */
async function backUpOnce(stack: Stack, report: Report, name: string): Promise<void> {
  const isDone = async (): Promise<boolean> =>
    (await inFolder(stack, "grep -q '^engram_backup_last_result 1' backups/engram_backup.prom")).code === 0;
  const isWell = await until(isDone, HEALTH_MS);
  const { output } = await inFolder(stack, "ls backups; docker logs --tail 5 mem0-backup");
  report({
    part: name,
    what: "the first backup is made",
    verdict: isWell ? "ok" : "FAILED",
    note: isWell ? "" : lastLines(output),
  });
}

/** One memory written, indexed and found, with no lack. */
export async function useOnce(stack: Stack, report: Report, name: string): Promise<void> {
  const at = { part: name, what: "a memory is written, indexed and found" };
  try {
    const memory = { user_id: "once", content: "The user rides a blue bicycle", type: "fact", wait: WAIT_SECONDS };
    await ask(await keyOf(stack), "POST", "/api/memories", memory);
    await findOnce(stack, report, name, at.what);
  } catch (error) {
    report({ ...at, verdict: "FAILED", note: String(error) });
  }
}

/** The memory of useOnce is found, with no lack. */
async function findOnce(
  stack: Stack,
  report: Report,
  name: string,
  what = "what was deleted is found again",
): Promise<void> {
  const at = { part: name, what };
  try {
    const { found, lacks } = await search(await keyOf(stack), { user_id: "once", query: "blue bicycle" });
    const isWell = found.length === 1 && lacks.length === 0;
    report({
      ...at,
      verdict: isWell ? "ok" : "FAILED",
      note: isWell ? "" : `${found.length} found, lacks ${lacks.join(", ")}`,
    });
  } catch (error) {
    report({ ...at, verdict: "FAILED", note: String(error) });
  }
}

/** Two more APIs and one more worker beside a stack that runs; every API gets its share through Caddy. */
export async function scale(stack: Stack, report: Report, compose: string): Promise<void> {
  const files = `${compose} -f docker-compose.yaml -f docker-compose.scale.yaml`;
  const up = `${files} up -d --scale mem0-more=2 --scale mem0-worker-more=1`;
  const { code, output } = await inFolder(stack, up, { timeoutMs: COMMAND_MS });
  const names = await inFolder(stack, `docker ps --format '{{.Names}}' | grep -E 'more'`);
  const more = names.output.trim().split("\n");
  const unwell = code === 0 ? await waitForHealth(stack, [...RUNNING, ...more], HEALTH_MS) : [lastLines(output)];
  const isWell = unwell.length === 0 && more.length === 3;
  report({ part: "scale", what: up, verdict: isWell ? "ok" : "FAILED", note: unwell.join("; ") || more.join(", ") });
  await sleep(SPREAD_MS);
  await useOnce(stack, report, "scale");
}

/** The same files with the older program, which many distributions still have. */
export async function tryOldCompose(stack: Stack, report: Report): Promise<void> {
  const version = await inFolder(stack, "docker-compose version --short");
  if (version.code !== 0) {
    report({ part: "1.29", what: "docker-compose up -d", verdict: "not run", note: "docker-compose is not installed" });
    return;
  }
  const { code, output, seconds } = await inFolder(stack, "docker-compose up -d", { timeoutMs: COMMAND_MS });
  const unwell = code === 0 ? await waitForHealth(stack, RUNNING, HEALTH_MS) : [lastLines(output)];
  report({
    part: version.output.trim(),
    what: "docker-compose up -d",
    verdict: unwell.length === 0 ? "ok" : "FAILED",
    note: unwell.join("; ") || `${seconds.toFixed(1)} s`,
  });
  if (unwell.length === 0) await useOnce(stack, report, version.output.trim());
  await inFolder(stack, "docker-compose down -v", { timeoutMs: COMMAND_MS });
}

/** The first of the keys that the stack takes. */
export async function keyOf(stack: Stack): Promise<string> {
  const inFile = await inFolder(stack, "cat secrets/mem0_api_key");
  return inFile.code === 0 ? inFile.output.trim() : (setting(stack, "MEM0_API_KEY").split(",")[0] ?? "");
}
