import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { QdrantClient } from "@qdrant/js-client-rest";
import { startQdrant, type Qdrant } from "../src/index.ts";

const A = "0193a3d0-0000-7000-8000-00000000000a";
const B = "0193a3d0-0000-7000-8000-00000000000b";
const C = "0193a3d0-0000-7000-8000-00000000000c";
const MISSING = "0193a3d0-0000-7000-8000-0000000000ff";
const tenant = (value: string) => ({ must: [{ key: "tenant", match: { value } }] });

let qdrant: Qdrant;
let client: QdrantClient;
let count = 0;
let name: string;

beforeAll(async () => {
  qdrant = await startQdrant();
  client = new QdrantClient({ url: qdrant.url, checkCompatibility: false });
});

afterAll(async () => {
  await qdrant.stop();
});

beforeEach(async () => {
  count += 1;
  name = `memories-${count}`;
  await client.createCollection(name, {
    vectors: { size: 4, distance: "Cosine" },
    hnsw_config: { m: 0, payload_m: 16 },
    strict_mode_config: { enabled: true, unindexed_filtering_retrieve: false, search_allow_exact: false },
  });
  await client.createPayloadIndex(name, { field_name: "tenant", field_schema: { type: "keyword", is_tenant: true } });
  await client.createPayloadIndex(name, { field_name: "importance", field_schema: "integer" });
  await client.createPayloadIndex(name, { field_name: "created_at", field_schema: "datetime" });
  await client.upsert(name, {
    wait: true,
    points: [
      { id: A, vector: [1, 0, 0, 0], payload: { tenant: "ann", importance: 1, created_at: "2026-01-01T00:00:00Z" } },
      { id: B, vector: [2, 2, 0, 0], payload: { tenant: "ann", importance: 5, created_at: "2026-02-01T00:00:00Z" } },
      { id: C, vector: [1, 0, 0, 0], payload: { tenant: "bob", importance: 1, created_at: "2026-01-01T00:00:00Z" } },
      { id: 7, vector: [0, 0, 0, 1], payload: { tenant: "ann", importance: 2, created_at: "2026-03-01T00:00:00Z" } },
    ],
  });
});

const ids = (points: readonly { readonly id: string | number }[]) => points.map(({ id }) => id);

describe("collections", () => {
  test("say that this is test equipment", async () => {
    expect(await client.versionInfo()).toMatchObject({ title: expect.stringContaining("qdrant"), version: "1.19.0" });
  });

  test("answer their settings and payload schema", async () => {
    const info = await client.getCollection(name);
    expect(info.points_count).toBe(4);
    expect(info.config.params.vectors).toEqual({ size: 4, distance: "Cosine" });
    expect(info.config.hnsw_config).toMatchObject({ m: 0, payload_m: 16 });
    expect(info.config.strict_mode_config).toMatchObject({ search_allow_exact: false });
    expect(info.payload_schema["tenant"]).toMatchObject({
      data_type: "keyword",
      params: { is_tenant: true },
      points: 4,
    });
  });

  test("are created once, updated, listed, deleted", async () => {
    await expect(client.createCollection(name, { vectors: { size: 4, distance: "Dot" } })).rejects.toMatchObject({
      status: 409,
    });
    await client.updateCollection(name, { strict_mode_config: { search_allow_exact: true } });
    expect((await client.count(name, { exact: true })).count).toBe(4);
    expect((await client.getCollections()).collections).toContainEqual({ name });
    expect(await client.deleteCollection(name)).toBe(true);
    expect(await client.collectionExists(name)).toEqual({ exists: false });
  });

  test("404 when unknown", async () => {
    await expect(client.getCollection("nope")).rejects.toMatchObject({
      status: 404,
      data: { status: { error: "Not found: Collection `nope` doesn't exist!" } },
    });
  });

  test("are found under an alias, which moves in one step", async () => {
    const alias = `alias-${count}`;
    const other = `other-${count}`;
    await client.createCollection(other, { vectors: { size: 4, distance: "Cosine" } });
    const point = (collection: string) => ({ create_alias: { alias_name: alias, collection_name: collection } });
    await client.updateCollectionAliases({ actions: [point(name)] });
    expect(ids(await client.retrieve(alias, { ids: [A] }))).toEqual([A]);
    await client.updateCollectionAliases({ actions: [{ delete_alias: { alias_name: alias } }, point(other)] });
    expect(await client.retrieve(alias, { ids: [A] })).toEqual([]);
    expect((await client.getAliases()).aliases).toContainEqual({ alias_name: alias, collection_name: other });
    expect((await client.getCollectionAliases(name)).aliases).toEqual([]);
    await expect(client.updateCollectionAliases({ actions: [point("nope")] })).rejects.toMatchObject({ status: 404 });
  });
});

describe("points", () => {
  test("are found by nearness within a tenant, normalised", async () => {
    const found = await client.query(name, {
      query: [1, 0, 0, 0],
      filter: tenant("ann"),
      with_payload: ["importance"],
      with_vector: true,
      score_threshold: 0.5,
    });
    expect(ids(found.points)).toEqual([A, B]);
    expect(found.points[1]?.score).toBeCloseTo(Math.SQRT1_2, 5);
    expect(found.points[0]).toMatchObject({ payload: { importance: 1 }, vector: [1, 0, 0, 0] });
  });

  test("are found in batches, each with its own filter", async () => {
    const search = (value: string) => ({ query: [1, 0, 0, 0], filter: tenant(value), limit: 1 });
    const found = await client.queryBatch(name, { searches: [search("ann"), search("bob")] });
    expect(found.map(({ points }) => ids(points))).toEqual([[A], [C]]);
  });

  test.each([
    ["any", { must: [{ key: "tenant", match: { any: ["bob", "eve"] } }] }, [C]],
    ["except", { must: [{ key: "tenant", match: { except: ["ann"] } }] }, [C]],
    ["range", { must: [{ key: "importance", range: { gte: 2, lt: 6 } }] }, [7, B]],
    ["datetime", { must: [{ key: "created_at", range: { gt: "2026-01-15T00:00:00Z" } }] }, [7, B]],
    ["has_id, must_not", { must: [{ has_id: [A, B, 7] }], must_not: [{ has_id: [7] }] }, [A, B]],
    ["should, nested filters", { should: [{ must: [{ has_id: [7] }] }, { must: [tenant("bob")] }] }, [7, C]],
    ["min_should", { min_should: { conditions: [tenant("ann"), { has_id: [B, C] }], min_count: 2 } }, [B]],
    ["is_empty", { must_not: [{ is_empty: { key: "tenant" } }], must: [{ has_id: [A] }] }, [A]],
  ])("are filtered: %s", async (_, filter, expected) => {
    expect(ids((await client.scroll(name, { filter })).points)).toEqual(expected);
  });

  test("are scrolled in the order of their ids, numbers first", async () => {
    const first = await client.scroll(name, { limit: 2, with_payload: false });
    expect(ids(first.points)).toEqual([7, A]);
    expect(first.next_page_offset).toBe(B);
    const rest = await client.scroll(name, { limit: 2, offset: B });
    expect(ids(rest.points)).toEqual([B, C]);
    expect(rest.next_page_offset).toBeNull();
  });

  test("are deleted by ids and by filter", async () => {
    await client.delete(name, { wait: true, points: [A, MISSING] });
    await client.delete(name, { wait: true, filter: tenant("bob") });
    expect((await client.count(name, { exact: false })).count).toBe(2);
  });

  test("have a payload that is set, overwritten and deleted", async () => {
    await client.setPayload(name, { wait: true, points: [A], payload: { h: "1" } });
    expect((await client.retrieve(name, { ids: [A] }))[0]?.payload).toMatchObject({ tenant: "ann", h: "1" });
    await client.overwritePayload(name, { wait: true, points: [A], payload: { h: "2", x: 1 } });
    await client.deletePayload(name, { wait: true, points: [A], keys: ["x"] });
    expect((await client.retrieve(name, { ids: [A] }))[0]?.payload).toEqual({ h: "2" });
  });

  test("404 when the payload of a missing point is set", async () => {
    await expect(client.setPayload(name, { points: [MISSING], payload: { h: "1" } })).rejects.toMatchObject({
      status: 404,
      data: { status: { error: `Not found: No point with id ${MISSING} found` } },
    });
  });

  test("400 when a vector has another dimension; none of its batch is stored", async () => {
    const good = { id: 8, vector: [1, 0, 0, 0] };
    await expect(client.upsert(name, { points: [good, { id: 9, vector: [1, 2, 3] }] })).rejects.toMatchObject({
      status: 400,
      data: { status: { error: "Wrong input: Vector dimension error: expected dim: 4, got 3" } },
    });
    expect(await client.retrieve(name, { ids: [8] })).toEqual([]);
    await expect(client.query(name, { query: [1, 2, 3], filter: tenant("ann") })).rejects.toMatchObject({
      status: 400,
    });
  });

  test("400 when an id is neither a UUID nor an unsigned integer", async () => {
    await expect(client.upsert(name, { points: [{ id: "abc", vector: [1, 0, 0, 0] }] })).rejects.toMatchObject({
      status: 400,
    });
  });
});

describe("strict mode refuses with 400", () => {
  const error = (pattern: RegExp) => ({ status: 400, data: { status: { error: expect.stringMatching(pattern) } } });

  test("a filter on a key without an index", async () => {
    const filter = { must: [{ key: "metadata.x", match: { value: "y" } }] };
    const expected = error(/Index required but not found for "metadata.x" of one of the following types: \[keyword\]/u);
    await expect(client.query(name, { query: [1, 0, 0, 0], filter })).rejects.toMatchObject(expected);
    await expect(client.scroll(name, { filter })).rejects.toMatchObject(expected);
    await expect(client.count(name, { filter, exact: false })).rejects.toMatchObject(expected);
  });

  test("a filter whose index is of another kind", async () => {
    const filter = { must: [{ key: "importance", match: { value: "high" } }] };
    await expect(client.scroll(name, { filter })).rejects.toMatchObject(error(/Index required/u));
  });

  test("an exact search, and an exact count, which is the client's default", async () => {
    const exact = { query: [1, 0, 0, 0], filter: tenant("ann"), params: { exact: true } };
    await expect(client.query(name, exact)).rejects.toMatchObject(error(/Exact search disabled/u));
    await expect(client.count(name)).rejects.toMatchObject(error(/Exact search disabled/u));
  });

  test("a search without a tenant where there is no graph over all points", async () => {
    await expect(client.query(name, { query: [1, 0, 0, 0] })).rejects.toMatchObject(error(/hnsw_config.m = 0/u));
  });
});

// What only the stand-in can be asked for; everything else here is also so with the server that QDRANT_URL names.
const withStandIn = (process.env["QDRANT_URL"] ?? "") === "" ? describe : describe.skip;

withStandIn("test equipment", () => {
  test("a crash loses nothing that was answered", async () => {
    await client.createPayloadIndex(name, { field_name: "key", field_schema: "keyword" });
    await client.updateCollectionAliases({
      actions: [{ create_alias: { alias_name: "kept", collection_name: name } }],
    });
    await qdrant.restart();
    expect(ids((await client.scroll("kept", { filter: tenant("ann") })).points)).toEqual([7, A, B]);
    expect(Object.keys((await client.getCollection(name)).payload_schema)).toContain("key");
  });

  test("late: the connection is cut at once, the effect comes afterwards", async () => {
    await qdrant.fault({ match: `PUT .*/${name}/points`, times: 1, late_ms: 600 });
    await expect(client.upsert(name, { points: [{ id: 9, vector: [1, 0, 0, 0] }] })).rejects.toThrow();
    expect(await client.retrieve(name, { ids: [9] })).toEqual([]);
    await until(async () => (await client.retrieve(name, { ids: [9] })).length === 1);
  });

  test("drop: the effect is there, the answer is not", async () => {
    await qdrant.fault({ match: `${name}/points/delete`, times: 1, drop: true });
    await expect(client.delete(name, { points: [A] })).rejects.toThrow();
    expect(await client.retrieve(name, { ids: [A] })).toEqual([]);
  });

  test("fail_status answers without an effect, delay_ms with one", async () => {
    await qdrant.fault({ match: `${name}/points/delete`, times: 1, fail_status: 503 });
    await expect(client.delete(name, { points: [A] })).rejects.toMatchObject({ status: 503 });
    await qdrant.fault({ match: `${name}/points`, delay_ms: 60 });
    const started = performance.now();
    expect(ids(await client.retrieve(name, { ids: [A] }))).toEqual([A]);
    expect(performance.now() - started).toBeGreaterThan(50);
    await qdrant.clearFaults();
  });

  test("builds graphs when it is told to, of tenants that have more than a scan is for", async () => {
    await client.deleteCollection(name);
    await client.createCollection(name, {
      vectors: { size: 16, distance: "Cosine" },
      hnsw_config: { m: 0, payload_m: 16, full_scan_threshold: 10 },
      optimizers_config: { indexing_threshold: 10 },
    });
    await client.createPayloadIndex(name, { field_name: "tenant", field_schema: { type: "keyword", is_tenant: true } });
    const points = Array.from({ length: 500 }, (_, id) => ({
      id,
      vector: Array.from({ length: 16 }, (_, at) => Math.sin((id + 1) * (at + 1))),
      payload: { tenant: "ann" },
    }));
    await client.upsert(name, { wait: true, points });
    const indexed = async () => (await client.getCollection(name)).indexed_vectors_count;
    expect(await indexed()).toBe(0);
    await qdrant.buildGraphs();
    expect(await indexed()).toBe(500);
    const asked = { query: points[7]?.vector ?? [], filter: tenant("ann"), limit: 1 };
    expect(ids((await client.query(name, asked)).points)).toEqual([7]);
    await client.upsert(name, { wait: true, points: [{ id: 900, vector: points[9]?.vector ?? [], payload: {} }] });
    expect(ids(await client.retrieve(name, { ids: [900] }))).toEqual([900]);
  });

  test("counts requests by route", async () => {
    const route = "POST /collections/{name}/points/scroll";
    const before = (await qdrant.counters())[route] ?? 0;
    await client.scroll(name);
    expect((await qdrant.counters())[route]).toBe(before + 1);
  });
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error("condition not met within 5 s");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
