import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What is told of: backups, and the drills that put one back in a scratch place. */
export type BackupKind = "backup" | "restore_drill";

/** How the last run went; each is undefined while nobody has told. */
export interface BackupStatus {
  /** 1: well, 0: it failed. */
  readonly lastResult: number | undefined;
  /** Unix time, in seconds. */
  readonly lastSuccess: number | undefined;
  readonly lastSizeBytes: number | undefined;
}

/** What the scripts of infra/backup and `engram backup` have left in the folder: Prometheus' text format. */
export async function readBackupStatus(folder: string, kind: BackupKind): Promise<BackupStatus> {
  const text = await readFile(fileOf(folder, kind), "utf8").catch(() => "");
  const valueOf = (name: string): number | undefined => {
    const [, value] = new RegExp(`^engram_${kind}_${name} (\\d+)$`, "m").exec(text) ?? [];
    return value === undefined ? undefined : Number(value);
  };
  return {
    lastResult: valueOf("last_result"),
    lastSuccess: valueOf("last_success_timestamp_seconds"),
    lastSizeBytes: valueOf("last_size_bytes"),
  };
}

/** Tells of a run that has just ended; a failure leaves the time of the last success as it was. */
export async function writeBackupStatus(
  folder: string,
  kind: BackupKind,
  run: { readonly ok: boolean; readonly sizeBytes?: number },
): Promise<void> {
  const success = run.ok ? Math.floor(Date.now() / 1000) : (await readBackupStatus(folder, kind)).lastSuccess;
  const values = {
    last_result: run.ok ? 1 : 0,
    last_success_timestamp_seconds: success,
    last_size_bytes: run.sizeBytes,
  };
  const lines = Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `# TYPE engram_${kind}_${name} gauge\nengram_${kind}_${name} ${value}\n`);
  const file = fileOf(folder, kind);
  await writeFile(`${file}.part`, lines.join(""), { mode: 0o644 });
  await rename(`${file}.part`, file);
}

function fileOf(folder: string, kind: BackupKind): string {
  return join(folder, `engram_${kind}.prom`);
}
