import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { collectionName, newReconcileRun, parseMemoryId, RECONCILE, reconcileStatus } from "@engram/memory";
import { qdrantSurgery, type Surgery } from "./index-surgery.ts";
import { eventually, startStack, type Stack } from "./stack.ts";

const whenThere =
  process.env["ENGRAM_TEST_DATABASE_URL"] === undefined || process.env["ENGRAM_TEST_QDRANT_URL"] === undefined
    ? describe.skip
    : describe;

const DIMS = 32;
const MODEL = "text-embedding-3-small";
const signal = new AbortController().signal;

whenThere("an index behind a network that loses things", () => {
  let stack: Stack;
  let surgery: Surgery;
  beforeAll(async () => {
    stack = await startStack({
      EMBEDDING_DIMENSIONS: String(DIMS),
      OUTBOX_LEASE_SECONDS: "2",
      OUTBOX_HORIZON_SECONDS: "3",
      SEARCH_DEADLINE_MS: "5000",
    });
    surgery = qdrantSurgery(stack.qdrant.url, stack.collection);
    await eventually(async () => (await status()).last !== undefined);
  }, 60_000);
  afterAll(() => stack.close());

  const collection = () => ({ name: collectionName(stack.collection, MODEL, DIMS), model: MODEL, dims: DIMS });
  const status = async () => reconcileStatus(await stack.sockets.schedules.get(RECONCILE));
  const query = (sql: string) => stack.sockets.db.query(sql);
  const drained = () =>
    eventually(async () => (await query("SELECT 1 FROM engram.outbox WHERE topic <> 'schedule'")).length === 0);
  const hasPoint = async (id: string) => (await stack.sockets.index.fetchStates(collection(), [id], signal)).size === 1;
  const create = async (user_id: string, content: string): Promise<string> => {
    const { body } = await stack.call("POST", "/api/memories", { user_id, content });
    return parseMemoryId(body.id ?? "") ?? "";
  };
  const search = async (user_id: string, asked: string) =>
    (await stack.call("POST", "/api/memories/search", { user_id, query: asked })).body;

  test("an upsert that lands after its memory was deleted is never returned, and gone after the horizon", async () => {
    await stack.qdrant.fault({ match: `PUT .*/points`, times: 1, late_ms: 1_500 });
    const id = await create("late", "Опоздавшая запись");
    await eventually(
      async () => (await query("SELECT 1 FROM engram.outbox WHERE doubt_until IS NOT NULL")).length === 1,
    );
    await stack.call("DELETE", `/api/memories/${id}`);
    await eventually(() => hasPoint(id));
    expect((await search("late", "Опоздавшая запись")).memories).toEqual([]);
    await eventually(async () => !(await hasPoint(id)));
    await drained();
    expect(await hasPoint(id)).toBe(false);
  }, 30_000);

  test("an index that was away is compared with the rows by itself, and what it lost is made up for", async () => {
    const kept = await create("away", "Запись до сбоя");
    await drained();
    const putBack = await surgery.keep();
    await stack.call("PUT", `/api/memories/${kept}`, { content: "Запись, изменённая до сбоя" });
    const lost = await create("away", "Запись перед самым сбоем");
    await drained();

    await stack.qdrant.kill();
    const during = await create("away", "Запись во время сбоя");
    await eventually(
      async () => (await query("SELECT 1 FROM engram.outbox WHERE error LIKE 'unavailable%'")).length > 0,
    );
    await stack.qdrant.restart();
    await putBack(); // as if its last seconds had never reached its disk
    const { run } = await eventually(async () => {
      const now = await status();
      return now.run !== undefined && now;
    });
    // Some minutes after the run of the start, because an index that comes and goes is not compared without end.
    expect(run).toMatchObject({ dry_run: false, started_at: null });
    await query("UPDATE engram.outbox SET due_at = now() WHERE topic = 'schedule' AND lease IS NULL");
    const last = await eventually(async () => {
      const now = await status();
      return now.last?.id === run?.id && now.last;
    });
    expect(last.targets["main"]).toMatchObject({ stale: 1, orphan: 0 });
    expect(last.targets["main"]?.missing).toBeGreaterThanOrEqual(1); // two, where the third came before it went back
    await drained();
    for (const id of [kept, lost, during]) expect(await hasPoint(id)).toBe(true);
  }, 60_000);

  test("an index that came back empty gets its collection again, and every memory", async () => {
    const id = await create("empty", "Запись в пустом индексе");
    await drained();
    const gone = await fetch(`${stack.qdrant.url}/collections/${collection().name}`, { method: "DELETE" });
    expect(gone.status).toBe(200);
    const run = newReconcileRun({ dryRun: false });
    await stack.sockets.schedules.request(RECONCILE, run);
    await eventually(async () => (await status()).last?.id === run.id);
    const [rows] = await stack.sockets.db.query<{ n: number }>("SELECT count(*)::int AS n FROM memories");
    expect((await status()).last?.targets["main"]).toMatchObject({ missing: rows?.n, touched: rows?.n });
    await drained();
    expect(await hasPoint(id)).toBe(true);
    const found = await search("empty", "Запись в пустом индексе");
    expect(found.memories).toMatchObject([{ content: "Запись в пустом индексе" }]);
    expect(found.degraded).toBeUndefined();
  }, 30_000);
});
