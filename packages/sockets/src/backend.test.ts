import { expect, test } from "@jest/globals";
import { loadConfig } from "@engram/config";
import { backendOf } from "./backend.ts";

test.each([
  [{}, "embedded"],
  [{ DATABASE_URL: "postgresql://u:p@localhost:5432/mem0" }, "pgvector"],
  [{ MEM0_DATABASE_URL: "postgresql://u:p@db.abcdefghij.supabase.co:5432/postgres" }, "supabase-pgvector"],
  [{ DATABASE_URL: "postgresql://u.abc:p@aws-0-eu-west-1.pooler.supabase.com:6543/postgres" }, "supabase-pgvector"],
  [{ DATABASE_URL: "postgresql://u:p@localhost:5432/mem0", QDRANT_URL: "http://localhost:6333" }, "qdrant"],
])("%p: %s", (environment, backend) => {
  expect(backendOf(loadConfig(environment, { cwd: "/nonexistent" }))).toBe(backend);
});
