import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createMetrics, writeBackupStatus } from "@engram/telemetry";
import { showBackups } from "./backups.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "engram-backups-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function shown(): Promise<Readonly<Record<string, number>>> {
  const metrics = createMetrics({ version: "test" });
  await showBackups(folder, metrics);
  const page = await metrics.registry.metrics();
  const lines = page.matchAll(/^engram_(backup_\w+|restore_drill_\w+) (\S+)$/gm);
  return Object.fromEntries([...lines].map(([, name, value]) => [name, Number(value)]));
}

test("nothing is said of backups where there are none", async () => {
  expect(await shown()).toEqual({});
});

test("a failure leaves the time of the last success, and says that it failed", async () => {
  await writeBackupStatus(folder, "backup", { ok: true, sizeBytes: 12 });
  const well = await shown();
  expect(well).toMatchObject({ backup_last_result: 1, backup_last_size_bytes: 12 });
  expect(Math.abs((well["backup_last_success_timestamp_seconds"] ?? 0) - Date.now() / 1000)).toBeLessThan(60);
  await writeBackupStatus(folder, "backup", { ok: false });
  expect(await shown()).toEqual({
    backup_last_result: 0,
    backup_last_success_timestamp_seconds: well["backup_last_success_timestamp_seconds"],
  });
});

test("a drill is told of apart", async () => {
  await writeBackupStatus(folder, "restore_drill", { ok: false });
  expect(await shown()).toEqual({ restore_drill_last_result: 0 });
});
