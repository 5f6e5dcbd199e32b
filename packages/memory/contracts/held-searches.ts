import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import {
  contentHash,
  DEFAULT_PROJECT_ID,
  tenantOf,
  textQueryOf,
  toUnit,
  uuidv7,
  type CollectionRef,
  type Memory,
  type MemoryFilter,
  type MemoryStore,
  type SearchableRows,
  type TextHits,
  type VectorIndex,
} from "@engram/memory";
import fc from "fast-check";
import { searchVectors } from "../src/working-set/search-vectors.ts";
import { searchWords } from "../src/working-set/search-words.ts";
import { seenRows } from "../src/working-set/seen-rows.ts";
import type { WorkingSet } from "../src/working-set/working-set.ts";
import { createWorkingSets, type SetPeek, type WorkingSets } from "../src/working-set/working-sets.ts";
import { plainHits } from "../test/text-hits.ts";
import { draft } from "./draft.ts";

export interface HeldSearchesUnderTest {
  readonly store: MemoryStore;
  readonly index: VectorIndex;
  readonly rows: SearchableRows;
  readonly collection: CollectionRef;
  /** Runs SQL as a person at the database would. */
  sql(text: string): Promise<void>;
  close(): Promise<void>;
}

const NOW = new Date("2026-11-25T12:00:00Z");
const WORDS = "Казань переезд работа врач Марина чай кофе deploy server notification settings 2024 ноябрь".split(" ");
const SESSIONS = ["s1", "s2"];
const SPEAKERS = ["Марина", "Boris"];
const { signal } = new AbortController();
/** Of the collection's vectors. */
export const DIMS = 24;
/** Fewer than there are rows, so that it matters which are the nearest. */
const POOL = 7;
const scope = { projectId: DEFAULT_PROJECT_ID, userId: "u", exact: false };
const FILTERS: readonly MemoryFilter[] = [
  { scope },
  { scope: { ...scope, sessionId: "s1" } },
  { scope: { ...scope, sessionId: "s2", exact: true } },
  { scope: { ...scope, level: "agent" } },
  { scope, types: ["interaction", "preference"] },
  { scope, createdAfter: new Date("2026-03-01T00:00:00Z"), createdBefore: new Date("2026-09-01T00:00:00Z") },
];
const QUERIES = ["Марина переехала в Казань", "когда deploy server 2024", "settings и чай в ноябре"];

/** What searches hold is what the stores would have answered, whatever was done to the truth by whichever door. */
export function heldSearchesContract(name: string, open: () => Promise<HeldSearchesUnderTest>): void {
  describe(`held searches contract: ${name}`, () => {
    let under: HeldSearchesUnderTest;
    let sets: WorkingSets;
    beforeAll(async () => {
      under = await open();
      await under.index.prepare(under.collection);
    }, 60_000);
    afterAll(() => under.close());
    beforeEach(async () => {
      await under.sql("TRUNCATE public.memories");
      sets?.close();
      const readNone = () => Promise.reject(new Error("the contents are held"));
      const rows = { ...under.rows, join: readNone };
      sets = createWorkingSets({ rows, index: under.index, bytesMax: 2 ** 28, admittedAt: 1 });
    });

    test("whatever is put, changed, ended, moved, deleted and embedded", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 15, maxLength: 40 }), async (steps) => {
          await under.sql("TRUNCATE public.memories");
          for (const [at, one] of steps.entries()) {
            await act(under, one);
            if (at % 3 === 2) await compareAll(under, sets);
          }
        }),
        { numRuns: 6, seed: 20_261_126 },
      );
    }, 120_000);

    test("one that expires is not seen any more, though nothing tells of it", async () => {
      const [put] = await under.store.putMemories([
        draft({ content: "Чай кончится", expiresAt: new Date(Date.now() + 400) }),
      ]);
      await held(sets, under, { scope });
      expect(plainHits(await ask(sets, under, "чай")).hits.map(({ id }) => id)).toEqual([put?.memory.id]);
      await new Promise((resolve) => setTimeout(resolve, 450));
      expect((await ask(sets, under, "чай")).hits).toHaveLength(0);
    });

    test("what has no beginning and no end stands beside nobody", async () => {
      await held(sets, under, { scope });
      await under.sql(`INSERT INTO public.memories (user_id, content, type, created_at) SELECT 'u', said, 'interaction', at::timestamptz
        FROM unnest(ARRAY['Марина: чай', 'Boris: кофе']) said, unnest(ARRAY['infinity', '-infinity']) at`);
      await compareAll(under, sets);
      expect(plainHits(await ask(sets, under, "чай")).hits.map(({ before, after }) => [...before, ...after])).toEqual([
        [],
        [],
      ]);
    });

    test("a table that was filled past its triggers is read anew", async () => {
      await under.store.putMemories([draft({ content: "Чай зелёный" })]);
      await held(sets, under, { scope });
      await under.sql(`CREATE TABLE kept AS SELECT content FROM public.memories;
        ALTER TABLE public.memories DISABLE TRIGGER USER; TRUNCATE public.memories;
        INSERT INTO public.memories (user_id, content) SELECT 'u', 'Чай ' || n FROM generate_series(1, 3) n;
        ALTER TABLE public.memories ENABLE TRIGGER USER; DROP TABLE kept`);
      expect(await sets.find({ scope }, under.collection)).toBeUndefined();
      expect((await ask(sets, under, "чай")).hits).toHaveLength(3);
    });

    test("what is asked of more than one user's live memories is asked of the stores", async () => {
      await held(sets, under, { scope });
      const others: readonly MemoryFilter[] = [
        { scope: { projectId: DEFAULT_PROJECT_ID, sessionId: "s1", exact: false } },
        { scope: { ...scope, agentId: "a" } },
        { scope, asOf: NOW },
        { scope, key: "home" },
        { scope, condition: { op: "and", of: [] } },
        { scope, includeHidden: true },
      ];
      for (const filter of others) expect(await sets.find(filter, under.collection)).toBeUndefined();
    });
  });
}

interface Step {
  readonly kind: (typeof KINDS)[number];
  readonly row: number;
  readonly words: readonly string[];
  readonly session: string | null;
  readonly type: string;
  readonly level: "user" | "session" | "agent";
}

/** Those that come often stand often. */
const KINDS = [
  "put",
  "put",
  "put",
  "put",
  "again",
  "embed",
  "embed",
  "update",
  "supersede",
  "delete",
  "restore",
  "move",
  "end",
  "age",
  "payload",
  "other",
] as const;

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...KINDS),
  row: fc.nat(1_000),
  words: fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 5 }),
  session: fc.option(fc.constantFrom(...SESSIONS)),
  type: fc.constantFrom("fact", "preference", "interaction"),
  level: fc.constantFrom("user", "user", "session", "agent"),
});

async function act(under: HeldSearchesUnderTest, one: Step): Promise<void> {
  const { store, index, collection } = under;
  const actor = { name: null, requestId: null };
  const all = await store.listMemories({
    filter: { scope: { ...scope, exact: true } },
    sort: "created_at",
    limit: 1_000,
    offset: 0,
  });
  const chosen = all.memories[one.row % Math.max(1, all.memories.length)];
  const said = `${one.type === "interaction" ? `${SPEAKERS[one.row % 2] ?? ""}: ` : ""}${one.words.join(" ")} ${one.row % 9}`;
  const placed = {
    sessionId: one.level === "session" ? (one.session ?? "s1") : one.session,
    agentId: one.level === "agent" ? "a" : null,
    level: one.level,
  };
  switch (one.kind) {
    case "put":
      await store.putMemories([draft({ content: said, type: one.type, ...placed })]);
      return;
    case "supersede":
      await store.putMemories([draft({ content: said, type: "fact", key: `slot ${one.row % 2}` })]);
      return;
    case "other":
      await store.putMemories([draft({ content: said, userId: "v" })]);
      return;
    case "embed":
    case "payload": {
      const ids = all.memories.filter((_, at) => (at + one.row) % 2 === 0).map(({ id }) => id);
      const points = (await store.readIndexable(ids)).map((memory) => ({
        memory,
        hash: contentHash(memory.content),
        vector: vectorOf(memory.content),
      }));
      if (one.kind === "embed") await index.upsert(collection, points, signal);
      else await index.setPayload(collection, points, signal);
      return;
    }
  }
  if (chosen === undefined) return;
  if (one.kind === "update")
    await store
      .updateMemory(chosen.projectId, chosen.id, { content: said, mergeMetadata: false }, actor)
      .catch(() => undefined);
  else if (one.kind === "again") await store.putMemories([draft({ ...chosen, id: uuidv7(), requestId: null })]);
  else if (one.kind === "delete") await store.deleteMemory(chosen.projectId, chosen.id, actor);
  else if (one.kind === "restore") {
    const ended = await store.listMemories({
      filter: { scope: { ...scope, exact: true }, includeHidden: true },
      sort: "created_at",
      limit: 1_000,
      offset: 0,
    });
    const retired = ended.memories.find(({ validTo }) => validTo !== null);
    if (retired !== undefined) await store.restoreMemory(retired.projectId, retired.id, actor).catch(() => undefined);
  } else if (one.kind === "move") await under.sql(`UPDATE public.memories SET user_id = 'v' WHERE id = '${chosen.id}'`);
  else if (one.kind === "end") await under.sql(`UPDATE public.memories SET valid_to = now() WHERE id = '${chosen.id}'`);
  else
    await under.sql(
      `UPDATE public.memories SET created_at = timestamptz '2026-02-01' + ${one.row % 300} * interval '1 day' WHERE id = '${chosen.id}'`,
    );
}

/** Some direction that the text decides. */
function vectorOf(content: string): Float32Array {
  const hash = contentHash(content);
  const parts = Array.from({ length: DIMS }, (_, at) => Number.parseInt(hash.slice(2 * at, 2 * at + 2), 16) - 127.5);
  return toUnit(parts) ?? new Float32Array(DIMS);
}

async function compareAll(under: HeldSearchesUnderTest, sets: WorkingSets): Promise<void> {
  for (const [at, filter] of FILTERS.entries()) {
    const query = QUERIES[at % QUERIES.length] ?? "";
    const set = await held(sets, under, filter);
    const asked = textQueryOf(query, NOW);
    const seen = seenRows(set, filter, new Date());
    const words = searchWords(set, seen, {
      query: asked,
      analysed: await under.store.analyseQuery(asked),
      limit: POOL,
    });
    expect(plain(words)).toEqual(plain(await under.store.searchText(asked, filter, POOL)));

    const vector = vectorOf(query);
    const tenants = [tenantOf({ ...scope, agentId: null })];
    const nearest = await under.index.search(
      under.collection,
      { vector, filter, tenants, limit: POOL, now: NOW },
      signal,
    );
    const byId = (found: typeof nearest) =>
      found.toSorted((left, right) => (left.id < right.id ? -1 : 1)).map(({ id, version }) => [id, version]);
    const { hits, placed } = searchVectors(set, seen, vector, POOL);
    expect(byId(hits)).toEqual(byId(nearest));
    const cosines = new Map(nearest.map(({ id, cosine }) => [id, cosine]));
    for (const { id, cosine } of hits) expect(cosine).toBeCloseTo(cosines.get(id) ?? Number.NaN, 4);
    expect(Array.from(placed.places, (place) => placed.ids[place])).toEqual(hits.map(({ id }) => id));

    const ids = set.ids.filter((_, row) => seen[row] === 1);
    const joined = await (await peeked(sets, under, filter)).join(ids, seen, filter);
    // As JSON, which has one word for times without an end.
    const told = (memories: readonly Memory[]): unknown =>
      JSON.parse(JSON.stringify(memories.toSorted((left, right) => (left.id < right.id ? -1 : 1))));
    expect(joined.isCurrent).toBe(true);
    expect(told(joined.memories)).toEqual(told(await under.store.findMemories(ids, filter)));
  }
}

/** Means differ in their last digit, sums by the order of rows; that of the hits makes no difference. */
function plain(text: TextHits) {
  const { averageLength, hits, ...rest } = plainHits(text);
  const byId = hits.toSorted((left, right) => (left.id < right.id ? -1 : 1));
  return { ...rest, hits: byId, averageLength: Math.round(averageLength * 1e9) / 1e9 };
}

/** The set once it has been read; it is asked for until then. */
async function held(
  sets: WorkingSets,
  { collection }: HeldSearchesUnderTest,
  filter: MemoryFilter,
): Promise<WorkingSet> {
  for (let tries = 0; tries < 200; tries++) {
    const found = await sets.find(filter, collection);
    if (found !== undefined) return found.set;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("the set was never read");
}

/** The set as of the last poll, once it is quiet. */
async function peeked(sets: WorkingSets, under: HeldSearchesUnderTest, filter: MemoryFilter): Promise<SetPeek> {
  await held(sets, under, filter);
  const peek = await sets.peek(filter, under.collection);
  if (peek === undefined) throw new Error("nothing changes, and yet it is not quiet");
  return peek;
}

async function ask(sets: WorkingSets, under: HeldSearchesUnderTest, text: string): Promise<TextHits> {
  const set = await held(sets, under, { scope });
  const query = textQueryOf(text, NOW);
  const analysed = await under.store.analyseQuery(query);
  return searchWords(set, seenRows(set, { scope }, new Date()), { query, analysed, limit: POOL });
}
