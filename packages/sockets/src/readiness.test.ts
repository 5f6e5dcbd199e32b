import { expect, test } from "@jest/globals";
import { loadConfig } from "@engram/config";
import { MemoryError } from "@engram/memory";
import { Readiness, tellDatabaseProblem } from "./readiness.ts";

test("a database that is away is told once, by whoever meets it first, and anew after it was back", () => {
  const { truth, ...config } = loadConfig({}, { cwd: "/nonexistent" });
  const readiness = new Readiness({ ...config, truth });
  const told: string[] = [];
  const logger = { warn: (_fields: object, message?: string) => void told.push(message ?? "") };
  const cause = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:1"), { code: "ECONNREFUSED" });
  const away = new MemoryError("unavailable", "The database cannot be reached", { cause });

  tellDatabaseProblem(away, { logger, readiness, truth });
  tellDatabaseProblem(away, { logger, readiness, truth });
  expect(told).toEqual(["DATABASE_URL: nothing listens there (connect ECONNREFUSED 127.0.0.1:1)"]);
  expect(readiness.problems).toMatchObject([{ code: "database_refused" }]);

  readiness.clear("truth");
  tellDatabaseProblem(away, { logger, readiness, truth });
  expect(told).toHaveLength(2);
});
