import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { openPgvector, openQdrant, type Installation } from "./points/installations.ts";
import { isCrowded, makeRows, writeRows } from "./points/rows.ts";
import { seeded } from "./points/random.ts";
import { plantAndSpoil, SPOILS, type World } from "./points/spoil.ts";
import { verifySearches } from "./points/verify.ts";

const SEED = Number(process.env["POINTS_SEED"] ?? 20_261_125);
const SEARCHES = Number(process.env["POINTS_SEARCHES"] ?? 1_000);
const PER_USER = 160;
const SHARE = 0.2;

const database = process.env["ENGRAM_TEST_DATABASE_URL"] ?? "PGlite";
const qdrant = process.env["ENGRAM_TEST_QDRANT_URL"] ?? "";

const INSTALLATIONS: readonly (readonly [name: string, open: () => Promise<Installation>])[] = [
  ["pgvector", () => openPgvector(database)],
  ...(qdrant === "" ? [] : [["Qdrant", () => openQdrant(database, qdrant)] as const]),
];

describe.each(INSTALLATIONS)("an index of which a fifth is wrong: %s", (_name, open) => {
  let installation: Installation;
  let world: World;

  beforeAll(async () => {
    installation = await open();
    const random = seeded(SEED);
    await writeRows(installation.db, makeRows(random, PER_USER));
    world = await plantAndSpoil(installation, random, { share: SHARE, victim: isCrowded });
  }, 60_000);
  afterAll(() => installation.close());

  test("a fifth is wrong, in every way", () => {
    const wrong = Object.values(world.spoiled).reduce((sum, one) => sum + one, 0);
    expect(wrong / world.points).toBeCloseTo(SHARE, 2);
    for (const spoil of SPOILS) expect(world.spoiled[spoil]).toBeGreaterThan(20);
  });

  test("no wrong hit, and every limit is filled where true hits exist", async () => {
    const verdict = await verifySearches(installation, world, seeded(SEED + 1), SEARCHES);
    expect({ seed: SEED, faults: verdict.faults }).toEqual({ seed: SEED, faults: [] });
    expect(verdict.searches).toBe(SEARCHES);
    // Else nothing would have been looked at.
    expect(verdict.full).toBeGreaterThan(SEARCHES / 4);
    expect(verdict.hits).toBeGreaterThan(SEARCHES);
  }, 300_000);
});
