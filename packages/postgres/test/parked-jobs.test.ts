import { beforeEach, expect, test } from "@jest/globals";
import { indexTopic } from "@engram/memory";
import { createMemoryStore, createOutbox, createParkedJobs } from "../src/index.ts";
import { describeOnDatabases } from "./databases.ts";
import { draft } from "./draft.ts";

const topic = indexTopic("main");
const token = "00000000-0000-4000-8000-00000000000a";

describeOnDatabases("parked work", (db) => {
  beforeEach(() => db.script("DELETE FROM public.memories; DELETE FROM engram.outbox"));

  const claim = () => createOutbox(db).claim({ topic, limit: 64, token, leaseSeconds: 60, horizonSeconds: 300 });
  const park = async (count: number): Promise<readonly string[]> => {
    const drafts = Array.from({ length: count }, (_, n) => draft({ content: `факт ${n}` }));
    await createMemoryStore(db).putMemories(drafts);
    const failures = (await claim()).map((one) => ({
      key: one.key,
      generation: one.generation,
      error: "invalid: refused (400)",
      retryInSeconds: 0,
      doubt: false,
      park: true,
    }));
    await createOutbox(db).fail(topic, token, failures, 300);
    return drafts.map((one) => one.id);
  };
  const parkedCount = async () => (await createOutbox(db).depth())[0]?.parked ?? 0;
  const status = async (id: string | undefined) =>
    (await db.query("SELECT engram.index_status($1::uuid) AS status", [id]))[0]?.["status"];

  test("it is listed page by page, with its reason", async () => {
    const ids = await park(3);
    const jobs = createParkedJobs(db);
    const first = await jobs.list({ limit: 2 });
    expect(first).toMatchObject([
      { topic, key: ids[0], error: "invalid: refused (400)", attempts: 1 },
      { topic, key: ids[1] },
    ]);
    const last = first.at(-1);
    expect(await jobs.list({ limit: 2, ...(last && { after: last }) })).toMatchObject([{ key: ids[2] }]);
  });

  test("a retry makes the named work due again, and all of it when none is named", async () => {
    const ids = await park(3);
    const jobs = createParkedJobs(db);
    expect(await jobs.retry([{ topic, key: ids[1] ?? "" }])).toBe(1);
    expect(await claim()).toMatchObject([{ key: ids[1], attempts: 1, alone: false }]);
    expect(await jobs.retry()).toBe(2);
    expect(await parkedCount()).toBe(0);
  });

  test("what is discarded leaves list and count, stays failed, and comes back when its memory changes", async () => {
    const [id] = await park(1);
    const jobs = createParkedJobs(db);
    expect(await jobs.discard()).toBe(1);
    expect(await jobs.list({ limit: 10 })).toEqual([]);
    expect(await parkedCount()).toBe(0);
    expect(await status(id)).toBe("failed");
    expect(await jobs.retry()).toBe(0);
    await db.query("UPDATE memories SET content = 'другое' WHERE id = $1::uuid", [id]);
    expect(await claim()).toHaveLength(1);
  });

  test("work that is not parked is neither retried nor discarded", async () => {
    const content = draft({ content: "раз" });
    await createMemoryStore(db).putMemories([content]);
    const jobs = createParkedJobs(db);
    expect(await jobs.retry([{ topic, key: content.id }])).toBe(0);
    expect(await jobs.discard([{ topic, key: content.id }])).toBe(0);
    expect(await claim()).toHaveLength(1);
  });
});
