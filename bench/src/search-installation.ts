import { setTimeout as sleep } from "node:timers/promises";
import { Connection } from "./connection.ts";
import { toUuid } from "./memory-id.ts";
import { startService, type ServiceName } from "./processes.ts";
import { readCpu, watchMemory, type MemoryWatch, type Reading } from "./search-memory.ts";
import type { Stored } from "./search-recall.ts";
import type { Part, Stores } from "./search-stores.ts";
import { createTarget, type Owned, type Target } from "./search-target.ts";
import { round } from "./statistics.ts";

const BULK_SIZE = 500;
/** A page of a list has no more. */
const PAGE_MAX = 1_000;
const LIMIT = 10;
const INDEXED_POLL_MS = 500;
/** Of a million memories; a hang is to end the run with a reason. */
const INDEXED_TIMEOUT_MS = 60 * 60_000;

/** Services over their stores, with every memory in the index. */
export interface Installation {
  readonly target: Target;
  readonly url: string;
  readonly stores: Stores;
  readonly memory: MemoryWatch;
  readonly memories: readonly Stored[];
  readonly loading: Loading;
}

export interface Loading {
  /** Until all was accepted, until all was in the index, and until that had come to rest. */
  readonly acceptedSeconds: number;
  readonly indexedSeconds: number;
  readonly settledSeconds: number;
  /** Processor time of all of that, by part. */
  readonly cpuSeconds: ReadonlyMap<string, number>;
  readonly memoryAfter: Reading;
}

export interface InstallationOptions {
  readonly name: string;
  readonly services: readonly ServiceName[];
  readonly stores: Stores;
  readonly askers: number;
}

/** Starts the services, loads every statement and waits until all are in the index. */
export async function openInstallation(
  { name, services, stores, askers }: InstallationOptions,
  statements: readonly Owned[],
): Promise<Installation> {
  // So that loading as fast as it goes is not refused for what waits to be indexed.
  const env = { ...stores.env, BACKLOG_BULK_LIMIT: String(2 * statements.length) };
  let url: string | undefined;
  const own: Part[] = [];
  for (const service of services) {
    const started = await startService(service, env);
    own.push({ name: service, pid: started.pid });
    if (service !== "worker") url = started.url;
  }
  if (url === undefined) throw new Error(`${name}: nothing listens`);
  const open = url;
  const parts = [...own, ...stores.parts];
  const memory = watchMemory(parts);
  const line = await Connection.open(open);
  const { memories, ...loaded } = await memory.during(() => load(name, { line, statements, parts, stores }));
  line.close();
  const lines = { open: () => Connection.open(open), close: (one: Connection) => one.close() };
  return {
    target: createTarget(name, lines, { askers, ask: search }),
    url,
    stores,
    memory,
    memories,
    loading: { ...loaded, memoryAfter: await memory.read() },
  };
}

async function load(
  name: string,
  given: { line: Connection; statements: readonly Owned[]; parts: readonly Part[]; stores: Stores },
): Promise<Omit<Loading, "memoryAfter"> & { readonly memories: readonly Stored[] }> {
  const { line, statements } = given;
  const timed = [...given.parts, ...given.stores.elsewhere];
  const cpuBefore = await readCpu(timed);
  const memories: Stored[] = [];
  const begin = performance.now();
  for (let from = 0; from < statements.length; from += BULK_SIZE) {
    const batch = statements.slice(from, from + BULK_SIZE);
    const body = JSON.stringify({
      memories: batch.map(({ content, type, userId }) => ({ user_id: userId, content, type })),
    });
    const answer = await askJson<{ created: number; results: { index: number; id: string }[] }>(
      line,
      "/api/memories/bulk",
      body,
    );
    if (answer.created !== batch.length)
      throw new Error(`${name}: ${answer.created} of ${batch.length} memories were created`);
    for (const { index, id } of answer.results) {
      const statement = batch[index];
      if (statement !== undefined) memories.push({ ...statement, id: toUuid(id) });
    }
  }
  const acceptedSeconds = (performance.now() - begin) / 1000;
  console.error(`${name}: accepted in ${round(acceptedSeconds)} s`);
  await waitUntilIndexed(name, line, statements);
  const indexedSeconds = (performance.now() - begin) / 1000;
  console.error(`${name}: indexed in ${round(indexedSeconds)} s`);
  await given.stores.settle?.();
  const settledSeconds = (performance.now() - begin) / 1000;
  if (given.stores.settle !== undefined) console.error(`${name}: settled in ${round(settledSeconds)} s`);
  const cpuAfter = await readCpu(timed);
  const cpuSeconds = new Map(Array.from(cpuAfter, ([part, seconds]) => [part, seconds - (cpuBefore.get(part) ?? 0)]));
  return { acceptedSeconds, indexedSeconds, settledSeconds, cpuSeconds, memories };
}

/** As the lists of all users say. */
async function waitUntilIndexed(name: string, line: Connection, statements: readonly Owned[]): Promise<void> {
  const deadline = Date.now() + INDEXED_TIMEOUT_MS;
  for (const user of new Set(statements.map(({ userId }) => userId))) {
    let cursor = "";
    for (;;) {
      const path = `/api/memories/user/${user}?limit=${PAGE_MAX}${cursor === "" ? "" : `&cursor=${cursor}`}`;
      const page = await askJson<{ memories: { index_status: string }[]; next_cursor?: string | null }>(line, path);
      if (page.memories.every((memory) => memory.index_status === "indexed")) {
        if (page.next_cursor === undefined || page.next_cursor === null) break;
        cursor = encodeURIComponent(page.next_cursor);
        continue;
      }
      if (Date.now() > deadline) throw new Error(`${name}: not indexed in time`);
      await sleep(INDEXED_POLL_MS);
    }
  }
}

async function search(line: Connection, { userId, question }: Owned) {
  const body = JSON.stringify({ user_id: userId, query: question, limit: LIMIT });
  const { timings, ...asked } = await line.ask({ method: "POST", path: "/api/memories/search", body });
  const answer = parse(asked) as { memories: { content: string }[]; degraded?: { code: string }[] };
  return {
    vectorsMs: (timings["embed"] ?? 0) + (timings["vectors"] ?? 0),
    contents: answer.memories.map((memory) => memory.content),
    // That embeddings are lexical is how an installation without a model is meant to be.
    degraded: answer.degraded?.some((one) => one.code !== "lexical_embeddings") ?? false,
  };
}

async function askJson<T>(connection: Connection, path: string, body?: string): Promise<T> {
  const answer = await connection.ask(body === undefined ? { method: "GET", path } : { method: "POST", path, body });
  return parse(answer) as T;
}

function parse({ status, body }: { status: number; body: Buffer }): unknown {
  if (status !== 200) throw new Error(`${status} ${body.toString("utf8")}`);
  return JSON.parse(body.toString("utf8"));
}
