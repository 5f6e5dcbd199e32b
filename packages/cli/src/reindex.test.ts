import { expect, test } from "@jest/globals";
import { EMPTY_TARGET_REPORT, newReconcileRun, type Gate } from "@engram/memory";
import { describeStep } from "./reindex.ts";

const progress = { rows: 50_000, pending: 12, parked: 0, work: 12 };
const gate: Gate = { target: "next", filled_at: "2026-11-25T10:00:00.000Z", run: null, refusals: 0, reason: null };
const seen: Gate = { ...gate, refusals: 2, reason: "it differs from the memories: 1 missing" };

test("an index that is being filled", () => {
  const phase = { phase: "filling", target: "next", progress } as const;
  expect(describeStep({ phase, gate: null })).toBe("next is filling: 12 to do");
  expect(describeStep({ phase, gate: seen })).toBe(
    "next is filling: 12 to do; found unfit 2 times, last: it differs from the memories: 1 missing",
  );
});

test("how far it is compared", () => {
  const run = { ...newReconcileRun({ dryRun: false }), targets: { next: { ...EMPTY_TARGET_REPORT, rows: 23_000 } } };
  const phase = { phase: "comparing", target: "next", progress } as const;
  expect(describeStep({ phase, gate: { ...gate, run } })).toBe("next is compared with the memories: 23000 of 50000");
});

test("why it does not go live, and when it is looked at again", () => {
  const { reason, refusals } = { reason: "1 missing", refusals: 3 };
  const phase = { phase: "refused", target: "next", reason, refusals, nextInSeconds: 3.2 } as const;
  expect(describeStep({ phase, gate: seen })).toBe(
    "next does not go live yet: 1 missing. Looked at 3 times, again in 4 s",
  );
});
