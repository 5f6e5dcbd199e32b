import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { collectionOf } from "@engram/memory";
import { eventually, startStack, type Stack } from "./stack.ts";

const whenThere =
  process.env["ENGRAM_TEST_DATABASE_URL"] === undefined || process.env["ENGRAM_TEST_QDRANT_URL"] === undefined
    ? describe.skip
    : describe;

const OLD = "text-embedding-3-small";
const NEW = "all-MiniLM-L6-v2";
const MEMORIES = 120;

whenThere("another embedding model", () => {
  let stack: Stack;
  beforeAll(async () => {
    // A slow machine must not make answers degraded: that they are not is what is tested.
    stack = await startStack({ REINDEX_KEEP_MINUTES: "60", SEARCH_DEADLINE_MS: "5000" });
    const memories = Array.from({ length: MEMORIES }, (_, n) => ({
      user_id: `user-${n % 7}`,
      content: `Запись номер ${n} о предмете ${n * n}`,
    }));
    // The API answers 503 until it has seen the schema.
    await eventually(async () => (await stack.call("POST", "/api/memories/bulk", { memories })).status === 200);
    await eventually(drained);
  }, 60_000);
  afterAll(() => stack.close());

  const drained = async () =>
    (await stack.sockets.db.query("SELECT 1 FROM engram.outbox WHERE topic <> 'schedule'")).length === 0;
  const liveModel = async () => (await stack.sockets.targets.live()).model;
  const pointsOf = async (model: string): Promise<number> => {
    const target = (await stack.sockets.targets.followed()).find((one) => one.model === model);
    const collection = target && collectionOf(stack.collection, target);
    if (collection === undefined) throw new Error(`${model} is not followed`);
    return (await stack.sockets.index.scan(collection, { limit: 1_000 }, AbortSignal.timeout(5_000))).length;
  };
  const search = (query: string) => stack.call("POST", "/api/memories/search", { user_id: "user-3", query });
  const aliased = async (): Promise<string | undefined> => {
    const answer = (await (await fetch(`${stack.qdrant.url}/aliases`)).json()) as {
      result: { aliases: { alias_name: string; collection_name: string }[] };
    };
    return answer.result.aliases.find((one) => one.alias_name === stack.collection)?.collection_name;
  };

  test("fills beside the live one, which answers meanwhile undegraded, and takes its place when it is complete", async () => {
    // No answer from the new model yet: it must not be needed before it is live.
    await stack.openai.fault({ delay_ms: 300, match: "Запись" });
    await stack.restartWorker({ EMBEDDING_MODEL: NEW, REINDEX_KEEP_MINUTES: "60" });
    expect(await liveModel()).toBe(OLD);
    const meanwhile = await search("Запись номер 3");
    expect(meanwhile.body.degraded).toBeUndefined();
    expect(meanwhile.body.memories?.[0]?.content).toContain("номер 3 ");
    const { body: written } = await stack.call("POST", "/api/memories", {
      user_id: "user-3",
      content: "Запись во время перестройки",
      wait: true,
    });
    expect(written.index_status).toBe("indexed");
    await stack.openai.clearFaults();

    await eventually(async () => (await liveModel()) === NEW);
    expect(await pointsOf(NEW)).toBe(MEMORIES + 1);
    // The name for outsiders follows a moment after.
    await eventually(async () => (await aliased()) === `${stack.collection}__all_minilm_l6_v2__384`);
    const after = await search("Запись номер 3");
    expect(after.body.degraded).toBeUndefined();
    expect(after.body.memories?.[0]?.content).toContain("номер 3 ");
  }, 40_000);

  test("the replaced one is followed, so that going back is one commit", async () => {
    const { body } = await stack.call("POST", "/api/memories", {
      user_id: "user-3",
      content: "Запись после перестройки",
    });
    await eventually(drained);
    expect(await pointsOf(OLD)).toBe(MEMORIES + 2);
    await stack.restartWorker({ EMBEDDING_MODEL: OLD });
    await eventually(async () => (await liveModel()) === OLD);
    const found = await search("Запись после перестройки");
    expect(found.body.memories?.[0]?.id).toBe(body.id);
    expect(found.body.degraded).toBeUndefined();
  }, 40_000);

  test("when its time is over it ends: no work, no points, no target", async () => {
    await stack.sockets.db.query("UPDATE engram.index_targets SET retire_at = now() WHERE retire_at IS NOT NULL");
    await stack.sockets.schedules.request("reindex");
    await eventually(async () => (await stack.sockets.targets.followed()).length === 1);
    await eventually(async () => {
      const answer = await fetch(`${stack.qdrant.url}/collections/${stack.collection}__all_minilm_l6_v2__384`);
      return answer.status === 404;
    });
    await stack.call("POST", "/api/memories", { user_id: "user-3", content: "Запись ещё позже", wait: true });
    await eventually(drained);
  }, 40_000);
});
