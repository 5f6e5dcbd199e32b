/** What an installation takes: memory of its processes, their time, and room on disk. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { familyOf, readFamilyCpuSeconds, readResident } from "./process-usage.ts";
import type { Part, Stores } from "./search-stores.ts";
import { findVectorsTable } from "./vectors-table.ts";

const SAMPLE_MS = 500;
/** What stat(2) counts allocated room in. */
const BLOCK_BYTES = 512;

/** By the name of the part, and `SUM`; in MiB. A part of which nothing is known is not there. */
export type Reading = ReadonlyMap<string, number>;
export const SUM = "sum";

export interface MemoryWatch {
  /** Reads again and again until the work is done. */
  during<T>(work: () => Promise<T>): Promise<T>;
  read(): Promise<Reading>;
  /** The highest of each that was ever read. */
  highest(): Reading;
}

export function watchMemory(parts: readonly Part[]): MemoryWatch {
  const highest = new Map<string, number>();
  const read = async (): Promise<Reading> => {
    const reading = new Map<string, number>();
    for (const { name, pid } of parts)
      if (pid !== undefined) reading.set(name, await readResident(await familyOf(pid)));
    reading.set(
      SUM,
      [...reading.values()].reduce((sum, one) => sum + one, 0),
    );
    for (const [name, mib] of reading) highest.set(name, Math.max(mib, highest.get(name) ?? 0));
    return reading;
  };
  return {
    read,
    highest: () => highest,
    async during(work) {
      const done = new AbortController();
      const sampling = sampleUntil(done.signal, read);
      try {
        return await work();
      } finally {
        done.abort();
        await sampling;
      }
    },
  };
}

async function sampleUntil(stop: AbortSignal, sample: () => Promise<unknown>): Promise<void> {
  while (!stop.aborted) {
    await sample();
    await sleep(SAMPLE_MS, undefined, { signal: stop }).catch(() => undefined);
  }
}

/** Seconds of processor time of each part since it started, by its name. */
export async function readCpu(parts: readonly Part[]): Promise<ReadonlyMap<string, number>> {
  const seconds = new Map<string, number>();
  for (const { name, pid } of parts) if (pid !== undefined) seconds.set(name, await readFamilyCpuSeconds(pid));
  return seconds;
}

/** In bytes, by what they are of; with their indexes, and as they stand, without VACUUM. */
export async function readDisk({ databaseUrl, folder }: Stores): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  if (databaseUrl !== undefined) {
    const db = new pg.Client({ connectionString: databaseUrl });
    await db.connect();
    const number = async (sql: string): Promise<number> =>
      Number((await db.query<{ n: string }>(`SELECT (${sql})::bigint AS n`)).rows[0]?.n ?? Number.NaN);
    const memories = await number("pg_total_relation_size('public.memories')");
    const vectors = folder === undefined ? await number(`pg_total_relation_size('${await findVectorsTable(db)}')`) : 0;
    sizes.set("memories", memories);
    if (folder === undefined) sizes.set("vectors", vectors);
    sizes.set("the rest of the database", (await number("pg_database_size(current_database())")) - memories - vectors);
    await db.end();
  }
  if (folder !== undefined) sizes.set(folder.name, sizeOfFolder(folder.path));
  return sizes;
}

/** What is allocated, as du(1) counts it; a file that goes meanwhile takes nothing. */
function sizeOfFolder(path: string): number {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.blocks ?? 0)
    .reduce((sum, blocks) => sum + blocks * BLOCK_BYTES, 0);
}
