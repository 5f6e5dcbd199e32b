import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { isCurrent, MemoryError, type Embedder } from "@engram/memory";
import { createOfflineEmbedder } from "@engram/offline";
import { openPGlite } from "@engram/pglite";
import { createPgvectorIndex } from "@engram/pgvector";
import { createIndexTargets, migrate } from "@engram/postgres";
import type { Executor } from "@engram/sql";
import { prepareIndex } from "../src/index.ts";

const BASE = "mem";
const offline = createOfflineEmbedder();

describe("prepareIndex", () => {
  let db: Executor;
  let asked: number;
  beforeAll(async () => {
    db = await openPGlite();
    await migrate(db);
  }, 60_000);
  afterAll(() => db.close());
  beforeEach(() => {
    asked = 0;
  });

  const embedder: Embedder = {
    ...offline,
    embed(texts, signal) {
      asked += 1;
      return offline.embed(texts, signal);
    },
  };
  const away: Embedder = { ...offline, embed: () => Promise.reject(new MemoryError("unavailable", "away")) };
  const prepare = (one: Embedder) => {
    const targets = createIndexTargets(db, { base: BASE });
    return prepareIndex({ targets, index: createPgvectorIndex(db), models: { embedder: one } }, BASE);
  };

  test("asks an embedder once; a start after that does not need it", async () => {
    const { target } = await prepare(embedder);
    expect(target).toMatchObject({ state: "live", model: offline.model });
    expect(await prepare(embedder)).toMatchObject({ target });
    expect(await prepare(away)).toMatchObject({ target });
    expect(asked).toBe(1);
  });

  test("an embedder that was asked by an older version is asked once more, and serves as it is until it can be", async () => {
    const old = { background: 0.1, related: 0.5 };
    await db.query("UPDATE engram.index_targets SET calibration = $1::jsonb", [JSON.stringify(old)]);
    expect((await prepare(away)).target.calibration).toEqual(old);
    const { target } = await prepare(embedder);
    expect(target.calibration).not.toBeNull();
    expect(target.calibration === null || isCurrent(target.calibration)).toBe(true);
    expect(await prepare(embedder)).toMatchObject({ target });
    expect(asked).toBe(1);
  });
});
