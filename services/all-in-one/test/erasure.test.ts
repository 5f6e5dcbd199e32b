import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { collectionOf, DEFAULT_PROJECT_ID, tenantOf } from "@engram/memory";
import { eventually, startStack, type Stack } from "./stack.ts";

const whenThere =
  process.env["ENGRAM_TEST_DATABASE_URL"] === undefined || process.env["ENGRAM_TEST_QDRANT_URL"] === undefined
    ? describe.skip
    : describe;

interface Proof {
  readonly status: string;
  readonly requested_at: string;
  readonly completed_at: string | null;
  readonly left: Readonly<Record<string, number | "unknown">>;
}

/** Work by the clock is looked for once a second, one job after the other, and a machine may be busy. */
const PATIENCE = { timeoutMs: 40_000 };
const NOTHING = { messages: 0, events: 0, memories: 0, history: 0, answers: 0, jobs: 0, vectors: 0 };

jest.setTimeout(90_000);

whenThere("a person erased while the index is in trouble", () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ OUTBOX_LEASE_SECONDS: "2", OUTBOX_HORIZON_SECONDS: "2" });
    // The API answers 503 until it has seen the schema.
    await eventually(async () => (await create(freshUser(), "начало")).status === 201);
  }, 60_000);
  afterAll(() => stack.close());
  afterEach(async () => {
    await stack.openai.clearFaults();
    await stack.qdrant.clearFaults();
  });

  let users = 0;
  const freshUser = (): string => `user-${++users}`;
  const create = (user_id: string, content: string, given: object = {}) =>
    stack.call("POST", "/api/memories", { user_id, content, ...given });
  const erase = async (user: string): Promise<string> => {
    const { status, body } = await stack.call("DELETE", `/api/users/${user}`);
    expect(status).toBe(202);
    return (body as { erasure_id?: string }).erasure_id ?? "";
  };
  const prove = async (id: string): Promise<Proof> => {
    const { status, body } = await stack.call("GET", `/api/erasures/${id}`);
    expect(status).toBe(200);
    return body as unknown as Proof;
  };
  const done = (id: string): Promise<Proof> =>
    eventually(async () => {
      const proof = await prove(id);
      return proof.status === "done" && proof;
    }, PATIENCE);
  /** Asked of Qdrant itself. */
  const points = async (user: string, collection: string): Promise<number> => {
    const tenant = tenantOf({ projectId: DEFAULT_PROJECT_ID, userId: user, agentId: null });
    const answer = await fetch(`${stack.qdrant.url}/collections/${collection}/points/scroll`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ filter: { must: [{ key: "tenant", match: { value: tenant } }] }, limit: 1000 }),
    });
    return ((await answer.json()) as { result: { points: unknown[] } }).result.points.length;
  };

  test("done when both stores, asked, have nothing left", async () => {
    const [user, other] = [freshUser(), freshUser()];
    for (const content of ["раз", "два"]) await create(user, content, { wait: true });
    await create(other, "чужое", { wait: true });
    expect(await points(user, stack.collection)).toBe(2);
    const id = await erase(user);
    expect((await stack.call("GET", `/api/memories/user/${user}`)).body.memories).toEqual([]);
    expect((await done(id)).left).toEqual(NOTHING);
    expect(await points(user, stack.collection)).toBe(0);
    expect(await points(other, stack.collection)).toBe(1);
  });

  test("an index that cannot be asked is unknown, and the erasure ends when it is back", async () => {
    const user = freshUser();
    await create(user, "раз", { wait: true });
    await stack.qdrant.kill();
    const id = await erase(user);
    expect(await prove(id)).toMatchObject({ status: "running", left: { memories: 0, jobs: 1, vectors: "unknown" } });
    await stack.qdrant.restart();
    expect((await done(id)).left).toEqual(NOTHING);
  });

  test("an upsert that lands late ends as a deletion, and only then the erasure is done", async () => {
    const user = freshUser();
    await stack.qdrant.fault({ match: "PUT .+points", late_ms: 1_500, times: 1 });
    await create(user, "поздно");
    const doubtUntil = await eventually(async () => {
      const rows = await stack.sockets.db.query<{ doubt_until: Date | null }>(
        "SELECT doubt_until FROM engram.outbox WHERE doubt_until IS NOT NULL",
      );
      return rows[0]?.doubt_until ?? undefined;
    });
    const id = await erase(user);
    expect((await prove(id)).status).toBe("running");
    const { completed_at, left } = await done(id);
    expect(new Date(completed_at ?? 0).getTime()).toBeGreaterThan(doubtUntil.getTime());
    expect(left).toEqual(NOTHING);
    expect(await points(user, stack.collection)).toBe(0);
  });

  test("a point that no work row knows of is found by its tenant", async () => {
    const user = freshUser();
    const { body } = await create(user, "сирота", { wait: true });
    await stack.sockets.db.script("ALTER TABLE memories DISABLE TRIGGER engram_after_delete");
    await stack.sockets.db.query("DELETE FROM memories WHERE user_id = $1", [user]);
    await stack.sockets.db.script("ALTER TABLE memories ENABLE TRIGGER engram_after_delete");
    expect(body.id).toBeDefined();
    expect(await points(user, stack.collection)).toBe(1);
    expect((await done(await erase(user))).left).toEqual(NOTHING);
    expect(await points(user, stack.collection)).toBe(0);
  });

  test("whoever comes back is not counted as left, and keeps what is new", async () => {
    const user = freshUser();
    await create(user, "прежнее", { wait: true });
    const id = await erase(user);
    await create(user, "новое", { wait: true });
    expect((await done(id)).left).toEqual(NOTHING);
    expect(await points(user, stack.collection)).toBe(1);
    expect((await stack.call("GET", `/api/memories/user/${user}`)).body.memories).toMatchObject([{ content: "новое" }]);
  });

  test("vectors of a model that was replaced go too, also of one whose end was cut short", async () => {
    const user = freshUser();
    await create(user, "при старой модели", { wait: true });
    const before = await stack.sockets.targets.live();
    const old = collectionOf(stack.collection, before)?.name ?? "";
    await stack.restartWorker({ EMBEDDING_MODEL: "all-MiniLM-L6-v2", REINDEX_KEEP_MINUTES: "60" });
    await eventually(async () => (await stack.sockets.targets.live()).name !== before.name);
    expect(await points(user, old)).toBe(1);
    expect((await done(await erase(user))).left).toEqual(NOTHING);
    expect(await points(user, old)).toBe(0);

    await create(user, "снова здесь", { wait: true });
    await eventually(async () => (await points(user, old)) === 1);
    await stack.sockets.db.query("UPDATE engram.index_targets SET state = 'retired' WHERE name = $1", [before.name]);
    const proof = await done(await erase(user));
    expect(proof.left).toEqual(NOTHING);
    expect(await points(user, old)).toBe(0);
    // Lease and horizon: nobody knows any more of doubts in it.
    expect(Date.parse(proof.completed_at ?? "") - Date.parse(proof.requested_at)).toBeGreaterThan(4_000);
  });
});
