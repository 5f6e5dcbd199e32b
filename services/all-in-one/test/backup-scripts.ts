import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findPostgresPrograms } from "@engram/test-equipment";

const FOLDER = fileURLToPath(new URL("../../../infra/backup/", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The scripts of infra/backup, and a place for what they write. */
export interface BackupScripts {
  readonly folder: string;
  run(
    script: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    /** After it the script gets a SIGTERM. */
    stopAfter?: () => Promise<unknown>,
  ): Promise<Ended>;
  /** A folder for PATH with a program of that name: a shell script. */
  stub(program: string, script: string): Promise<string>;
  remove(): Promise<void>;
}

/** `env.PATH_BEFORE` comes first in PATH, before PostgreSQL's own programs. */
export async function openBackupScripts(): Promise<BackupScripts> {
  const programs = await findPostgresPrograms();
  const folder = await mkdtemp(join(tmpdir(), "engram-backup-"));
  return {
    folder,
    async run(script, args, { PATH_BEFORE, ...env }, stopAfter) {
      const path = [...(PATH_BEFORE === undefined ? [] : [PATH_BEFORE]), programs, process.env["PATH"]];
      const child = spawn("/bin/bash", [join(FOLDER, script), ...args], {
        env: { HOME: folder, BACKUP_DIR: folder, PATH: path.join(":"), ...env },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const output = { stdout: "", stderr: "" };
      for (const name of ["stdout", "stderr"] as const)
        child[name].setEncoding("utf8").on("data", (text: string) => {
          output[name] += text;
        });
      void stopAfter?.().finally(() => child.kill("SIGTERM"));
      const code = await new Promise<number | null>((resolve, reject) => {
        child.on("error", reject);
        child.on("close", resolve);
      });
      return { code, ...output };
    },
    async stub(program, script) {
      const place = await mkdtemp(join(folder, "stub-"));
      await writeFile(join(place, program), `#!/bin/bash\n${script}\n`, { mode: 0o755 });
      return place;
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
