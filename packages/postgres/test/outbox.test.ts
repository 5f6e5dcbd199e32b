import { beforeEach, expect, test } from "@jest/globals";
import type { Claimed } from "@engram/memory";
import { outboxContract } from "@engram/memory/contracts/outbox";
import { createMemoryStore, createOutbox } from "../src/index.ts";
import { describeOnDatabases, DATABASES } from "./databases.ts";
import { draft } from "./draft.ts";
import { passTime } from "./pass-time.ts";

const topic = "index:main";
const tokens = ["00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"] as const;

for (const [name, open] of DATABASES)
  outboxContract(name, async () => {
    const database = await open();
    const { db } = database;
    return {
      outbox: createOutbox(db),
      store: { ...createMemoryStore(db), truncate: () => db.script("TRUNCATE memories") },
      find: async (id) =>
        (await db.query<{ error: string | null }>("SELECT error FROM engram.outbox WHERE key = $1::uuid", [id]))[0],
      pass: (seconds) => passTime(db, seconds),
      clear: () => db.script("DELETE FROM public.memories; DELETE FROM engram.outbox"),
      close: () => database.close(),
    };
  });

/* Whose work a batch takes is the claim's plan over its indexes, which the fake has none of. */
describeOnDatabases("fair claims", (db) => {
  const outbox = createOutbox(db);
  beforeEach(() => db.script("DELETE FROM public.memories; DELETE FROM engram.outbox"));

  const write = async (content: string): Promise<string> => {
    const [result] = await createMemoryStore(db).putMemories([draft({ content })]);
    return result?.memory.id ?? "";
  };
  const claim = (token: string): Promise<readonly Claimed[]> =>
    outbox.claim({ topic, limit: 64, token, leaseSeconds: 60, horizonSeconds: 300 });

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
