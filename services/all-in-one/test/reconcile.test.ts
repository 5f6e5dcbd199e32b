import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  collectionName,
  contentHash,
  countDifferences,
  newReconcileRun,
  RECONCILE,
  reconcileStatus,
  uuidv7,
  type ReconcileReport,
  type ScannedPoint,
} from "@engram/memory";
import { pgvectorSurgery, qdrantSurgery, type Surgery } from "./index-surgery.ts";
import { eventually, startStack, type Stack } from "./stack.ts";

const whenThere =
  process.env["ENGRAM_TEST_DATABASE_URL"] === undefined || process.env["ENGRAM_TEST_QDRANT_URL"] === undefined
    ? describe.skip
    : describe;

const DIMS = 32;
const signal = new AbortController().signal;

whenThere.each(["Qdrant", "pgvector"])("reconcile over %s", (name) => {
  let stack: Stack;
  let surgery: Surgery;
  const collection = () => ({
    name: collectionName(stack.collection, "text-embedding-3-small", DIMS),
    model: "text-embedding-3-small",
    dims: DIMS,
  });
  beforeAll(async () => {
    // Runs that nobody asked for would find what is planted here before it is looked for.
    const settings = { EMBEDDING_DIMENSIONS: String(DIMS), RECONCILE_EVERY_HOURS: "0" };
    stack = await startStack({ ...settings, ...(name === "Qdrant" ? {} : { QDRANT_URL: "" }) });
    surgery =
      name === "Qdrant"
        ? qdrantSurgery(stack.qdrant.url, stack.collection)
        : pgvectorSurgery(stack.sockets.db, `engram.${collection().name}`);
  }, 60_000);
  afterAll(() => stack.close());

  let users = 0;
  const freshUser = (): string => `user-${++users}`;
  const create = async (user_id: string, contents: readonly string[]): Promise<readonly string[]> => {
    const memories = contents.map((content) => ({ user_id, content }));
    expect(await stack.call("POST", "/api/memories/bulk", { memories })).toMatchObject({ status: 200 });
    await drained();
    const rows = await stack.sockets.db.query<{ id: string }>(
      "SELECT id FROM memories WHERE user_id = $1 AND content = ANY($2::text[]) ORDER BY content",
      [user_id, contents],
    );
    expect(rows).toHaveLength(contents.length);
    return rows.map((row) => row.id);
  };
  const drained = () =>
    eventually(async () => {
      const rows = await stack.sockets.db.query("SELECT 1 FROM engram.outbox WHERE topic <> 'schedule'");
      return rows.length === 0;
    });
  const reconcile = async ({ dryRun } = { dryRun: false }): Promise<ReconcileReport> => {
    const run = newReconcileRun({ dryRun });
    await stack.sockets.schedules.request(RECONCILE, run);
    return eventually(async () => {
      const { last } = reconcileStatus(await stack.sockets.schedules.get(RECONCILE));
      return last?.id === run.id && last;
    });
  };
  const main = ({ targets }: ReconcileReport) => targets["main"];
  /** The index is what the rows say, point by point. */
  const expectAgreement = async (): Promise<void> => {
    const rows = await stack.sockets.rows.scan({ limit: 1_000 });
    const points = await stack.sockets.index.scan(collection(), { limit: 1_000 }, signal);
    const state = ({ id, version, hash }: ScannedPoint) => ({ id, version, hash });
    expect(points.map(state)).toEqual(rows.map(state));
  };
  const search = async (user_id: string, query: string, limit: number) =>
    (await stack.call("POST", "/api/memories/search", { user_id, query, limit })).body.memories ?? [];

  test("each kind of difference is told by a dry run, mended by the workers, and gone in the next run", async () => {
    const ids = await create(
      freshUser(),
      Array.from({ length: 10 }, (_, i) => `Запись ${i}`),
    );
    const [one = "", two = "", three = "", four = ""] = ids;
    await surgery.remove([one]);
    await surgery.lie(two, { version: 0 });
    await surgery.lie(three, { h: contentHash("something else") });
    await surgery.copy(four, [uuidv7(), uuidv7()]);
    if (name === "Qdrant") await surgery.lie(four, { tenant: "0".repeat(32) });
    const differences = { missing: 1, stale: 2, orphan: 2, wrong_tenant: name === "Qdrant" ? 1 : 0 };

    const told = await reconcile({ dryRun: true });
    expect(main(told)).toMatchObject({ ...differences, touched: 0, pending: 0, parked: 0 });
    expect(await stack.sockets.outbox.depth()).toEqual([]);
    const touched = Object.values(differences).reduce((sum, n) => sum + n, 0);
    expect(main(await reconcile())).toMatchObject({ ...differences, touched });
    await drained();
    await expectAgreement();
    expect(countDifferences(await reconcile())).toBe(0);
    if (name === "Qdrant") {
      // The tenant is the owner's again: else the search below could not see it.
      const found = await search("user-1", "Запись 3", 10);
      expect(found.map((memory) => memory.content)).toContain("Запись 3");
    }
  });

  test("an index that went back in time, as after a crash or a restore of its own, converges to the rows", async () => {
    const user = freshUser();
    const ids = await create(
      user,
      Array.from({ length: 8 }, (_, i) => `Прежнее ${i}`),
    );
    const putBack = await surgery.keep();
    for (const id of ids.slice(0, 3))
      await stack.call("PUT", `/api/memories/${id}`, { content: `Новое ${id.slice(-4)}` });
    for (const id of ids.slice(3, 5)) await stack.call("DELETE", `/api/memories/${id}`);
    await create(freshUser(), ["Новая запись", "Ещё одна"]);
    await putBack();

    expect((await search(user, "Прежнее", 20)).map((memory) => memory.content)).not.toContain("Прежнее 4");
    expect(main(await reconcile())).toMatchObject({ missing: 2, stale: 3, orphan: 2, touched: 7 });
    await drained();
    await expectAgreement();
    expect(countDifferences(await reconcile())).toBe(0);
  });

  test("rows that went back in time are what the index converges to, and versions go on from beyond it", async () => {
    const { db } = stack.sockets;
    const ids = await create(
      freshUser(),
      Array.from({ length: 6 }, (_, i) => `Резервная копия ${i}`),
    );
    await db.script("CREATE TABLE backup AS SELECT * FROM memories");
    const [backup] = await db.query<{ v: number }>("SELECT last_value AS v FROM engram.memory_version");
    for (const id of ids.slice(0, 2)) await stack.call("PUT", `/api/memories/${id}`, { content: `После ${id}` });
    await stack.call("DELETE", `/api/memories/${ids[2]}`);
    await create(freshUser(), ["Сделано после копии"]);
    const [before] = await db.query<{ v: number }>("SELECT last_value AS v FROM engram.memory_version");
    // What pg_restore does: rows as they were, without a trigger, and the sequence as it was.
    const [columns] = await db.query<{ list: string }>(
      `SELECT string_agg(quote_ident(column_name), ', ') AS list FROM information_schema.columns
       WHERE table_name = 'memories' AND table_schema = 'public' AND is_generated = 'NEVER'`,
    );
    await db.script(`ALTER TABLE memories DISABLE TRIGGER USER; DELETE FROM memories;
      INSERT INTO memories (${columns?.list}) SELECT ${columns?.list} FROM backup; ALTER TABLE memories ENABLE TRIGGER USER;
      DROP TABLE backup; SELECT setval('engram.memory_version', ${backup?.v})`);

    const since = Date.now();
    await stack.restartWorker({ RECONCILE_EVERY_HOURS: name === "Qdrant" ? "24" : "0" });
    const [after] = await db.query<{ v: number }>("SELECT last_value AS v FROM engram.memory_version");
    if (name === "Qdrant") {
      expect(after?.v).toBeGreaterThan(before?.v ?? Number.NaN);
      // By itself, and at once: nobody asks.
      const report = await eventually(async () => {
        const { last } = reconcileStatus(await stack.sockets.schedules.get(RECONCILE));
        return last !== undefined && last.finished_at.getTime() > since && last;
      });
      expect(main(report)).toMatchObject({ missing: 1, stale: 2, orphan: 1 });
    } else expect(countDifferences(await reconcile())).toBe(4);
    await drained();
    await expectAgreement();
  });

  test("a fifth of the points orphaned, stale or somebody else's, all of them nearest: none is returned, the limit is filled", async () => {
    const [user, other] = [freshUser(), freshUser()];
    const trueIds = await create(
      user,
      Array.from({ length: 20 }, (_, i) => `альфа омега номер${i}`),
    );
    const staleIds = await create(
      user,
      Array.from({ length: 40 }, (_, i) => `бета${i}`),
    );
    const [bait = ""] = await create(other, ["запрос"]);
    // Copies of what says exactly what is asked: dead points of the user's own tenant.
    const tenant = (await stack.sockets.rows.scan({ limit: 1_000 })).find(({ id }) => id === trueIds[0])?.tenant ?? "";
    await surgery.remove(staleIds);
    await surgery.copy(bait, [...Array.from({ length: 300 }, () => uuidv7()), ...staleIds], { tenant, version: 0 });
    await surgery.lie(bait, { tenant });

    for (const limit of [5, 20]) {
      const found = await search(user, "запрос", limit);
      expect(found).toHaveLength(limit);
      expect(found.every((memory) => memory.content.startsWith("альфа"))).toBe(true);
    }
    expect(countDifferences(await reconcile())).toBe(300 + staleIds.length + (name === "Qdrant" ? 1 : 0));
    await drained();
    await expectAgreement();
    expect(countDifferences(await reconcile())).toBe(0);
  }, 60_000);
});
