import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { collectionOf, toReindexState, uuidv7, type CollectionRef, type ScannedPoint } from "@engram/memory";
import { pgvectorSurgery, qdrantSurgery } from "./index-surgery.ts";
import { eventually, startStack, type Stack } from "./stack.ts";

const whenThere =
  process.env["ENGRAM_TEST_DATABASE_URL"] === undefined || process.env["ENGRAM_TEST_QDRANT_URL"] === undefined
    ? describe.skip
    : describe;

const NEW = "all-MiniLM-L6-v2";
const MEMORIES = 40;
// A comparison that nobody asked for would mend what is planted here.
const SETTINGS = { RECONCILE_EVERY_HOURS: "0" };
const signal = new AbortController().signal;

whenThere.each(["Qdrant", "pgvector"])("a new index that lacks something, over %s", (name) => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ ...SETTINGS, ...(name === "Qdrant" ? {} : { QDRANT_URL: "" }) });
    const memories = Array.from({ length: MEMORIES }, (_, n) => ({ user_id: "u", content: `Запись №${n} из многих` }));
    await eventually(async () => (await stack.call("POST", "/api/memories/bulk", { memories })).status === 200);
    await eventually(drained);
  }, 60_000);
  afterAll(() => stack.close());

  const drained = async () =>
    (await stack.sockets.db.query("SELECT 1 FROM engram.outbox WHERE topic <> 'schedule'")).length === 0;
  const liveModel = async () => (await stack.sockets.targets.live()).model;
  const reason = async (): Promise<string> =>
    toReindexState((await stack.sockets.schedules.get("reindex"))?.state)?.gate?.reason ?? "";
  const filling = async (): Promise<CollectionRef> => {
    const target = (await stack.sockets.targets.followed()).find((one) => one.model === NEW);
    const collection = target && collectionOf(stack.collection, target);
    if (collection === undefined) throw new Error(`${NEW} is not followed`);
    return collection;
  };

  test("does not go live before what is parked was seen to, and what is missing, stale or too much is mended", async () => {
    // The gate is held shut by a text that the new model refuses, so that the rest can be spoilt behind it.
    await stack.openai.fault({ status: 400, match: "№7 " });
    await stack.restartWorker({ ...SETTINGS, EMBEDDING_MODEL: NEW });
    await eventually(async () => (await reason()).includes("1 of its memories are parked"));
    const collection = await filling();
    const surgery =
      name === "Qdrant"
        ? qdrantSurgery(stack.qdrant.url, collection.name)
        : pgvectorSurgery(stack.sockets.db, `engram.${collection.name}`);
    const points = await stack.sockets.index.scan(collection, { limit: 1_000 }, signal);
    expect(points).toHaveLength(MEMORIES - 1);
    const [one = "", two = "", three = ""] = points.map(({ id }) => id);
    await surgery.remove([one]);
    await surgery.lie(two, { version: 0 });
    await surgery.copy(three, [uuidv7()]); // as many points as before: a count would see nothing
    expect(await liveModel()).not.toBe(NEW);

    await stack.openai.clearFaults();
    const { body } = await stack.call("GET", "/api/jobs");
    const ids = (body.jobs ?? []).map(({ id }) => id);
    expect(ids).toHaveLength(1);
    await stack.call("POST", "/api/jobs/retry", { ids });
    await eventually(async () => (await liveModel()) === NEW);
    expect(stack.logs.map(({ reason: told }) => told)).toContain(
      "it differs from the memories: 1 missing, 1 stale, 1 orphan",
    );
    const state = ({ id, version, hash }: ScannedPoint) => ({ id, version, hash });
    const standing = await stack.sockets.index.scan(collection, { limit: 1_000 }, signal);
    expect(standing.map(state)).toEqual((await stack.sockets.rows.scan({ limit: 1_000 })).map(state));
  }, 60_000);
});
