import { afterAll, describe, expect, test } from "@jest/globals";
import { explore } from "@engram/memory/contracts/crash/explore";
import { BACKGROUND_FLOWS } from "@engram/memory/contracts/crash/background-flows";
import { FLOWS } from "@engram/memory/contracts/crash/flows";
import { INTERRUPTIONS, type Interruption } from "@engram/memory/contracts/crash/interruptions";
import { createMemoryWorld } from "@engram/memory/contracts/crash/memory-world";

/** Two disasters in one run, where a flow is short enough that every two of these at every two calls are soon tried. */
const PAIRED = [
  "crash before",
  "crash after",
  "cut before",
  "cut, and it happens late, deleted meanwhile",
  "stall after",
];
const PAIRED_CALLS_MAX = 9;

const ALL = [...FLOWS, ...BACKGROUND_FLOWS];

/** Enough of them to see what is wrong. */
const SHOWN_MAX = 5;

/** Everything that a put, a worker, a reconcile and a reindex do to the outside. */
const CALLS = [
  "bell.ring",
  "embedder.embed",
  "index.delete",
  "index.drop",
  "index.fetchStates",
  "index.inspect",
  "index.prepare",
  "index.publish",
  "index.scan",
  "index.search",
  "index.setPayload",
  "index.upsert",
  "outbox.acknowledge",
  "outbox.claim",
  "outbox.fail",
  "outbox.release",
  "rows.advanceVersions",
  "rows.examine",
  "rows.scan",
  "rows.touch",
  "schedules.getByKey",
  "schedules.save",
  "store.deleteMemory",
  "store.putMemories",
  "store.readIndexable",
  "store.sampleMemories",
  "store.updateMemory",
  "targets.adopt",
  "targets.backfill",
  "targets.followed",
  "targets.list",
  "targets.live",
  "targets.progress",
  "targets.promote",
  "targets.retire",
];

describe("every crash point of every flow converges", () => {
  const tried = { singles: 0, pairs: 0 };
  const met = new Set<string>();
  afterAll(() => {
    process.stderr.write(`${ALL.length} flows: ${tried.singles} crash points, ${tried.pairs} pairs of them\n`);
  });

  test.each(ALL)("$name", async (flow) => {
    const paired = (one: Interruption): boolean => PAIRED.includes(one.name);
    const found = await explore(createMemoryWorld(), flow, {
      singles: INTERRUPTIONS,
      pairs: INTERRUPTIONS.filter(paired),
      pairsWithin: PAIRED_CALLS_MAX,
    });
    tried.singles += found.singles;
    tried.pairs += found.pairs;
    for (const name of found.met) met.add(name);
    expect(found.violations.slice(0, SHOWN_MAX)).toEqual([]);
    expect(found.singles).toBeGreaterThan(found.calls);
  });

  test("no call was left out", () => {
    expect([...met].toSorted()).toEqual(CALLS);
  });
});
