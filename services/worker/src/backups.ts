import { readBackupStatus, type Metrics } from "@engram/telemetry";

/** Shows how the last backup and the last drill went, as their scripts have left it in the folder; nothing where there is none. */
export async function showBackups(folder: string, metrics: Metrics): Promise<void> {
  const backup = await readBackupStatus(folder, "backup");
  const drill = await readBackupStatus(folder, "restore_drill");
  const shown = [
    [metrics.backupLastResult, backup.lastResult],
    [metrics.backupLastSuccess, backup.lastSuccess],
    [metrics.backupLastSize, backup.lastSizeBytes],
    [metrics.drillLastResult, drill.lastResult],
    [metrics.drillLastSuccess, drill.lastSuccess],
  ] as const;
  for (const [gauge, value] of shown)
    if (value === undefined) gauge.remove();
    else gauge.set(value);
}
