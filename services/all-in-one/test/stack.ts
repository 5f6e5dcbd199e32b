import { randomBytes } from "node:crypto";
import { startApi } from "@engram/api";
import { loadConfig } from "@engram/config";
import { openSockets, openTruth, Readiness, type Sockets } from "@engram/sockets";
import { createLogger, createMetrics } from "@engram/telemetry";
import {
  createTestDatabase,
  findFreePort,
  startOpenAI,
  startQdrant,
  type OpenAI,
  type Qdrant,
} from "@engram/test-equipment";
import { startWorker, type Worker } from "@engram/worker";

/** The whole service in this process, over stores of its own that a test may trouble as it likes. */
export interface Stack {
  readonly url: string;
  readonly sockets: Sockets;
  readonly qdrant: Qdrant;
  readonly openai: OpenAI;
  readonly collection: string;
  /** What API and worker have logged: the message, and code and reason where they are told. */
  readonly logs: { readonly msg: string; readonly code?: string; readonly reason?: string }[];
  /** The API's Prometheus page. */
  metrics(): Promise<string>;
  call(method: string, path: string, body?: unknown): Promise<{ status: number; headers: Headers; body: Answer }>;
  restartWorker(given: Record<string, string>): Promise<void>;
  /** What the worker uses, which may be another database after a restart. */
  workerSockets(): Sockets;
  close(): Promise<void>;
}

/** What tests look at; everything optional, for an error has other fields than a memory. */
export interface Answer {
  readonly id?: string;
  readonly message?: string;
  readonly index_status?: string;
  readonly memories?: readonly { readonly id: string; readonly content: string }[];
  readonly jobs?: readonly { readonly id: string; readonly memory_id: string; readonly error: string }[];
  readonly degraded?: readonly { readonly code: string }[];
  readonly sockets?: Readonly<Record<string, string>>;
  readonly problems?: readonly { readonly code: string }[];
}

export const KEY = "a-key-for-tests";

/** `before`: SQL that is run in the database before the first start. */
export async function startStack(
  given: Record<string, string> = {},
  { before }: { before?: string } = {},
): Promise<Stack> {
  const database = await createTestDatabase(process.env["ENGRAM_TEST_DATABASE_URL"] ?? "");
  const [qdrant, openai] = await Promise.all([startQdrant(), startOpenAI()]);
  const collection = `stack_${randomBytes(6).toString("hex")}`;
  const environment = {
    DATABASE_URL: database.url,
    QDRANT_URL: qdrant.url,
    QDRANT_TIMEOUT_MS: "1000",
    OPENAI_BASE_URL: openai.url,
    OPENAI_API_KEY: "sk-test",
    OPENAI_TIMEOUT_MS: "2000",
    MEM0_COLLECTION_NAME: collection,
    MEM0_API_KEY: KEY,
    MEM0_PORT: String(await findFreePort()),
    SEARCH_DEADLINE_MS: "500",
    OUTBOX_POLL_MS: "50",
    ...given,
  };
  const logs: { msg: string; code?: string; reason?: string }[] = [];
  const destination = { write: (line: string) => void logs.push(JSON.parse(line) as { msg: string }) };
  const open = async (env: Record<string, string>) => {
    const config = loadConfig(env, { cwd: "/nonexistent" });
    const logger = createLogger({ level: "info", name: "test", destination });
    const metrics = createMetrics({ version: "test" });
    const readiness = new Readiness(config);
    return {
      config,
      logger,
      metrics,
      sockets: await openSockets(config, { logger, metrics, readiness }),
      readiness,
      version: "test",
    };
  };

  if (before !== undefined) {
    const db = await openTruth(
      loadConfig(environment, { cwd: "/nonexistent" }),
      createLogger({ level: "silent", name: "test" }),
    );
    await db.script(before);
    await db.close();
  }
  const parts = await open(environment);
  let workerParts = await open(environment);
  let worker: Worker = startWorker(workerParts);
  const api = await startApi({ ...parts, keys: [KEY] });
  await worker.prepared;
  // The API migrates by itself, and answers 503 until it knows that the schema stands.
  await eventually(async () => (await fetch(`${api.url}/readyz`)).status === 200);

  return {
    url: api.url,
    sockets: parts.sockets,
    qdrant,
    openai,
    collection,
    logs,
    metrics: () => parts.metrics.registry.metrics(),
    async call(method, path, body) {
      const answer = await fetch(api.url + path, {
        method,
        headers: { "x-api-key": KEY, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Answer };
    },
    async restartWorker(changed) {
      await worker.stop();
      await workerParts.sockets.close();
      workerParts = await open({ ...environment, ...changed });
      worker = startWorker(workerParts);
      await worker.prepared;
    },
    workerSockets: () => workerParts.sockets,
    async close() {
      await api.stop();
      await worker.stop();
      await Promise.all([parts.sockets.close(), workerParts.sockets.close()]);
      await Promise.all([qdrant.stop(), openai.stop()]);
      await database.drop();
    },
  };
}

/** Tries until it gives something, for 25 seconds unless told otherwise. */
export async function eventually<T>(
  attempt: () => T | undefined | false | Promise<T | undefined | false>,
  { timeoutMs = 25_000 }: { timeoutMs?: number } = {},
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await attempt();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`it did not come to pass within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
