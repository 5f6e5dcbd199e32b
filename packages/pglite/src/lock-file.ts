import { mkdir, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { MemoryError } from "@engram/memory";

/**
 * Keeps a data folder to one process: PGlite takes no lock of its own, and two on one folder destroy it. The file holds
 * the owner's pid; one whose process is gone is taken over.
 */
export async function lockFolder(folder: string): Promise<{ unlock(): Promise<void> }> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, "engram.lock");
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const file = await open(path, "wx");
      await file.writeFile(String(process.pid));
      await file.close();
      return { unlock: () => rm(path, { force: true }) };
    } catch (error) {
      if (!isExisting(error)) throw error;
      const owner = Number(await readFile(path, "utf8").catch(() => ""));
      if (owner !== process.pid && isAlive(owner))
        throw new MemoryError(
          "unavailable",
          `DATA_DIR: ${folder} is in use by process ${owner}. Stop that process, or give this one another DATA_DIR`,
        );
      await rm(path, { force: true });
    }
  }
  throw new MemoryError(
    "unavailable",
    `DATA_DIR: ${folder} could not be locked. Remove ${path} if no other Engram runs`,
  );
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return typeof error === "object" && error !== null && "code" in error && error.code === "EPERM";
  }
}

function isExisting(error: unknown): boolean {
  return typeof error === "object" && error !== null && "code" in error && error.code === "EEXIST";
}
