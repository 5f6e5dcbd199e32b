import { afterAll, expect, test } from "@jest/globals";
import { BACKGROUND_FLOWS } from "@engram/memory/contracts/crash/background-flows";
import { explore, type CrashPoint } from "@engram/memory/contracts/crash/explore";
import { FLOWS } from "@engram/memory/contracts/crash/flows";
import { INTERRUPTIONS } from "@engram/memory/contracts/crash/interruptions";
import fc from "fast-check";
import { createSqlWorld } from "./crash-world.ts";
import { describeOnDatabases } from "./databases.ts";

/*
 * The flows that packages/memory/test/crash-points.test.ts takes through all there is, over real statements, triggers and
 * snapshots. A run takes some hundred statements here, so it is a sample, and the same one every time.
 */

const ALL = [...FLOWS, ...BACKGROUND_FLOWS];

/** What ends a process, what it does not know the end of, and what it sleeps through. */
const CHOSEN = [
  "crash before",
  "crash after",
  "crash, and it happens late, deleted meanwhile",
  "cut after",
  "cut, and it happens late",
  "sleep after",
];

/** Crash points of each flow. PGlite, which has the same SQL, gets a few. */
const POINTS_MAX: Readonly<Record<string, number>> = { PostgreSQL: 24, PGlite: 3 };
const SEED = 11;

/** Enough of them to see what is wrong. */
const SHOWN_MAX = 5;

describeOnDatabases("crash points of every flow converge", (db, name) => {
  const tried = { of: 0, points: 0 };
  afterAll(() => {
    process.stderr.write(`${name}: ${ALL.length} flows, ${tried.points} crash points of ${tried.of}\n`);
  });

  const choose = (points: readonly CrashPoint[]): readonly CrashPoint[] => {
    const length = Math.min(points.length, POINTS_MAX[name] ?? 0);
    const subset = fc.shuffledSubarray([...points], { minLength: length, maxLength: length });
    tried.of += points.length;
    return fc.sample(subset, { seed: SEED, numRuns: 1 }).flat();
  };

  test.each(ALL)(
    "$name",
    async (flow) => {
      const singles = INTERRUPTIONS.filter((one) => CHOSEN.includes(one.name));
      const found = await explore(createSqlWorld(db), flow, { singles, choose });
      tried.points += found.singles;
      expect(found.violations.slice(0, SHOWN_MAX)).toEqual([]);
      expect(found.singles).toBeGreaterThan(0);
    },
    120_000,
  );
});
