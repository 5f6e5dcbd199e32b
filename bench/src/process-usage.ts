/** What Linux counts of a process: memory and time. */
import { readFile } from "node:fs/promises";

const KIB_OF_MIB = 1024;
/** Of a kernel with the usual hundred ticks per second. */
const TICKS_PER_SECOND = 100;

/** In MiB. RSS counts pages that processes share once for each; Pss shares them out. */
export interface Usage {
  readonly rss: number;
  readonly pss: number;
}

/** Pss is what the kernel lets us read; 0 where it does not. */
export async function readUsage(pid: number): Promise<Usage> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "");
  return { rss: mib(status, "VmRSS"), pss: mib(rollup, "Pss") };
}

/** What processes that are one server have resident together, in MiB. A process that has gone meanwhile takes nothing. */
export async function readResident(pids: readonly number[]): Promise<number> {
  return residentOf(await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/status`, "utf8").catch(() => ""))));
}

/**
 * From what `/proc/PID/status` says of each: their own pages, and what they share (PostgreSQL's buffers, the program) once, as the
 * one that has touched most of it has it. These counters cost the kernel nothing and anybody may read them, unlike Pss.
 */
export function residentOf(statuses: readonly string[]): number {
  const of = (field: string): number[] => statuses.map((status) => mib(status, field));
  const own = of("RssAnon").reduce((sum, one) => sum + one, 0);
  return own + Math.max(...of("RssShmem")) + Math.max(...of("RssFile"));
}

/** A process and its children. */
export async function familyOf(pid: number): Promise<readonly number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return [
    pid,
    ...children
      .split(" ")
      .filter((one) => one !== "")
      .map(Number),
  ];
}

/** User and system time of a process itself. */
export async function readCpuSeconds(pid: number): Promise<number> {
  const { own } = await readCpu(pid);
  return own;
}

/** The same of a process and all its children, those that have ended among them. */
export async function readFamilyCpuSeconds(pid: number): Promise<number> {
  const { own, ended } = await readCpu(pid);
  const [, ...children] = await familyOf(pid);
  const running = await Promise.all(children.map((child) => readCpu(child).catch(() => ({ own: 0 }))));
  return running.reduce((sum, child) => sum + child.own, own + ended);
}

async function readCpu(pid: number): Promise<{ readonly own: number; readonly ended: number }> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // The name, which comes before, may have spaces in it. See proc(5): utime and stime, then those of ended children.
  const fields = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const [own = 0, ownSystem = 0, ended = 0, endedSystem = 0] = fields.slice(11, 15);
  return { own: (own + ownSystem) / TICKS_PER_SECOND, ended: (ended + endedSystem) / TICKS_PER_SECOND };
}

function mib(text: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0) / KIB_OF_MIB;
}
