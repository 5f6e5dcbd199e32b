import { expect, test } from "@jest/globals";
import { MemoryError } from "./errors.ts";
import { workExtraction, type ExtractDeps } from "./extract.ts";
import type { Claimed } from "./ports/index.ts";

const claimed: Claimed = {
  key: "00000000-0000-7000-8000-000000000001",
  generation: 1,
  attempts: 1,
  inDoubt: false,
  alone: false,
  waitedSeconds: 0,
  requestId: null,
};

test("a failure that a writer's lock keeps from being told is told again, not after the lease", async () => {
  const told: unknown[] = [];
  const pauses: number[] = [];
  const outbox: ExtractDeps["outbox"] = {
    claim: () => Promise.resolve([claimed]),
    // The row is held by whoever adds to the same talk, twice.
    fail: (_topic, _token, failures) => Promise.resolve(told.push(failures) > 2 ? 1 : 0),
    release: () => Promise.resolve(0),
  };
  const away = () => Promise.reject(new MemoryError("unavailable", "the provider is away"));
  const extractions = { read: away } as unknown as ExtractDeps["extractions"];
  const pause = (ms: number) => Promise.resolve(pauses.push(ms));
  const deps = { outbox, extractions, pause } as unknown as ExtractDeps;
  const report = await workExtraction(deps, { leaseSeconds: 60, horizonSeconds: 60 }, new AbortController().signal);
  expect(report).toMatchObject({ outcome: "failed", error: { code: "unavailable" } });
  expect(told).toHaveLength(3);
  expect(told[2]).toMatchObject([{ key: claimed.key, error: "unavailable: the provider is away" }]);
  expect(pauses).toHaveLength(2);
});
