/**
 * A control group with a limit of memory and of processor time, as Docker makes one for a container: version 2 of the kernel's
 * interface, or version 1 with a hierarchy for each. Wants root.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = "/sys/fs/cgroup";
const PERIOD_US = 100_000;

export interface CgroupLimits {
  readonly memoryBytes: number;
  /** 1: one core's time, on whichever of them. */
  readonly cores: number;
}

export interface CgroupUsage {
  /** All that is charged, files that can be dropped at any moment among it. */
  readonly totalBytes: number;
  /** What cannot be dropped: memory of processes, and shared memory. */
  readonly neededBytes: number;
  readonly swapBytes: number;
  /** Processes that were killed since the group is there. */
  readonly oomKills: number;
}

export interface Cgroup {
  /** Starts what `work` starts inside of the group; this process is in it only meanwhile. */
  inside<T>(work: () => Promise<T>): Promise<T>;
  usage(): CgroupUsage;
  /** Once nothing runs in it any more. */
  remove(): void;
}

/** `name` is made of a prefix and our pid. Throws, naming the cure, where this user or this machine may not. */
export function openCgroup(prefix: string, limits: CgroupLimits): Cgroup {
  const name = `${prefix}-${process.pid}`;
  try {
    for (const folder of [ROOT, join(ROOT, "memory"), join(ROOT, "cpu")]) removeLeftOver(folder, prefix);
    return existsSync(join(ROOT, "cgroup.controllers")) ? openV2(name, limits) : openV1(name, limits);
  } catch (error) {
    throw new Error("no control group can be made: this wants root and a writable /sys/fs/cgroup", { cause: error });
  }
}

/** Of runs that ended before all that was inside had. */
function removeLeftOver(folder: string, prefix: string): void {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith(`${prefix}-`)) : [];
  for (const name of names) {
    try {
      rmdirSync(join(folder, name));
    } catch {
      // Another run's, which is still in it.
    }
  }
}

function openV2(name: string, { memoryBytes, cores }: CgroupLimits): Cgroup {
  const folder = join(ROOT, name);
  writeFileSync(join(ROOT, "cgroup.subtree_control"), "+memory +cpu");
  mkdirSync(folder);
  writeFileSync(join(folder, "memory.max"), String(memoryBytes));
  writeFileSync(join(folder, "cpu.max"), `${cores * PERIOD_US} ${PERIOD_US}`);
  return {
    inside: (work) => within([[folder, join(ROOT, ownPaths().get("") ?? "")]], work),
    usage: () => {
      const stat = readFields(join(folder, "memory.stat"));
      return {
        totalBytes: readNumber(join(folder, "memory.current")),
        neededBytes: (stat.get("anon") ?? 0) + (stat.get("shmem") ?? 0),
        swapBytes: existsSync(join(folder, "memory.swap.current"))
          ? readNumber(join(folder, "memory.swap.current"))
          : 0,
        oomKills: readFields(join(folder, "memory.events")).get("oom_kill") ?? 0,
      };
    },
    remove: () => rmdirSync(folder),
  };
}

function openV1(name: string, { memoryBytes, cores }: CgroupLimits): Cgroup {
  const [memory, cpu] = [join(ROOT, "memory", name), join(ROOT, "cpu", name)];
  for (const folder of [memory, cpu]) mkdirSync(folder);
  writeFileSync(join(memory, "memory.limit_in_bytes"), String(memoryBytes));
  writeFileSync(join(cpu, "cpu.cfs_period_us"), String(PERIOD_US));
  writeFileSync(join(cpu, "cpu.cfs_quota_us"), String(cores * PERIOD_US));
  return {
    inside: (work) => {
      const own = ownPaths();
      const moves = [
        [memory, join(ROOT, "memory", own.get("memory") ?? "")],
        [cpu, join(ROOT, "cpu", own.get("cpu") ?? "")],
      ] as const;
      return within(moves, work);
    },
    usage: () => {
      const stat = readFields(join(memory, "memory.stat"));
      return {
        totalBytes: readNumber(join(memory, "memory.usage_in_bytes")),
        neededBytes: (stat.get("total_rss") ?? 0) + (stat.get("total_shmem") ?? 0),
        swapBytes: stat.get("total_swap") ?? 0,
        oomKills: readFields(join(memory, "memory.oom_control")).get("oom_kill") ?? 0,
      };
    },
    remove: () => {
      for (const folder of [memory, cpu]) rmdirSync(folder);
    },
  };
}

/** `moves`: pairs of where to go and where to come back to. A child is born where its parent is. */
async function within<T>(moves: readonly (readonly [string, string])[], work: () => Promise<T>): Promise<T> {
  const move = (folder: string): void => writeFileSync(join(folder, "cgroup.procs"), String(process.pid));
  for (const [there] of moves) move(there);
  try {
    return await work();
  } finally {
    for (const [, back] of moves) move(back);
  }
}

/** Where this process is, by controller; version 2 has none in its line. */
function ownPaths(): ReadonlyMap<string, string> {
  const lines = readFileSync("/proc/self/cgroup", "utf8").trim().split("\n");
  return new Map(
    lines.flatMap((line) => {
      const [, controllers = "", path = ""] = line.split(":");
      return controllers.split(",").map((controller) => [controller, path] as const);
    }),
  );
}

function readNumber(file: string): number {
  return Number(readFileSync(file, "utf8"));
}

/** Lines of a name and a number. */
function readFields(file: string): ReadonlyMap<string, number> {
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return new Map(lines.map((line) => [line.split(" ")[0] ?? "", Number(line.split(" ")[1])]));
}
