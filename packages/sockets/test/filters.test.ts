import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  cosineOf,
  DEFAULT_PROJECT_ID,
  matches,
  tenantOf,
  uuidv7,
  type Condition,
  type MemoryFilter,
  type VectorQuery,
} from "@engram/memory";
import { conditioned, conditions, memories } from "@engram/memory/contracts/conditions";
import fc from "fast-check";
import { openPgvector, openQdrant, type Installation } from "./points/installations.ts";
import { TOPICS, vectorNear } from "./points/meaning.ts";
import { pick, seeded } from "./points/random.ts";
import { readRows, writeRows, type NewRow } from "./points/rows.ts";

const SEED = Number(process.env["CONDITIONS_SEED"] ?? 20_261_125);

const AT_ONCE = 4;
const ROWS = 40;
/** Fewer than most conditions let through: an index that filters behind its pool would show others, or fewer. */
const POOL = 5;
/** All rows are of one time, at which all of them are valid; slots and equal states are not what is looked at. */
const AS_OF = new Date("2990-01-01T00:00:00Z");
const VALID_TO = new Date("2999-01-01T00:00:00Z");

const projectId = DEFAULT_PROJECT_ID;
const database = process.env["ENGRAM_TEST_DATABASE_URL"] ?? "PGlite";
/** Common to all that the caller sees, whosever it is: a caller who names a user sees rows of one alone. */
const AGENT = "ours";
/**
 * Ten thousand in some thirty seconds, of what an index does by itself; the embedded database plans each of them for itself,
 * and takes a part.
 */
const RUNS = Number(process.env["CONDITIONS_RUNS"] ?? (database === "PGlite" ? 2_000 : 10_000));
const qdrant = process.env["ENGRAM_TEST_QDRANT_URL"] ?? "";
const never = new AbortController().signal;

const INSTALLATIONS: readonly (readonly [name: string, open: () => Promise<Installation>])[] = [
  ["pgvector", () => openPgvector(database)],
  ...(qdrant === "" ? [] : [["Qdrant", () => openQdrant(database, qdrant)] as const]),
];

describe.each(INSTALLATIONS)("conditions in an index: %s", (_name, open) => {
  const random = seeded(SEED);
  const mine: readonly NewRow[] = fc
    .sample(memories, { seed: SEED, numRuns: ROWS })
    .map((one) => conditioned({ ...one, agentIds: [...one.agentIds, AGENT] }))
    .map((one) => ({ ...one, validTo: VALID_TO }));
  const isMine = ({ id }: { readonly id: string }): boolean => mine.some((one) => one.id === id);
  const vectors = new Map(mine.map((row) => [row.id, vectorNear(random, pick(random, TOPICS))]));
  let installation: Installation;

  beforeAll(async () => {
    installation = await open();
    // The same of another agent, each nearer to any question than what is the caller's.
    const others = TOPICS.flatMap(({ middle }) =>
      mine.map((row) => ({
        row: { ...row, id: uuidv7(), agentId: "theirs", agentIds: [...row.agentIds.slice(0, -1), "theirs"] },
        vector: middle,
      })),
    );
    await writeRows(installation.db, [...mine, ...others.map(({ row }) => row)]);
    const nearer = new Map(others.map(({ row, vector }) => [row.id, vector]));
    const points = (await readRows(installation.db)).map((row) => ({
      memory: { ...row, tenant: tenantOf(row) },
      hash: "h",
      vector: vectors.get(row.id) ?? nearer.get(row.id) ?? [],
    }));
    await installation.plant(points);
  }, 60_000);
  afterAll(() => installation.close());

  test("the nearest that a condition lets through, as `matches` has it, and nobody else's", async () => {
    const isAlone = installation.search.index.joinsRows === true;
    const all = fc.sample(conditions, { seed: SEED, numRuns: isAlone ? RUNS : RUNS / 5 });
    const rows = (await readRows(installation.db)).filter(isMine);
    let next = 0;
    const asker = async (): Promise<void> => {
      for (let at = next++; at < all.length; at = next++) {
        const condition = all[at];
        const { middle } = TOPICS[at % TOPICS.length] ?? { middle: [] };
        if (condition === undefined) throw new Error("no condition");
        const near = (id: string): number => cosineOf(middle, vectors.get(id) ?? []);
        const expected = rows
          .filter((row) => matches(condition, row))
          .map(({ id }) => id)
          .toSorted((left, right) => near(right) - near(left))
          .slice(0, POOL);
        expect({ condition, ids: await nearest(condition, middle) }).toEqual({ condition, ids: expected });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, asker));
  }, 300_000);

  test("without the ids, where there are too many: no less than a condition lets through, and joined no more", async () => {
    const { index, store } = installation.search;
    const all = fc.sample(conditions, { seed: SEED + 1, numRuns: index.joinsRows === true ? RUNS / 5 : RUNS });
    const rows = (await readRows(installation.db)).filter(isMine);
    const counts = { wanted: 0, given: 0, asked: all.length };
    let next = 0;
    const asker = async (): Promise<void> => {
      for (let condition = all[next++]; condition !== undefined; condition = all[next++]) {
        const one = condition;
        const query = { ...queryFor(one, TOPICS[0]?.middle ?? []), limit: rows.length };
        const given = (await index.search(installation.collection, query, never)).map(({ id }) => id);
        const wanted = rows.filter((row) => matches(one, row)).map(({ id }) => id);
        const joined = (await store.findMemories(given, query.filter)).map(({ id }) => id);
        expect({ condition, ids: joined.toSorted() }).toEqual({ condition, ids: wanted.toSorted() });
        counts.wanted += wanted.length;
        counts.given += given.length;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, asker));
    // Of what it may leave out, an index that cannot ask the rows leaves out a good part all the same.
    const spared = (counts.asked * rows.length - counts.given) / (counts.asked * rows.length - counts.wanted);
    expect(spared).toBeGreaterThan(index.joinsRows === true ? 0.999 : 0.3);
  }, 300_000);

  function queryFor(condition: Condition, vector: ArrayLike<number>): VectorQuery {
    const filter: MemoryFilter = { scope: { projectId, agentId: AGENT, exact: true }, asOf: AS_OF, condition };
    return { vector, filter, tenants: [...new Set(mine.map(tenantOf))], limit: POOL, now: new Date() };
  }

  async function nearest(condition: Condition, vector: ArrayLike<number>): Promise<readonly string[]> {
    const { store, index } = installation.search;
    const query = queryFor(condition, vector);
    const ids = index.joinsRows === true ? {} : { ids: await store.findIds(query.filter, mine.length + 1) };
    return (await index.search(installation.collection, { ...query, ...ids }, never)).map(({ id }) => id);
  }
});
