import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { DEFAULT_PROJECT_ID } from "../ids.ts";
import type { Memory } from "../memory.ts";
import type { Change, ChangesPoll, KeptRow, SearchableRow, SearchableRows, Standing } from "../ports/index.ts";
import { createNextRun } from "./next-run.ts";
import { createWorkingSets, type WorkingSetsOptions } from "./working-sets.ts";

const filterOf = (userId: string) => ({ scope: { projectId: DEFAULT_PROJECT_ID, userId, exact: false } });
const MINUTE = 60_000;
const STANDS: Standing = { seenCount: 1, indexStatus: "indexed" };
const SEEN = Uint8Array.of(1, 1);

/** Rows that are told to change, and how often they were read whole. */
class FakeRows implements SearchableRows {
  rows = new Map<string, SearchableRow>();
  changes: Change[] = [];
  /** A transaction of this number is under way, so that all after it are told again and again. */
  since = 100;
  latest = 100;
  toldFrom = 0;
  epoch = "one";
  loads = 0;
  reads = 0;
  asked: number[] = [];
  fault: Error | undefined;
  pollFault: Error | undefined;
  talkWaits = false;
  /** Of those that do not stand as they were read. */
  standing = new Map<string, Standing | undefined>();
  joins = 0;

  put(id: string, version = 1): void {
    this.rows.set(id, rowOf(id, version));
    this.tell([id]);
  }
  tell(ids: readonly string[] | undefined): void {
    this.latest += 1;
    this.changes.push({ transaction: String(this.latest), ids });
  }
  list(): ReturnType<SearchableRows["list"]> {
    this.loads += 1;
    if (this.fault !== undefined) return Promise.reject(this.fault);
    const known = this.changes.map(({ transaction }) => transaction);
    return Promise.resolve({ ids: [...this.rows.keys()], since: String(this.since), epoch: this.epoch, known });
  }
  read(_owner: unknown, ids: readonly string[]): Promise<readonly SearchableRow[]> {
    this.reads += 1;
    if (this.fault !== undefined) return Promise.reject(this.fault);
    return Promise.resolve(ids.flatMap((id) => this.rows.get(id) ?? []));
  }
  async poll(asked: Parameters<SearchableRows["poll"]>[0]): Promise<ChangesPoll> {
    this.asked.push(asked.length);
    if (this.pollFault !== undefined) throw this.pollFault;
    await new Promise((resolve) => setImmediate(resolve));
    const { since, toldFrom, epoch } = this;
    const told = (from: string) => this.changes.filter(({ transaction }) => Number(transaction) >= Number(from));
    const tenants = asked.map((one) => ({
      changes: told(one.since),
      talkWaits: this.talkWaits,
      standing: (one.rows ?? []).map(({ id }) => (this.standing.has(id) ? this.standing.get(id) : STANDS)),
    }));
    return { since: String(since), toldFrom: String(toldFrom), epoch, clock: Date.now(), tenants };
  }
  async join(_ids: readonly string[], _filter: unknown, asked: Parameters<SearchableRows["poll"]>[0][number]) {
    this.joins += 1;
    const { tenants, ...mark } = await this.poll([asked]);
    return { memories: [], poll: { ...mark, ...(tenants[0] ?? { changes: [], talkWaits: false, standing: [] }) } };
  }
  toMemory({ contents }: KeptRow, standing: Standing): Memory {
    return { content: contents, ...standing } as Memory;
  }
  forget(): ReturnType<SearchableRows["forget"]> {
    return Promise.resolve({ deleted: 0, more: false });
  }
}

function rowOf(id: string, version: number): SearchableRow {
  return {
    id,
    version,
    level: "user",
    type: "fact",
    sessionId: null,
    sessionIds: [],
    agentIds: [],
    createdAt: version,
    expiresAt: Infinity,
    lexemes: ["слово"],
    counts: [1],
    contents: `${id}${version}`,
  };
}

describe("createWorkingSets", () => {
  let rows: FakeRows;
  let time = 0;
  const open: { close(): void }[] = [];
  const create = (given: Partial<WorkingSetsOptions> = {}) => {
    const sets = createWorkingSets({ rows, index: {}, bytesMax: 1e6, now: () => time, ...given });
    open.push(sets);
    return sets;
  };
  /** Asks until a set is held; what came before it was "none is". */
  const held = async (sets: ReturnType<typeof create>, userId = "u") => {
    for (let tries = 0; tries < 10; tries++) {
      const found = await sets.find(filterOf(userId), undefined);
      if (found !== undefined) return found.set;
      await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error("none is held");
  };
  const idsOf = (set: Awaited<ReturnType<typeof held>>) => set.held.map(({ id, version }) => `${id}${version}`);
  beforeEach(() => {
    rows = new FakeRows();
    time = 1; // a clock that stands at 0 tells no time
    rows.put("a");
  });
  afterEach(() => {
    for (const one of open.splice(0)) one.close();
    jest.useRealTimers();
  });

  test("who is asked about once is not held, and who is asked about a second time is", async () => {
    const sets = create();
    expect(await sets.find(filterOf("u"), undefined)).toBeUndefined();
    expect(rows.loads).toBe(0);
    expect(await sets.find(filterOf("u"), undefined)).toBeUndefined();
    expect(idsOf(await held(sets))).toEqual(["a1"]);
    expect([rows.loads, sets.held.users]).toEqual([1, 1]);
  });

  test("who is asked about a second time after more than ten minutes is asked about for the first time again", async () => {
    const sets = create();
    expect(await sets.find(filterOf("u"), undefined)).toBeUndefined();
    time += 11 * MINUTE;
    expect(await sets.find(filterOf("u"), undefined)).toBeUndefined();
    expect(rows.loads).toBe(0);
    time += 9 * MINUTE;
    expect(await sets.find(filterOf("u"), undefined)).toBeUndefined();
    expect(rows.loads).toBe(1);
  });

  test("nobody is held where there is no room, and nobody for whom there is too little", async () => {
    for (const bytesMax of [0, 100]) {
      const sets = create({ bytesMax });
      for (let tries = 0; tries < 5; tries++) {
        expect(await sets.find(filterOf("u"), undefined)).toBeUndefined();
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(sets.held).toEqual({ users: 0, bytes: 0 });
    }
    expect(rows.loads).toBe(1);
  });

  test("what is too large is not read to its end, not held, and tried again after ten minutes, however often it is asked about", async () => {
    for (let n = 0; n < 2_000; n++) rows.rows.set(`${n}`, { ...rowOf(`${n}`, n), contents: "x".repeat(1_000) });
    const sets = create({ bytesMax: 1_500_000 });
    const askOften = async (): Promise<void> => {
      for (let tries = 0; tries < 10; tries++) {
        expect(await sets.find(filterOf("u"), undefined)).toBeUndefined();
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await askOften();
    // 500 rows of 2.5 KB are read at once.
    expect([rows.loads, rows.reads]).toEqual([1, 2]);
    time += 6 * MINUTE;
    await askOften();
    expect(rows.loads).toBe(1);
    time += 6 * MINUTE;
    await askOften();
    expect(rows.loads).toBe(2);
  });

  test("who was not asked about for longest makes room, and nobody who was asked about lately", async () => {
    const sets = create({ bytesMax: 1_300 });
    await held(sets, "u");
    await held(sets, "v");
    for (let tries = 0; tries < 5; tries++) expect(await sets.find(filterOf("w"), undefined)).toBeUndefined();
    expect(rows.loads).toBe(2);
    time = 2 * MINUTE;
    await held(sets, "u");
    await held(sets, "w");
    const { loads } = rows;
    await held(sets, "u");
    expect(rows.loads).toBe(loads);
    expect(sets.held.users).toBe(2);
    time = 4 * MINUTE;
    await held(sets, "v");
    expect(rows.loads).toBe(loads + 1);
    expect(sets.held.bytes).toBeLessThanOrEqual(1_300);
  });

  test("a change is in the next answer, told again or not, and is read once", async () => {
    const sets = create();
    await held(sets);
    rows.reads = 0;
    rows.put("b");
    rows.put("a", 2);
    expect(idsOf(await held(sets))).toEqual(["b1", "a2"]);
    expect(idsOf(await held(sets))).toEqual(["b1", "a2"]);
    expect(rows.reads).toBe(1);
    // The slow one ends, and only what comes later is told from then on.
    rows.rows.delete("b");
    rows.changes.push({ transaction: "100", ids: ["b"] });
    expect(idsOf(await held(sets))).toEqual(["a2"]);
    expect(rows.reads).toBe(2);
    rows.since = rows.latest + 1;
    await held(sets);
    rows.latest = rows.since;
    rows.put("c");
    expect(idsOf(await held(sets))).toEqual(["c1", "a2"]);
    expect([rows.reads, rows.loads]).toEqual([3, 1]);
  });

  test("a change whose rows could not be read is read with the next question", async () => {
    const sets = create();
    await held(sets);
    rows.put("b");
    rows.fault = new Error("away");
    await expect(sets.find(filterOf("u"), undefined)).rejects.toThrow("away");
    rows.fault = undefined;
    expect(idsOf(await held(sets))).toEqual(["a1", "b1"]);
  });

  test.each<[string, (rows: FakeRows) => void]>([
    ["the database is another, or was filled past its triggers", (all) => (all.epoch = "two")],
    ["the database went back in time", (all) => (all.since = 50)],
    ["what was told since is told no more", (all) => (all.since = all.toldFrom = 200)],
    [
      "so much is told again that it takes longer than to ask the stores",
      (all) => Array.from({ length: 2_001 }, () => all.tell([])),
    ],
    ["there were too many changes to tell", (all) => all.tell(undefined)],
    [
      "there were so many that all is read as soon",
      (all) => all.tell(Array.from({ length: 1_001 }, (_, n) => `x${n}`)),
    ],
  ])("all is read anew where %s", async (_, happen) => {
    const sets = create();
    await held(sets);
    happen(rows);
    expect(await sets.find(filterOf("u"), undefined)).toBeUndefined();
    rows.changes = [];
    await held(sets);
    expect(rows.loads).toBe(2);
  });

  test("a set is read anew after a quarter of an hour, given until then, and given up when that fails", async () => {
    const sets = create();
    await held(sets);
    time = 16 * MINUTE;
    expect(await sets.find(filterOf("u"), undefined)).toBeDefined();
    await new Promise((resolve) => setImmediate(resolve));
    await held(sets);
    expect(rows.loads).toBe(2);
    rows.fault = new Error("away");
    time = 47 * MINUTE;
    expect(await sets.find(filterOf("u"), undefined)).toBeDefined();
    expect(sets.held.users).toBe(0);
  });

  test("who is not asked about for ten minutes is held no more", async () => {
    jest.useFakeTimers({ doNotFake: ["setImmediate"] });
    const sets = create();
    await held(sets);
    time = 11 * MINUTE;
    jest.advanceTimersByTime(MINUTE);
    expect(sets.held.users).toBe(0);
  });

  test("who is not asked about catches up within two minutes, and is held no more where that cannot be", async () => {
    jest.useFakeTimers({ doNotFake: ["setImmediate"] });
    const sets = create();
    const before = (await held(sets)) && sets.held.bytes;
    const sweep = async (): Promise<void> => {
      time += MINUTE + 1;
      jest.advanceTimersByTime(MINUTE);
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    };
    rows.put("b");
    await sweep();
    expect(sets.held.bytes).toBeGreaterThan(before);
    rows.rows.delete("b");
    rows.tell(["b"]);
    rows.pollFault = new Error("away");
    await sweep();
    rows.pollFault = undefined;
    await sweep();
    expect(sets.held).toEqual({ users: 1, bytes: before });
    rows.tell(undefined);
    await sweep();
    expect(sets.held.users).toBe(0);
  });

  test("questions of one moment are one poll, and each is of a time after it was asked", async () => {
    const sets = create();
    for (const user of ["u", "v", "w"]) await held(sets, user);
    rows.asked = [];
    await Promise.all(["u", "v", "w", "u"].map((user) => sets.find(filterOf(user), undefined)));
    expect(rows.asked).toEqual([3, 1]);
  });

  test("a peek asks nothing, and its join tells whether anything had changed", async () => {
    const sets = create();
    const filter = filterOf("u");
    expect(await sets.peek(filter, undefined)).toBeUndefined();
    await held(sets);
    const [early, late] = await Promise.all([sets.peek(filter, undefined), sets.peek(filter, undefined)]);
    expect(await early?.join([], SEEN, filter)).toMatchObject({ isCurrent: true });
    rows.put("b");
    expect(await late?.join([], SEEN, filter)).toMatchObject({ isCurrent: false });
    // What another search has seen meanwhile is no part of the set that was peeked at.
    expect(idsOf(await held(sets))).toEqual(["a1", "b1"]);
    expect(await early?.join([], SEEN, filter)).toMatchObject({ isCurrent: false });
    // Whose memories change between questions is not peeked at until they have come to rest.
    expect(await sets.peek(filter, undefined)).toBeUndefined();
    await held(sets);
    expect(await (await sets.peek(filter, undefined))?.join([], SEEN, filter)).toMatchObject({ isCurrent: true });
    rows.talkWaits = true;
    expect(await (await sets.peek(filter, undefined))?.join([], SEEN, filter)).toMatchObject({ isCurrent: false });
    await held(sets);
    expect(await sets.peek(filter, undefined)).toBeUndefined();
    rows.talkWaits = false;
    await held(sets);
    expect(await sets.peek(filter, undefined)).toBeDefined();
    time = 16 * MINUTE;
    expect(await sets.peek(filter, undefined)).toBeUndefined();
  });

  test("contents are held: a join asks whether they stand, and reads rows where one is not held or not seen", async () => {
    const sets = create();
    const filter = filterOf("u");
    rows.put("b");
    rows.rows.set("long", { ...rowOf("long", 3), contents: undefined });
    const set = await held(sets);
    const [seen, none] = [new Uint8Array(3).fill(1), new Uint8Array(3)];
    const peek = await sets.peek(filter, undefined);
    rows.standing.set("b", { seenCount: 4, indexStatus: "pending" });
    expect(await peek?.join(["b", "a"], seen, filter)).toEqual({
      isCurrent: true,
      memories: [
        { content: "b1", seenCount: 4, indexStatus: "pending" },
        { content: "a1", ...STANDS },
      ],
    });
    rows.standing.set("b", undefined);
    expect((await peek?.join(["b", "a"], seen, filter))?.memories).toEqual([{ content: "a1", ...STANDS }]);
    expect(rows.joins).toBe(0);
    expect(set.ids).toHaveLength(3);
    for (const [ids, those] of [
      [["a", "long"], seen],
      [["a"], none],
      [["unknown"], seen],
    ] as const)
      await peek?.join(ids, those, filter);
    expect(rows.joins).toBe(3);
  });

  test("what was seen when the rows were read is not read again", async () => {
    const sets = create();
    rows.tell(undefined);
    await held(sets);
    expect([rows.loads, rows.reads]).toEqual([1, 1]);
  });

  test("a set that cannot be read is told, and is asked for again", async () => {
    const told: unknown[] = [];
    const sets = create({ onError: (error) => told.push(error) });
    rows.fault = new Error("away");
    for (let tries = 0; tries < 3; tries++) {
      expect(await sets.find(filterOf("u"), undefined)).toBeUndefined();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(told.length).toBeGreaterThan(0);
    rows.fault = undefined;
    await held(sets);
  });
});

describe("createNextRun", () => {
  test("who asks while a run is under way gets one that begins after it", async () => {
    let [begun, running] = [0, 0];
    const run = createNextRun(async () => {
      begun += 1;
      running += 1;
      expect(running).toBe(1);
      const mine = begun;
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      if (mine === 2) throw new Error("second");
      return mine;
    });
    const [first, second, third] = [run(), run(), run()];
    expect(await first).toBe(1);
    await expect(second).rejects.toThrow("second");
    await expect(third).rejects.toThrow("second");
    expect(await run()).toBe(3);
    expect(begun).toBe(3);
  });
});
