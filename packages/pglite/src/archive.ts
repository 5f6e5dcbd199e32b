import { existsSync } from "node:fs";
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { MemoryError } from "@engram/memory";
import { lockFolder } from "./lock-file.ts";

/**
 * Writes the embedded database of `folder` to `file`, a compressed tar archive. The file takes its name only after it was
 * read back and held every memory. Throws `unavailable` while a process has the folder open: its data are its alone.
 */
export async function backUpPGlite(folder: string, file: string): Promise<{ memories: number; bytes: number }> {
  const dataDir = join(folder, "pglite");
  if (!existsSync(dataDir)) throw new MemoryError("not_found", `DATA_DIR: ${folder} holds no embedded database`);
  const lock = await lockFolder(folder);
  const part = `${file}.part`;
  try {
    const { memories, dump } = await dumpFrom(dataDir);
    await writeFile(part, Buffer.from(await dump.arrayBuffer()), { mode: 0o600 });
    if ((await countIn(part)) !== memories)
      throw new MemoryError("unavailable", `${part} does not hold every memory; there is no new backup`);
    await rename(part, file);
    return { memories, bytes: (await stat(file)).size };
  } finally {
    await rm(part, { force: true });
    await lock.unlock();
  }
}

/**
 * Makes the database of the archive the one of `folder`; `former` is where the one before it was put, if there was one.
 * Throws `invalid` for what is no such archive, before anything is changed.
 */
export async function restorePGlite(
  folder: string,
  file: string,
): Promise<{ memories: number; former: string | undefined }> {
  const lock = await lockFolder(folder);
  const dataDir = join(folder, "pglite");
  const fresh = join(folder, "pglite.restoring");
  try {
    await rm(fresh, { recursive: true, force: true });
    const memories = await countIn(file, fresh);
    const former = existsSync(dataDir)
      ? `${dataDir}.before-${new Date().toISOString().replaceAll(/[-:]|\..*/g, "")}`
      : undefined;
    if (former !== undefined) await rename(dataDir, former);
    await rename(fresh, dataDir);
    return { memories, former };
  } finally {
    await rm(fresh, { recursive: true, force: true });
    await lock.unlock();
  }
}

async function dumpFrom(dataDir: string): Promise<{ memories: number; dump: Blob }> {
  const db = await PGlite.create({ dataDir, extensions: { vector } });
  try {
    const memories = await countMemories(db);
    await db.exec("CHECKPOINT");
    return { memories, dump: await db.dumpDataDir("gzip") };
  } finally {
    await db.close();
  }
}

/** Opens what the archive holds, in `dataDir` or in memory, and counts. */
async function countIn(file: string, dataDir?: string): Promise<number> {
  try {
    // Not left to PGlite, which a broken archive ends with a fault that nobody can catch.
    const loadDataDir = new Blob([await promisify(gunzip)(await readFile(file))]);
    const place = dataDir === undefined ? {} : { dataDir };
    const db = await PGlite.create({ loadDataDir, extensions: { vector }, ...place });
    try {
      return await countMemories(db);
    } finally {
      await db.close();
    }
  } catch (cause) {
    throw new MemoryError("invalid", `${file} is no whole backup of an embedded database`, { cause });
  }
}

async function countMemories(db: PGlite): Promise<number> {
  const { rows } = await db.query<{ n: number }>("SELECT count(*)::int AS n FROM public.memories");
  return rows[0]?.n ?? 0;
}
