import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Claimed, Outbox } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { createMemoryStore, createOutbox } from "../src/index.ts";
import { DATABASES, type OpenDatabase } from "./databases.ts";
import { draft } from "./draft.ts";

const topic = "index:main";
const tokens = ["00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"] as const;
const failure = { error: "unavailable: away", retryInSeconds: 0, doubt: false, park: false };

describe.each(DATABASES)("outbox on %s", (_name, open) => {
  let database: OpenDatabase;
  let db: Executor;
  let outbox: Outbox;

  beforeAll(async () => {
    database = await open();
    db = database.db;
    outbox = createOutbox(db);
  }, 60_000);
  afterAll(() => database.close());
  beforeEach(() => db.script("DELETE FROM public.memories; DELETE FROM engram.outbox"));

  const write = async (content: string): Promise<string> => {
    const [result] = await createMemoryStore(db).putMemories([draft({ content })]);
    return result?.memory.id ?? "";
  };
  const claim = (
    token: string,
    given: { leaseSeconds?: number; horizonSeconds?: number } = {},
  ): Promise<readonly Claimed[]> =>
    outbox.claim({ topic, limit: 64, token, leaseSeconds: 60, horizonSeconds: 300, ...given });
  const row = async () =>
    (await db.query("SELECT gen, attempts, lease, parked_at, doubt_until, error FROM engram.outbox"))[0];
  const status = async (id: string) =>
    (await db.query("SELECT engram.index_status($1::uuid) AS status", [id]))[0]?.["status"];

  test("a claimed row is nobody else's until its lease ends", async () => {
    await write("раз");
    expect(await claim(tokens[0])).toHaveLength(1);
    expect(await claim(tokens[1])).toHaveLength(0);
  });

  test("an acknowledged row is gone, and its memory indexed", async () => {
    const id = await write("раз");
    expect(await status(id)).toBe("pending");
    const claimed = await claim(tokens[0]);
    expect(await outbox.acknowledge(topic, tokens[0], claimed)).toEqual({ gone: 1, kept: 0 });
    expect(await status(id)).toBe("indexed");
  });

  test("a row that was dirtied meanwhile is worked again at once", async () => {
    const id = await write("раз");
    const claimed = await claim(tokens[0]);
    await db.query("UPDATE memories SET content = 'два' WHERE id = $1::uuid", [id]);
    expect(await outbox.acknowledge(topic, tokens[0], claimed)).toEqual({ gone: 0, kept: 1 });
    expect(await claim(tokens[1])).toMatchObject([{ key: id, attempts: 1, inDoubt: false }]);
  });

  test("only the holder of the token can acknowledge, fail or release", async () => {
    await write("раз");
    const claimed = await claim(tokens[0]);
    expect(await outbox.acknowledge(topic, tokens[1], claimed)).toEqual({ gone: 0, kept: 0 });
    expect(
      await outbox.fail(
        topic,
        tokens[1],
        claimed.map((one) => ({ ...one, ...failure })),
        300,
      ),
    ).toBe(0);
    expect(await outbox.release(topic, tokens[1], claimed)).toBe(0);
    expect(await row()).toMatchObject({ lease: tokens[0] });
  });

  test("a lease that ran out leaves doubt: the row outlives the next acknowledgement", async () => {
    const id = await write("раз");
    const late = await claim(tokens[0], { leaseSeconds: 0 });
    const claimed = await claim(tokens[1]);
    expect(claimed).toMatchObject([{ inDoubt: true, alone: true, attempts: 2 }]);
    expect(await outbox.acknowledge(topic, tokens[0], late)).toEqual({ gone: 0, kept: 0 });
    expect(await outbox.acknowledge(topic, tokens[1], claimed)).toEqual({ gone: 0, kept: 1 });
    expect(await status(id)).toBe("indexed");
    expect(await claim(tokens[0])).toHaveLength(0);
  });

  test("after the horizon one more pass ends the doubt", async () => {
    await write("раз");
    await claim(tokens[0], { leaseSeconds: 0 });
    const claimed = await claim(tokens[1], { horizonSeconds: 0 });
    await outbox.acknowledge(topic, tokens[1], claimed);
    const again = await claim(tokens[0]);
    expect(again).toMatchObject([{ inDoubt: false }]);
    expect(await outbox.acknowledge(topic, tokens[0], again)).toEqual({ gone: 1, kept: 0 });
  });

  test("a failure keeps its reason and its attempts, and waits", async () => {
    await write("раз");
    const claimed = await claim(tokens[0]);
    await outbox.fail(
      topic,
      tokens[0],
      claimed.map((one) => ({ ...one, ...failure, retryInSeconds: 60 })),
      300,
    );
    expect(await row()).toMatchObject({ lease: null, attempts: 1, error: "unavailable: away", doubt_until: null });
    expect(await claim(tokens[1])).toHaveLength(0);
  });

  test("failures of the world do not count: the first that is the row's own is number one, and the row is not alone", async () => {
    await write("раз");
    const failWith = async (error: string): Promise<Claimed | undefined> => {
      const [claimed] = await claim(tokens[0]);
      if (claimed !== undefined) await outbox.fail(topic, tokens[0], [{ ...claimed, ...failure, error }], 300);
      return claimed;
    };
    for (const attempts of [1, 2, 3]) expect(await failWith("rate_limited: patience")).toMatchObject({ attempts });
    expect(await failWith("internal: Internal error")).toMatchObject({ attempts: 4, alone: false });
    expect(await failWith("internal: Internal error")).toMatchObject({ attempts: 2, alone: true });
    expect(await failWith("unavailable: away")).toMatchObject({ attempts: 3, alone: true });
    expect(await row()).toMatchObject({ attempts: 3 });
  });

  test("a write that was cut leaves doubt", async () => {
    await write("раз");
    const claimed = await claim(tokens[0]);
    await outbox.fail(
      topic,
      tokens[0],
      claimed.map((one) => ({ ...one, ...failure, doubt: true })),
      300,
    );
    expect(await row()).toMatchObject({ doubt_until: expect.any(Date) });
  });

  test("a parked row stays out of claims, is failed, and comes back when its memory changes", async () => {
    const id = await write("раз");
    const claimed = await claim(tokens[0]);
    await outbox.fail(
      topic,
      tokens[0],
      claimed.map((one) => ({ ...one, ...failure, park: true })),
      300,
    );
    expect(await status(id)).toBe("failed");
    expect(await claim(tokens[1])).toHaveLength(0);
    expect(await outbox.depth()).toMatchObject([{ pending: 0, parked: 1 }]);
    await db.query("UPDATE memories SET content = 'два' WHERE id = $1::uuid", [id]);
    expect(await claim(tokens[1])).toHaveLength(1);
  });

  test("a failure of a row that was dirtied meanwhile is tried at once and never parked", async () => {
    const id = await write("раз");
    const claimed = await claim(tokens[0]);
    await db.query("UPDATE memories SET content = 'два' WHERE id = $1::uuid", [id]);
    await outbox.fail(
      topic,
      tokens[0],
      claimed.map((one) => ({ ...one, ...failure, retryInSeconds: 60, park: true })),
      300,
    );
    expect(await claim(tokens[1])).toMatchObject([{ attempts: 1 }]);
  });

  test("a graceful stop gives work back as if it had never been claimed", async () => {
    await write("раз");
    const claimed = await claim(tokens[0]);
    expect(await outbox.release(topic, tokens[0], claimed)).toBe(1);
    expect(await claim(tokens[1])).toMatchObject([{ attempts: 1, alone: false, inDoubt: false }]);
  });

  test("single writes come before bulk", async () => {
    await db.script(
      "INSERT INTO memories (user_id, content) SELECT 'bulk', 'факт ' || n FROM generate_series(1, 100) n",
    );
    const id = await write("раз");
    expect(await claim(tokens[0])).toHaveLength(64);
    expect(await db.query("SELECT lease FROM engram.outbox WHERE key = $1::uuid", [id])).toEqual([
      { lease: tokens[0] },
    ]);
  });

  test("where only deletes can be worked, what is gone is claimed and the rest stays untouched", async () => {
    const [gone, kept] = [await write("раз"), await write("два")];
    await db.query("DELETE FROM memories WHERE id = $1::uuid", [gone]);
    const given = { topic, limit: 64, token: tokens[0], leaseSeconds: 60, horizonSeconds: 300 };
    const claimed = await outbox.claim({ ...given, only: "absent" });
    expect(claimed).toMatchObject([{ key: gone, attempts: 1 }]);
    expect(await outbox.acknowledge(topic, tokens[0], claimed)).toEqual({ gone: 1, kept: 0 });
    expect(await outbox.claim({ ...given, only: "absent" })).toEqual([]);
    expect(await claim(tokens[1])).toMatchObject([{ key: kept, attempts: 1 }]);
  });

  test("deleting a memory that is being worked leaves its row to the holder", async () => {
    const id = await write("раз");
    const claimed = await claim(tokens[0]);
    await db.query("DELETE FROM memories WHERE id = $1::uuid", [id]);
    expect(await claim(tokens[1])).toHaveLength(0);
    expect(await outbox.acknowledge(topic, tokens[0], claimed)).toEqual({ gone: 0, kept: 1 });
    expect(await claim(tokens[1])).toHaveLength(1);
  });

  const backlog = (user: string, rows: number): Promise<void> =>
    db.script(`INSERT INTO memories (user_id, content) SELECT '${user}', 'факт ' || n FROM generate_series(1, ${rows}) n;
      UPDATE engram.outbox SET lane = 0 WHERE lane = 1`);

  test("another user's backlog delays a write by no more than the batch it comes in", async () => {
    await backlog("glutton", 300);
    const id = await write("раз");
    const claimed = await claim(tokens[0]);
    expect(claimed).toHaveLength(64);
    expect(claimed.map((one) => one.key)).toContain(id);
  });

  test("a lone user gets the whole batch, oldest first", async () => {
    await backlog("glutton", 100);
    expect(await claim(tokens[0])).toHaveLength(64);
    expect(await claim(tokens[1])).toHaveLength(36);
  });

  test("more users than a batch has places for take turns", async () => {
    for (let user = 0; user < 40; user++) await backlog(`user-${user}`, 10);
    const seen = new Set<number>();
    for (let batch = 0; batch < 3; batch++) {
      await claim(tokens[0]);
      const fairs = await db.query<{ fair: number }>("SELECT DISTINCT fair FROM engram.outbox WHERE lease IS NOT NULL");
      for (const { fair } of fairs) seen.add(fair);
    }
    expect(seen.size).toBe(40);
  });

  test("users whose work waits out a back-off do not stand in the way of others", async () => {
    for (let user = 0; user < 40; user++) await backlog(`user-${user}`, 1);
    await db.script("UPDATE engram.outbox SET due_at = now() + interval '1 hour'");
    const id = await write("раз");
    expect(await claim(tokens[0])).toMatchObject([{ key: id }]);
  });
});
