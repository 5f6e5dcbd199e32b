import { existsSync } from "node:fs";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ConfigError, loadConfig, type Config } from "@engram/config";
import { MemoryError } from "@engram/memory";
import { backUpPGlite, restorePGlite } from "@engram/pglite";
import { writeBackupStatus } from "@engram/telemetry";
import { reconcileAlone } from "./reconcile-alone.ts";

const KEEP_MS = 30 * 86_400_000;
/** What `engram backup` names its files, as the guide does. */
const OWN_FILE = /^mem0_backup_\d{8}\.tar\.gz$/;

/** `engram backup`: the embedded database as `mem0_backup_DATE.tar.gz`; those that are 30 days old go after it. */
export function backup({ to }: { readonly to?: string }): Promise<void> {
  return told(async (config) => {
    requireEmbedded(config, "infra/backup/backup_mem0.sh backs a PostgreSQL up");
    const folder = to === undefined ? config.backupDir : resolve(to);
    await mkdir(folder, { recursive: true });
    const file = join(folder, `mem0_backup_${localDate()}.tar.gz`);
    try {
      const { memories, bytes } = await backUpPGlite(config.dataDir, file);
      await writeBackupStatus(folder, "backup", { ok: true, sizeBytes: bytes });
      console.log(`${file}: ${memories} memories, ${bytes} bytes`);
    } catch (error) {
      await writeBackupStatus(folder, "backup", { ok: false });
      throw error;
    }
    await prune(folder);
  });
}

/** `engram restore FILE`: that database instead of the one in DATA_DIR, which is kept; then the index agrees with it. */
export function restore(file: string): Promise<void> {
  return told(async (config) => {
    requireEmbedded(
      config,
      "infra/backup/restore_stack.sh puts a dump back into the containers, infra/backup/restore_mem0.sh into any PostgreSQL",
    );
    const path = resolve(file);
    if (!existsSync(path)) throw new MemoryError("not_found", `${path} is not there`);
    const { memories, former } = await restorePGlite(config.dataDir, path);
    console.log(`${memories} memories restored`);
    if (former !== undefined) console.log(`The database before is kept as ${former}; when all is well, remove it`);
    await reconcileAlone(config);
    console.log("The index agrees with them");
  });
}

function requireEmbedded({ truth }: Config, instead: string): void {
  if (truth.databaseUrl !== undefined)
    throw new MemoryError(
      "invalid",
      `${truth.databaseVariable} is set, so the memories are not in DATA_DIR: ${instead}`,
    );
}

/** Of the local day, as `date +%Y%m%d` says it. */
function localDate(): string {
  return new Date().toLocaleDateString("sv").replaceAll("-", "");
}

async function prune(folder: string): Promise<void> {
  for (const name of (await readdir(folder)).filter((one) => OWN_FILE.test(one))) {
    const file = join(folder, name);
    if (Date.now() - (await stat(file)).mtimeMs < KEEP_MS) continue;
    await rm(file);
    console.log(`${file}: 30 days old, removed`);
  }
}

async function told(verb: (config: Config) => Promise<void>): Promise<void> {
  try {
    await verb(loadConfig());
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof MemoryError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
