import { expect, test } from "@jest/globals";
import { target } from "../target.ts";

const address = `${target.bases[0]}/api/memory/status`;

test("GET /api/memory/status without a key says whether there is memory, and no more", async () => {
  const answer = await fetch(address);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({ enabled: true, initialized: true, backend: expect.any(String) });
});

test("with a key: its parts, and what is to be mended", async () => {
  const answer = await fetch(address, { headers: { "X-API-Key": target.key } });
  expect(await answer.json()).toEqual({
    enabled: true,
    initialized: true,
    backend: expect.stringMatching(/^(supabase-pgvector|pgvector|qdrant|embedded)$/),
    collection: expect.stringMatching(/^\w+$/),
    embedding_model: expect.any(String),
    llm_model: target.kind === "embedded" ? null : expect.any(String),
    queue: expect.stringMatching(/^(local|bullmq)$/),
    problems: expect.any(Array),
  });
});

test("/openapi.json describes what it says, without a key and with one", async () => {
  interface Described {
    security: object[];
    responses: Record<string, { content: { "application/json": { schema: Schema } } }>;
  }
  interface Schema {
    required: string[];
    properties: Record<string, unknown>;
  }
  const document = (await (await fetch(`${target.bases[0]}/openapi.json`)).json()) as {
    paths: Record<string, { get?: Described }>;
  };
  const described = document.paths["/api/memory/status"]?.get;
  expect(described?.security).toEqual([{}, { bearer: [] }, { apiKey: [] }]);
  const schema = described?.responses["200"]?.content["application/json"].schema;
  const keysOf = async (headers: Record<string, string>): Promise<string[]> =>
    Object.keys((await (await fetch(address, { headers })).json()) as object).sort();
  expect(await keysOf({})).toEqual(schema?.required.toSorted());
  expect(await keysOf({ "X-API-Key": target.key })).toEqual(Object.keys(schema?.properties ?? {}).sort());
});

test("with a wrong key: 401", async () => {
  expect((await fetch(address, { headers: { "X-API-Key": "wrong" } })).status).toBe(401);
});

test("another method: 405", async () => {
  expect((await fetch(address, { method: "POST", headers: { "X-API-Key": target.key } })).status).toBe(405);
});
