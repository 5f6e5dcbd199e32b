import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  contentHash,
  DEFAULT_PROJECT_ID,
  tenantOf,
  uuidv7,
  type CollectionRef,
  type IndexableMemory,
  type IndexPointWithVector,
  type ScannedPoint,
  type Scope,
  type Vector,
  type VectorIndex,
} from "@engram/memory";
import { indexable } from "./indexable.ts";

export interface VectorIndexUnderTest {
  readonly index: VectorIndex;
  readonly collection: CollectionRef;
  /** True: a point carries its tenant; else a search asks the row. */
  readonly keepsTenants: boolean;
  /** Makes the rows that the points belong to, where the index checks them. */
  seed(memories: readonly SeededMemory[]): Promise<void>;
  close(): Promise<void>;
}

/** A point's memory with what only its row knows. */
export interface SeededMemory extends IndexableMemory {
  readonly projectId: string;
  readonly userId: string | null;
}

const projectId = DEFAULT_PROJECT_ID;
const signal = new AbortController().signal;

/** Directions in four dimensions, so that a cosine can be told by eye. */
const NORTH = Float32Array.of(1, 0, 0, 0);
const NORTH_EAST = Float32Array.of(Math.SQRT1_2, Math.SQRT1_2, 0, 0);
const EAST = Float32Array.of(0, 1, 0, 0);

/** What every vector index has to do, whichever it is: `create` opens one with an empty collection of four dimensions. */
export function vectorIndexContract(name: string, create: () => Promise<VectorIndexUnderTest>): void {
  describe(`vector index contract: ${name}`, () => {
    let under: VectorIndexUnderTest;
    let users = 0;
    let version = 1000;

    beforeAll(async () => {
      under = await create();
      await under.index.prepare(under.collection);
    }, 60_000);
    afterAll(() => under.close());

    const freshUser = (): string => `user-${++users}`;
    const memory = (given: Partial<SeededMemory> = {}): SeededMemory => {
      const userId = given.userId === undefined ? "nobody-else" : given.userId;
      const tenant = tenantOf({ projectId, userId, agentId: given.agentIds?.[0] ?? null });
      return { projectId, userId, ...indexable({ version: ++version, tenant, ...given }) };
    };
    const point = (one: SeededMemory, vector: Vector = NORTH): IndexPointWithVector => ({
      memory: one,
      hash: contentHash(one.content),
      vector,
    });
    /** The tenant is told by an index that keeps it. */
    const stateOf = (one: SeededMemory): object => ({
      version: one.version,
      hash: contentHash(one.content),
      ...(under.keepsTenants ? { tenant: one.tenant } : {}),
    });
    const store = async (...points: readonly [SeededMemory, Vector?][]): Promise<void> => {
      await under.seed(points.map(([one]) => one));
      const done = await under.index.upsert(
        under.collection,
        points.map(([one, vector]) => point(one, vector)),
        signal,
      );
      expect(done.toSorted()).toEqual(points.map(([one]) => one.id).toSorted());
    };
    const find = async (
      scope: Omit<Scope, "projectId">,
      given: object = {},
      limit = 10,
    ): Promise<readonly string[]> => {
      const tenants = [
        tenantOf({ projectId, userId: scope.userId ?? null, agentId: scope.agentId ?? null }),
        ...(scope.agentId === undefined ? [] : [tenantOf({ projectId, userId: null, agentId: scope.agentId })]),
      ];
      const hits = await under.index.search(
        under.collection,
        { vector: NORTH, filter: { scope: { projectId, ...scope }, ...given }, tenants, limit, now: new Date() },
        signal,
      );
      return hits.map((hit) => hit.id);
    };

    test("preparing again changes nothing", async () => {
      await under.index.prepare(under.collection);
    });

    test("a collection of other dimensions is refused in one line with its cure", async () => {
      const other = { ...under.collection, dims: 3 };
      await expect(under.index.prepare(other)).rejects.toMatchObject({
        code: "invalid",
        message: expect.stringMatching(/4 dimensions.*3.*EMBEDDING_DIMENSIONS/),
      });
    });

    test("states are those of the points that exist", async () => {
      const one = memory();
      await store([one]);
      const states = await under.index.fetchStates(under.collection, [one.id, uuidv7()], signal);
      expect([...states]).toEqual([[one.id, stateOf(one)]]);
    });

    test("a scan gives every point once, page by page in the order of their ids", async () => {
      const own = Array.from({ length: 7 }, () => memory());
      await store(...own.toReversed().map((one): [SeededMemory] => [one]));
      const pages: (readonly ScannedPoint[])[] = [];
      for (let after: string | undefined; pages.at(-1)?.length !== 0; after = pages.at(-1)?.at(-1)?.id) {
        const page = { limit: 3, ...(after === undefined ? {} : { after }) };
        pages.push(await under.index.scan(under.collection, page, signal));
      }
      const points = pages.flat();
      const ids = points.map((point) => point.id);
      expect(ids).toEqual([...new Set(ids)].toSorted());
      expect(points.filter(({ id }) => own.some((one) => one.id === id))).toEqual(
        own.map((one) => ({ id: one.id, ...stateOf(one) })),
      );
      // Only the last page may be short, and the end is told by one.
      expect(pages.slice(0, -2).every((page) => page.length === 3)).toBe(true);
    });

    test("a collection tells its dimensions and, where it does not follow the truth by itself, its greatest version", async () => {
      await store([memory()]);
      const state = await under.index.inspect(under.collection, signal);
      expect(state?.dims).toBe(4);
      expect([undefined, version]).toContain(state?.greatestVersion);
      expect(await under.index.inspect({ ...under.collection, name: "absent__model__4" }, signal)).toBeUndefined();
    });

    test("an upsert takes the place of the point that stands", async () => {
      const userId = freshUser();
      const one = memory({ userId });
      await store([one, EAST]);
      const newer = { ...one, version: ++version, content: "changed" };
      await store([newer, NORTH]);
      const hits = await under.index.search(
        under.collection,
        {
          vector: NORTH,
          filter: { scope: { projectId, userId, exact: false } },
          tenants: [one.tenant],
          limit: 5,
          now: new Date(),
        },
        signal,
      );
      expect(hits).toEqual([{ id: one.id, version: newer.version, cosine: expect.closeTo(1, 4) }]);
    });

    test("a payload is set on the points that are there, and nothing is made up for the others", async () => {
      const one = memory();
      await store([one]);
      const newer = { ...one, version: ++version };
      const absent = memory();
      await under.seed([newer, absent]);
      const hash = contentHash(one.content);
      expect(
        await under.index.setPayload(
          under.collection,
          [
            { memory: newer, hash },
            { memory: absent, hash: contentHash(absent.content) },
          ],
          signal,
        ),
      ).toEqual([one.id]);
      const states = await under.index.fetchStates(under.collection, [one.id, absent.id], signal);
      expect([...states]).toEqual([[one.id, stateOf(newer)]]);
    });

    test("what is deleted is gone; deleting it again, or what never was, is no error", async () => {
      const one = memory();
      await store([one]);
      await under.index.delete(under.collection, [one.id, uuidv7()], signal);
      await under.index.delete(under.collection, [one.id], signal);
      expect((await under.index.fetchStates(under.collection, [one.id], signal)).size).toBe(0);
    });

    test("hits come nearest first, and no more than asked for", async () => {
      const userId = freshUser();
      const [far, near, middle] = [memory({ userId }), memory({ userId }), memory({ userId })];
      await store([far, EAST], [near, NORTH], [middle, NORTH_EAST]);
      expect(await find({ userId, exact: false })).toEqual([near.id, middle.id, far.id]);
      expect(await find({ userId, exact: false }, {}, 2)).toEqual([near.id, middle.id]);
    });

    test("nobody sees another user's points", async () => {
      const [mine, other] = [freshUser(), freshUser()];
      const one = memory({ userId: mine });
      await store([one], [memory({ userId: other })]);
      expect(await find({ userId: mine, exact: false })).toEqual([one.id]);
    });

    test("a session's and an agent's own are seen from there only; lasting ones from everywhere", async () => {
      const userId = freshUser();
      const lasting = memory({ userId, sessionIds: ["s1"], agentIds: ["a1"] });
      const ofSession = memory({ userId, level: "session", sessionIds: ["s1"] });
      const ofAgent = memory({ userId, level: "agent", agentIds: ["a1"] });
      const shared = memory({ userId: null, level: "agent", agentIds: [`a-of-${userId}`] });
      await store([lasting], [ofSession], [ofAgent], [shared]);
      expect(await find({ userId, exact: false })).toEqual([lasting.id]);
      expect(new Set(await find({ userId, sessionId: "s1", exact: false }))).toEqual(
        new Set([lasting.id, ofSession.id]),
      );
      expect(new Set(await find({ userId, sessionId: "s2", exact: false }))).toEqual(new Set([lasting.id]));
      expect(new Set(await find({ userId, agentId: "a1", exact: false }))).toEqual(new Set([lasting.id, ofAgent.id]));
      expect(new Set(await find({ userId, agentId: `a-of-${userId}`, exact: false }))).toEqual(
        new Set([lasting.id, shared.id]),
      );
      expect(await find({ agentId: `a-of-${userId}`, exact: false })).toEqual([shared.id]);
    });

    test("exact: ids are plain filters over everyone who told it", async () => {
      const userId = freshUser();
      const one = memory({ userId, sessionIds: ["s1", "s2"] });
      await store([one], [memory({ userId, sessionIds: ["s3"] })]);
      expect(await find({ userId, sessionId: "s2", exact: true })).toEqual([one.id]);
    });

    test("retired and expired points are left out", async () => {
      const userId = freshUser();
      const [alive, later] = [memory({ userId }), memory({ userId, expiresAt: new Date(Date.now() + 60_000) })];
      await store(
        [alive],
        [later],
        [memory({ userId, validTo: new Date() })],
        [memory({ userId, expiresAt: new Date(Date.now() - 60_000) })],
      );
      expect(new Set(await find({ userId, exact: false }))).toEqual(new Set([alive.id, later.id]));
    });

    test("types, key and time of creation narrow it", async () => {
      const userId = freshUser();
      const old = memory({ userId, type: "preference", key: "theme", createdAt: new Date("2025-01-01T00:00:00Z") });
      const fresh = memory({ userId, createdAt: new Date("2026-06-01T00:00:00Z") });
      await store([old], [fresh]);
      expect(await find({ userId, exact: false }, { types: ["preference", "pattern"] })).toEqual([old.id]);
      expect(await find({ userId, exact: false }, { key: "theme" })).toEqual([old.id]);
      expect(await find({ userId, exact: false }, { createdAfter: new Date("2026-01-01T00:00:00Z") })).toEqual([
        fresh.id,
      ]);
      expect(await find({ userId, exact: false }, { createdBefore: new Date("2026-01-01T00:00:00Z") })).toEqual([
        old.id,
      ]);
    });

    test("a collection that is dropped is gone with its points", async () => {
      const other = { ...under.collection, name: `${under.collection.name.slice(0, 40)}_dropped` };
      await under.index.prepare(other);
      const [one, two] = [memory(), memory()];
      await under.seed([one, two]);
      await under.index.upsert(other, [point(one), point(two)], signal);
      expect(await under.index.scan(other, { limit: 10 }, signal)).toHaveLength(2);
      await under.index.drop(other);
      await under.index.drop(other);
      await under.index.prepare(other);
      expect(await under.index.scan(other, { limit: 10 }, signal)).toEqual([]);
      await under.index.drop(other);
    });

    test("a tenant's points are listed in pages, by id, and nobody else's with them", async () => {
      const userId = freshUser();
      const mine = [memory({ userId }), memory({ userId, validTo: new Date() }), memory({ userId })];
      await store(...mine.map((one): [SeededMemory] => [one]), [memory({ userId: freshUser() })]);
      const [one] = mine;
      const tenant = one?.tenant ?? "";
      const expected = mine.map(({ id }) => id).toSorted();
      const page = (limit: number, after?: string) =>
        under.index.listTenant(under.collection, { tenant, limit, ...(after === undefined ? {} : { after }) }, signal);
      expect(await page(10)).toEqual(expected);
      expect(await page(2)).toEqual(expected.slice(0, 2));
      expect(await page(2, expected[1])).toEqual(expected.slice(2));
      await under.index.delete(under.collection, expected.slice(1), signal);
      expect(await page(10)).toEqual(expected.slice(0, 1));
    });

    test("a point that changes hands is listed under its new tenant alone", async () => {
      const [before, after] = [freshUser(), freshUser()];
      const one = memory({ userId: before });
      await store([one]);
      const moved = { ...memory({ userId: after, id: one.id }), content: one.content };
      await under.seed([moved]);
      await under.index.setPayload(under.collection, [{ memory: moved, hash: contentHash(one.content) }], signal);
      const list = (tenant: string) => under.index.listTenant(under.collection, { tenant, limit: 10 }, signal);
      expect(await list(moved.tenant)).toEqual([one.id]);
      expect(await list(one.tenant)).toEqual([]);
    });

    test("a collection that does not exist is told from one without points of a tenant", async () => {
      const absent = { ...under.collection, name: "never_made__model__4" };
      const { tenant } = memory();
      expect(await under.index.listTenant(absent, { tenant, limit: 10 }, signal)).toBeUndefined();
      const nobody = tenantOf({ projectId, userId: freshUser(), agentId: null });
      expect(await under.index.listTenant(under.collection, { tenant: nobody, limit: 10 }, signal)).toEqual([]);
    });

    test("no effect is started once the signal has fired", async () => {
      const one = memory();
      await under.seed([one]);
      const late = under.index.upsert(under.collection, [point(one)], AbortSignal.abort());
      await expect(late).rejects.toMatchObject({ code: "unavailable", outcomeUnknown: false });
      expect((await under.index.fetchStates(under.collection, [one.id], signal)).size).toBe(0);
    });
  });
}
