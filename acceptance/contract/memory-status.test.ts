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

test("with a wrong key: 401", async () => {
  expect((await fetch(address, { headers: { "X-API-Key": "wrong" } })).status).toBe(401);
});

test("another method: 405", async () => {
  expect((await fetch(address, { method: "POST", headers: { "X-API-Key": target.key } })).status).toBe(405);
});
