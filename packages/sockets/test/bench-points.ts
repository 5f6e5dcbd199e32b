/*
 * `npm run bench:points`: an index of which a fifth is wrong on purpose, asked at random, every answer held against a plain
 * evaluation of all rows in memory. pgvector on PostgreSQL and on PGlite, and Qdrant (the stand-in, or the server that
 * QDRANT_URL names) beside PostgreSQL. Exits with 1 when a hit was wrong, or a limit not filled where true hits exist.
 *
 * Options: --searches 20000 (of each installation) --per-user 160 --seed 20261125 --only pglite,pgvector,qdrant
 */
import { parseArgs } from "node:util";
import { startPostgres, startQdrant } from "@engram/test-equipment";
import { openPgvector, openQdrant, type Installation } from "./points/installations.ts";
import { seeded } from "./points/random.ts";
import { isCrowded, makeRows, writeRows } from "./points/rows.ts";
import { plantAndSpoil } from "./points/spoil.ts";
import { verifySearches } from "./points/verify.ts";

const { values } = parseArgs({
  options: {
    searches: { type: "string", default: "20000" },
    "per-user": { type: "string", default: "160" },
    seed: { type: "string", default: "20261125" },
    only: { type: "string", default: "pglite,pgvector,qdrant" },
  },
});
const SHARE = 0.2;
const SHOWN_MAX = 5;
const seed = Number(values.seed);
const only = values.only.split(",");

const postgres = await startPostgres();
const faults: string[] = [];
if (only.includes("pglite")) await verify(await openPgvector("PGlite"));
if (only.includes("pgvector")) await verify(await openPgvector(postgres.url));
if (only.includes("qdrant")) {
  const qdrant = await startQdrant();
  await verify(await openQdrant(postgres.url, qdrant.url));
  await qdrant.stop();
}
await postgres.stop();
for (const fault of faults) console.log(fault);
process.exit(faults.length === 0 ? 0 : 1);

async function verify(installation: Installation): Promise<void> {
  const random = seeded(seed);
  await writeRows(installation.db, makeRows(random, Number(values["per-user"])));
  const world = await plantAndSpoil(installation, random, { share: SHARE, victim: isCrowded });
  const started = performance.now();
  const verdict = await verifySearches(installation, world, seeded(seed + 1), Number(values.searches));
  await installation.close();
  const of = (kind: string): number => verdict.faults.filter((fault) => fault.kind === kind).length;
  console.log(
    JSON.stringify({
      installation: installation.name,
      seed,
      points: world.points,
      spoiled: world.spoiled,
      searches: verdict.searches,
      hits: verdict.hits,
      limitReached: verdict.full,
      wrongHits: of("wrong hit"),
      unfilled: of("unfilled"),
      degraded: of("degraded"),
      seconds: Math.round((performance.now() - started) / 1000),
    }),
  );
  faults.push(...verdict.faults.slice(0, SHOWN_MAX).map((fault) => `${installation.name}: ${JSON.stringify(fault)}`));
}
