import { expect, test } from "@jest/globals";
import { createSweepJob } from "./sweep.ts";

/** A sweep that has so many rows left, five to a chunk. */
function sweeping(left: number): () => Promise<{ deleted: number; more: boolean }> {
  return () => {
    const deleted = Math.min(left, 5);
    left -= deleted;
    return Promise.resolve({ deleted, more: deleted === 5 });
  };
}

test("memories, answers, events and what was told of changes are swept to the end, and counted over the steps", async () => {
  const job = createSweepJob({
    store: { sweepExpired: sweeping(7) },
    answers: { sweep: sweeping(11) },
    conversations: { sweepEvents: sweeping(3) },
    searchable: { forget: sweeping(6) },
  });
  const { signal } = new AbortController();
  const first = await job.step(null, { signal, spent: () => true });
  expect(first).toEqual({ done: false, state: { expired: 5, answers: 5, events: 3, changes: 5 } });
  const state = first.done ? undefined : first.state;
  expect(await job.step(state, { signal, spent: () => false })).toEqual({
    done: true,
    result: { expired: 7, answers: 11, events: 3, changes: 6 },
  });
});
