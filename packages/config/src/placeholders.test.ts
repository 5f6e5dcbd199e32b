import { describe, expect, test } from "@jest/globals";
import { loadConfig, placeholderProblems } from "./index.ts";

function problemsOf(env: Record<string, string>): string[] {
  // A folder without a .env.
  return placeholderProblems(loadConfig(env, { cwd: import.meta.dirname })).map((problem) => problem.message);
}

describe("placeholderProblems", () => {
  test.each([
    [{ DATABASE_URL: "postgresql://postgres:YOUR_PASSWORD@db:5432/postgres" }, "DATABASE_URL still"],
    [{ MEM0_DATABASE_URL: "postgresql://postgres:[YOUR-PASSWORD]@db:5432/postgres" }, "MEM0_DATABASE_URL still"],
    [{ DATABASE_URL: "postgresql://postgres:real@db.xxxxxxxxxxxx.supabase.co:5432/postgres" }, "host"],
    [{ OPENAI_API_KEY: "sk-your-openai-api-key" }, "OPENAI_API_KEY is"],
    [{ OPENAI_API_KEY: "ваш_ключ_openai" }, "OPENAI_API_KEY is"],
    [{ MEM0_API_KEY: "ваш_случайный_ключ" }, "MEM0_API_KEY is"],
    [{ QDRANT_API_KEY: "your_qdrant_api_key" }, "QDRANT_API_KEY is"],
    [{ REDIS_URL: "redis://:your_password@redis:6379" }, "REDIS_URL still"],
  ])("%j is told, and is no fault", (env, message) => {
    expect(problemsOf(env)).toEqual([expect.stringContaining(message)]);
  });

  test.each([
    { DATABASE_URL: "postgresql://postgres:secret@localhost:5432/mem0" },
    { OPENAI_API_KEY: "sk-proj-yourself0123456789" },
    { OPENAI_BASE_URL: "http://localhost:11434/v1" },
    { MEM0_API_KEY: "engram_1234567890" },
    {},
  ])("%j is fine", (env) => {
    expect(problemsOf(env as Record<string, string>)).toEqual([]);
  });

  test("each says what to do", () => {
    const config = loadConfig({ OPENAI_API_KEY: "sk-your-openai-api-key" }, { cwd: import.meta.dirname });
    expect(placeholderProblems(config)).toEqual([
      {
        code: "placeholder",
        message: "OPENAI_API_KEY is still a placeholder",
        cure: "Put your real key in, or leave it empty to work without a provider and start again",
      },
    ]);
  });
});
