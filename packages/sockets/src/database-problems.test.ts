import { describe, expect, test } from "@jest/globals";
import { loadConfig } from "@engram/config";
import { MemoryError } from "@engram/memory";
import { databaseProblem, indexProblem } from "./database-problems.ts";

const variableOf = (env: Record<string, string>) => loadConfig(env, { cwd: "/nonexistent" }).truth.databaseVariable;
const failed = (code: string, message: string): MemoryError =>
  new MemoryError("unavailable", "The database cannot be reached", {
    cause: Object.assign(new Error(message), { code }),
  });
const url = "postgresql://u:p@db:5432/mem0";

describe.each([
  ["DATABASE_URL", { DATABASE_URL: url }],
  ["MEM0_DATABASE_URL", { MEM0_DATABASE_URL: url }],
  ["MEM0_DATABASE_URL", { DATABASE_URL: url, MEM0_DATABASE_URL: url }],
])("a trouble of the address in %s", (variable, env) => {
  test.each([
    ["ENOTFOUND", "getaddrinfo ENOTFOUND db", "the host cannot be resolved (getaddrinfo ENOTFOUND db)"],
    ["ECONNREFUSED", "connect ECONNREFUSED", "nothing listens there (connect ECONNREFUSED)"],
    ["ENETUNREACH", "connect ENETUNREACH", "the host cannot be reached (connect ENETUNREACH)"],
    ["28P01", "password authentication failed", "password authentication failed"],
    ["3D000", 'database "mem0" does not exist', 'database "mem0" does not exist'],
    ["42501", "permission denied for schema public", "permission denied for schema public"],
  ])("%s names that variable and no other", (code, message, told) => {
    for (const problem of [databaseProblem, indexProblem])
      expect(problem(failed(code, message), variableOf(env)).message).toBe(`${variable}: ${told}`);
  });

  test("what the address reaches is not the address's fault", () => {
    const error = failed("58P01", "there is no extension vector");
    expect(databaseProblem(error, variableOf(env)).message).toBe("The database has no extension vector");
  });
});
