/** Where fetched parts are kept between runs, and where running ones put their data. */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, realpathSync, statSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execFileSync } from "node:child_process";
import type { User } from "./process.ts";

const OTHERS_MAY_TRAVERSE = 0o001;
/** Accounts that own nothing of interest, in the order tried. */
const UNPRIVILEGED_USERS = ["nobody", "daemon", "postgres"];

/**
 * `ENGRAM_TEST_CACHE`, else `~/.cache/engram-test`. As root, PostgreSQL runs as another user and must be able to reach its
 * binaries, which root's home usually forbids: then a folder under /var/tmp that belongs to root.
 */
export function cacheDirectory(): string {
  const given = process.env["ENGRAM_TEST_CACHE"];
  const home = join(homedir(), ".cache", "engram-test");
  const uid = process.getuid?.();
  const shared = join("/var/tmp", `engram-test-${uid}`);
  const path = given ?? (uid === 0 && !isReachableByOthers(homedir()) ? shared : home);
  mkdirSync(path, { recursive: true, mode: 0o755 });
  const real = realpathSync(path);
  // A stranger may have made a folder of this name under /var/tmp; what lies in it would be run.
  if (uid !== undefined && uid !== statSync(real).uid) throw new Error(`${real}: belongs to another user`);
  return real;
}

/** A fresh folder for the data of one running service; `owner` gets it as his own. */
export function makeDataDirectory(name: string, owner?: User): string {
  const base = owner === undefined || isReachableByOthers(tmpdir()) ? tmpdir() : "/var/tmp";
  const path = realpathSync(mkdtempSync(join(base, `engram-test-${name}-`)));
  if (owner !== undefined) {
    chmodSync(path, 0o700);
    chownSync(path, owner.uid, owner.gid);
  }
  return path;
}

/** Whom to be for a program that refuses to run as root: undefined unless we are root. */
export function findUnprivilegedUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of UNPRIVILEGED_USERS) {
    try {
      const [uid, gid] = [readId("-u", name), readId("-g", name)];
      if (uid > 0) return { uid, gid };
    } catch {
      // No such account here; the next may exist.
    }
  }
  throw new Error(`root needs one of these accounts to run PostgreSQL: ${UNPRIVILEGED_USERS.join(", ")}`);
}

/** Whether every folder on the way, and the last one, lets any user pass. */
export function isReachableByOthers(path: string): boolean {
  for (let folder = realpathSync(path); ; folder = dirname(folder)) {
    if ((statSync(folder).mode & OTHERS_MAY_TRAVERSE) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

function readId(flag: "-u" | "-g", name: string): number {
  return Number(execFileSync("id", [flag, name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
}
