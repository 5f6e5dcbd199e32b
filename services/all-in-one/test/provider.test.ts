import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { parseMemoryId } from "@engram/memory";
import type { OpenAIFault } from "@engram/test-equipment";
import { eventually, startStack, type Stack } from "./stack.ts";

/*
 * What a provider of embeddings may do wrong, at the level of the worker: what is tried again, what is parked, who waits.
 * Texts have a word of their own, so that a fault meets only the calls that it is meant for.
 */

const whenThere =
  process.env["ENGRAM_TEST_DATABASE_URL"] === undefined || process.env["ENGRAM_TEST_QDRANT_URL"] === undefined
    ? describe.skip
    : describe;

let words = 0;
const freshWord = (): string => `слово${++words}я`;

/** What the tests ask of a stack. */
function asked(stack: Stack) {
  const statusOf = async (id: string) => (await stack.call("GET", `/api/memories/${id}`)).body.index_status;
  return {
    async create(content: string, given: object = {}): Promise<string> {
      const { status, body } = await stack.call("POST", "/api/memories", { user_id: "u", content, ...given });
      expect(status).toBeLessThan(300);
      return body.id ?? "";
    },
    statusOf,
    indexed: (id: string) => eventually(async () => (await statusOf(id)) === "indexed"),
    async workOf(id: string) {
      const [row] = await stack.sockets.db.query<{
        error: string | null;
        attempts: number;
        parked: boolean;
        wait: number;
      }>(
        `SELECT error, attempts, parked_at IS NOT NULL AS parked, extract(epoch FROM due_at - now())::float8 AS wait
         FROM engram.outbox WHERE key = $1::uuid`,
        [parseMemoryId(id)],
      );
      return row;
    },
    search: async (query: string) => (await stack.call("POST", "/api/memories/search", { user_id: "u", query })).body,
    calls: async () => (await stack.openai.counters())["calls"] ?? 0,
    readyz: async () => {
      const { body } = await stack.call("GET", "/readyz");
      return body as unknown as { sockets: Record<string, string>; problems: { code: string; message: string }[] };
    },
  };
}

whenThere("a provider in trouble", () => {
  let stack: Stack;
  let ask: ReturnType<typeof asked>;
  beforeAll(async () => {
    stack = await startStack({ OPENAI_TIMEOUT_MS: "500" });
    ask = asked(stack);
  }, 60_000);
  afterAll(() => stack.close());
  afterEach(() => stack.openai.clearFaults());

  test.each<[string, OpenAIFault]>([
    ["408", { status: 408 }],
    ["409", { status: 409 }],
    ["429", { status: 429 }],
    ["500", { status: 500 }],
    ["503", { status: 503 }],
    ["a hang", { hang: true }],
    ["wrong JSON", { wrong_json: true }],
    ["another dimension", { wrong_dimension: true }],
    ["half an answer", { half: true }],
    ["401", { status: 401 }],
    ["403", { status: 403 }],
    ["404", { status: 404 }],
  ])(
    "%s is tried again, and parks nothing",
    async (_name, fault) => {
      const word = freshWord();
      await stack.openai.fault({ ...fault, match: word, times: 1 });
      const before = (await stack.openai.counters())["faults"] ?? 0;
      const ids = await Promise.all([ask.create(`раз ${word}`), ask.create(`два ${word}`)]);
      for (const id of ids) await ask.indexed(id);
      expect((await stack.openai.counters())["faults"]).toBe(before + 1);
    },
    20_000,
  );

  test.each([400, 413, 422])(
    "a text refused with %i is parked with the status; its neighbours are indexed",
    async (status) => {
      const [word, poison] = [freshWord(), freshWord()];
      await stack.openai.fault({ status, match: poison });
      const { body } = await stack.call("POST", "/api/memories/bulk", {
        memories: Array.from({ length: 10 }, (_, i) => ({
          user_id: "u",
          content: `запись ${i} ${word} ${i === 6 ? poison : ""}`,
        })),
      });
      const ids = (body as unknown as { results: { id: string }[] }).results.map((one) => one.id);
      for (const [i, id] of ids.entries()) if (i !== 6) await ask.indexed(id);
      const poisoned = ids[6] ?? "";
      await eventually(async () => (await ask.statusOf(poisoned)) === "failed");
      expect(await ask.workOf(poisoned)).toMatchObject({
        error: `invalid: The model provider refuses the input (${status})`,
        attempts: 1,
        parked: true,
      });
    },
    20_000,
  );

  test("a provider that refuses every text with 400 parks none of them", async () => {
    await stack.openai.fault({ status: 400 });
    const id = await ask.create(freshWord());
    await eventually(async () => (await ask.workOf(id))?.error?.startsWith("unavailable: No text is embedded"));
    expect(await ask.workOf(id)).toMatchObject({ parked: false });
    await stack.openai.clearFaults();
    await ask.indexed(id);
  }, 20_000);

  test("a wrong key is a problem with its cure, parks nothing, and is over when it is mended", async () => {
    await stack.openai.fault({ status: 401 });
    const id = await ask.create(freshWord());
    const found = await eventually(async () => {
      await ask.search("что угодно");
      const ready = await ask.readyz();
      return ready.problems.length > 0 && ready;
    });
    expect(found).toMatchObject({
      sockets: { models: "unavailable" },
      problems: [{ code: "provider_key", message: expect.stringContaining("OPENAI_API_KEY") }],
    });
    expect(await ask.workOf(id)).toMatchObject({ parked: false });
    await stack.openai.clearFaults();
    await ask.indexed(id);
    await eventually(async () => {
      await ask.search("что угодно");
      return (await ask.readyz()).problems.length === 0;
    });
  }, 30_000);

  test("a provider that is away is not asked by work either: nothing is claimed only to fail", async () => {
    await stack.openai.fault({ status: 500 });
    const first = await ask.create(freshWord());
    // Three failures open the circuit.
    await eventually(async () => ((await ask.workOf(first))?.attempts ?? 0) >= 3);
    const second = await ask.create(freshWord());
    const before = await ask.calls();
    await eventually(async () => (await ask.calls()) >= before + 3); // by probes
    expect(await ask.workOf(second)).toMatchObject({ attempts: 0, error: null });
    await stack.openai.clearFaults();
    for (const id of [first, second]) await ask.indexed(id);
  }, 30_000);

  test("a provider that hangs is left alone: searches stop waiting for it, and find it again by themselves", async () => {
    await ask.create("Пользователь выращивает помидоры", { wait: true });
    await stack.openai.fault({ hang: true });
    const first = await ask.search("помидоры");
    expect(first.degraded).toMatchObject([{ code: "deadline" }]);
    // By the circuit itself: a search that joined another's call may be told of its end before that.
    await eventually(async () => {
      await ask.search("помидоры");
      return /engram_circuit_state\{socket="models",use="search"\} 2/.test(await stack.metrics());
    });
    const [before, faults] = [await ask.calls(), await stack.openai.counters()];
    expect(faults["faults"]).toBeGreaterThanOrEqual(3);
    const found = await Promise.all(Array.from({ length: 20 }, () => ask.search("помидоры")));
    for (const one of found) {
      expect(one.degraded).toMatchObject([{ code: "embedder_unavailable" }]);
      expect(one.memories?.length).toBeGreaterThan(0);
    }
    // None of the twenty has asked; a probe may have.
    expect((await ask.calls()) - before).toBeLessThanOrEqual(2);
    await stack.openai.clearFaults();
    await eventually(async () => (await ask.search("помидоры")).degraded === undefined);
  }, 30_000);

  test("so is a Qdrant that hangs", async () => {
    await ask.create("Пользователь собирает марки", { wait: true });
    await stack.qdrant.fault({ match: "query", delay_ms: 3_000 });
    expect((await ask.search("марки")).degraded).toMatchObject([{ code: "deadline" }]);
    await eventually(async () => (await ask.search("марки")).degraded?.[0]?.code === "vectors_unavailable");
    await stack.qdrant.clearFaults();
    await eventually(async () => (await ask.search("марки")).degraded === undefined);
  }, 30_000);
});

whenThere("a provider that asks for a pause", () => {
  let stack: Stack;
  let ask: ReturnType<typeof asked>;
  beforeAll(async () => {
    stack = await startStack({ SEARCH_DEADLINE_MS: "5000" });
    ask = asked(stack);
  }, 60_000);
  afterAll(() => stack.close());

  const endPause = () =>
    stack.sockets.db.script(
      "UPDATE engram.provider_budgets SET paused_until = now(); UPDATE engram.outbox SET due_at = now()",
    );

  test("Retry-After to work: every process keeps to it, deletes go on, searches too; then all is made up for", async () => {
    const [word, deleted] = [freshWord(), await ask.create("Пользователь забыл это", { wait: true })];
    await stack.openai.fault({ status: 429, retry_after: 600, match: word, times: 1 });
    const first = await ask.create(`раз ${word}`);
    await eventually(async () => (await ask.workOf(first))?.error?.startsWith("rate_limited"));
    expect((await ask.workOf(first))?.wait).toBeGreaterThan(590);
    // What another process knows of it: this one has never been told.
    const live = await stack.sockets.targets.live();
    await eventually(async () => (await stack.sockets.workGate(live)).claim !== "all");

    const before = await ask.calls();
    const second = await ask.create(`два ${word}`);
    expect((await ask.search("два")).degraded).toBeUndefined();
    expect(await ask.calls()).toBe(before + 1);
    await stack.call("DELETE", `/api/memories/${deleted}`);
    await eventually(async () => (await ask.workOf(deleted)) === undefined);
    expect(await ask.workOf(second)).toMatchObject({ attempts: 0, parked: false });
    expect(await ask.calls()).toBe(before + 1);

    await endPause();
    for (const id of [first, second]) await ask.indexed(id);
  }, 30_000);

  test("Retry-After to a search: the next ones do not ask, and answer from words", async () => {
    const id = await ask.create("Пользователь ходит пешком", { wait: true });
    await stack.openai.fault({ status: 429, retry_after: 600, times: 1 });
    expect((await ask.search("пешком")).degraded).toMatchObject([{ code: "embedder_unavailable" }]);
    const before = await ask.calls();
    const found = await ask.search("пешком");
    expect(found.degraded).toMatchObject([{ code: "embedder_unavailable" }]);
    expect(found.memories).toMatchObject([{ id }]);
    expect(await ask.calls()).toBe(before);
  }, 30_000);
});

whenThere("limits of requests per minute", () => {
  let stack: Stack;
  let ask: ReturnType<typeof asked>;
  beforeAll(async () => {
    // One in 32 s: the probe at start has the first turn.
    stack = await startStack({ OPENAI_REQUESTS_PER_MINUTE: "2", SEARCH_DEADLINE_MS: "5000" });
    ask = asked(stack);
  }, 60_000);
  afterAll(() => stack.close());

  test("work waits unclaimed for its turn; a search does not, and work gives way to it", async () => {
    const id = await ask.create("Пользователь ждёт автобус");
    const debt = () =>
      stack.sockets.db
        .query<{ debt: number }>(
          "SELECT extract(epoch FROM requests_at - now())::float8 AS debt FROM engram.provider_budgets",
        )
        .then(([row]) => row?.debt ?? 0);
    const before = await debt();
    expect(before).toBeGreaterThan(0);
    const found = await ask.search("автобус");
    expect(found.memories).toMatchObject([{ id }]);
    expect(found.degraded).toBeUndefined();
    await eventually(async () => (await debt()) > before);
    expect(await ask.workOf(id)).toMatchObject({ attempts: 0, parked: false });
  }, 30_000);
});
