// A process that is killed between a commit and its answer: the client retries under the same Idempotency-Key.
import { once } from "node:events";
import { afterAll, describe, expect, test } from "@jest/globals";
import { startOpenAI, type OpenAI } from "@engram/test-equipment";
import type { Memory, Page } from "../memories.ts";
import { target } from "../target.ts";
import { until } from "../until.ts";
import { readiness, start, stopStarted, type Started } from "./started.ts";

let openai: OpenAI | undefined;
afterAll(async () => {
  await stopStarted();
  await openai?.stop();
});

const onceOnly = target.kind === "embedded" ? describe : describe.skip;

onceOnly("killed between commit and answer", () => {
  test("the retry gets the memory that was committed, and no second one", async () => {
    openai = await startOpenAI();
    // A short lease, so that the successor may soon take the work that died with its worker.
    const environment = { OPENAI_BASE_URL: openai.url, OPENAI_API_KEY: "sk-test", OUTBOX_LEASE_SECONDS: "6" };
    const first = await start(environment);
    await until("the first to be ready", async () => (await readiness(first))?.status === 200, { timeoutMs: 60_000 });
    // Its vector never comes, so the answer, which waits for it, has not been given when the process dies.
    await openai.fault({ hang: true, match: "висит" });
    const lost = post(first).then(
      () => "answered",
      () => "cut",
    );
    const committed = await until("the memory to be committed", async () => (await list(first)).memories[0]);
    first.child.kill("SIGKILL");
    await once(first.child, "exit");
    expect(await lost).toBe("cut");

    await openai.clearFaults();
    const second = await start({ ...environment, DATA_DIR: first.directory });
    await until("the second to be ready", async () => (await readiness(second))?.status === 200, { timeoutMs: 60_000 });
    const retried = await post(second);
    expect(retried.status).toBe(201);
    expect(retried.headers.get("idempotency-replayed")).toBe("true");
    const text = await retried.text();
    expect(JSON.parse(text)).toMatchObject({ id: committed.id, seen_count: 1, index_status: "indexed" });
    expect((await list(second)).total).toBe(1);
    expect(await (await post(second)).text()).toBe(text);
  }, 180_000);
});

const headers = { "x-api-key": "key", "content-type": "application/json" };

/** The same request each time: an event, which nothing but its key would merge. */
function post({ base }: Started): Promise<Response> {
  const body: Partial<Memory> & { wait: number } = { user_id: "u", content: "висит", type: "interaction", wait: 60 };
  return fetch(`${base}/api/memories`, {
    method: "POST",
    headers: { ...headers, "idempotency-key": "the-same" },
    body: JSON.stringify(body),
  });
}

async function list({ base }: Started): Promise<Page> {
  return (await (await fetch(`${base}/api/memories/user/u`, { headers })).json()) as Page;
}
