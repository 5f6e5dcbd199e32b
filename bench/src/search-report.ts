/** The tables of `npm run bench:search`. */
import type { Installation } from "./search-installation.ts";
import type { Reading } from "./search-memory.ts";
import type { Recall } from "./search-recall.ts";
import type { Target } from "./search-target.ts";
import { markdownTable, percentile, round } from "./statistics.ts";

const MIB = 1024 * 1024;
const NOT_KNOWN = "–";

export interface Measured extends Installation {
  readonly memoryAtEnd: Reading;
  readonly disk: ReadonlyMap<string, number>;
}

/** In milliseconds, of each load. */
export function latenciesOf({ samplesMs }: Target, loads: readonly string[]) {
  return loads.map((load) => {
    const rounds = samplesMs.get(load) ?? [];
    const total = rounds.flatMap((one) => one.total);
    const overhead = rounds.flatMap((one) => one.overhead);
    const [p50 = 0, p95 = 0, p99 = 0] = [50, 95, 99].map((p) => round(percentile(total, p)));
    const [o50 = 0, o95 = 0] = [50, 95].map((p) => round(percentile(overhead, p)));
    const ofRounds = rounds.map((one) => round(percentile(one.overhead, 95))).sort((left, right) => left - right);
    return { load, samples: total.length, p50, p95, p99, o50, o95, ofRounds };
  });
}

export function latencyTable(targets: readonly Target[], loads: readonly string[]): string {
  return markdownTable(
    [
      "installation",
      "at once",
      "samples",
      "p50 ms",
      "p95 ms",
      "p99 ms",
      "without the vectors' part: p50",
      "p95",
      "of the rounds",
    ],
    targets.flatMap((target) =>
      latenciesOf(target, loads).map((one) => [
        target.name,
        one.load,
        one.samples,
        one.p50,
        one.p95,
        one.p99,
        one.o50,
        one.o95,
        `${one.ofRounds[0] ?? NOT_KNOWN} to ${one.ofRounds.at(-1) ?? NOT_KNOWN}`,
      ]),
    ),
  );
}

export function loadingTable(installations: readonly Installation[]): string {
  return markdownTable(
    [
      "installation",
      "accepted after, s",
      "indexed after, s",
      "index at rest after, s",
      "processor time of these, s",
      "searches",
      "empty",
      "degraded",
      "memory meant is among the 10",
    ],
    installations.map(({ target: { name, counts }, loading }) => [
      name,
      round(loading.acceptedSeconds),
      round(loading.indexedSeconds),
      round(loading.settledSeconds),
      Array.from(loading.cpuSeconds, ([part, seconds]) => `${part} ${round(seconds)}`).join(", "),
      counts.answers,
      counts.empty,
      counts.degraded,
      counts.found,
    ]),
  );
}

export function recallTable(recalls: readonly Recall[]): string {
  return markdownTable(
    ["recall@10 of", "questions", "vectors of a user", "in a graph", "mean", "lowest of a question", "hidden"],
    recalls.map((one) => [
      one.name,
      one.questions,
      one.vectorsPerUser,
      one.inGraph,
      percent(one.mean),
      percent(one.lowest),
      one.hidden ?? NOT_KNOWN,
    ]),
  );
}

/** Resident, in MiB, and of the highest of all parts at once also for each memory. */
export function memoryTable(installations: readonly Measured[]): string {
  return markdownTable(
    ["installation", "part", "when all is in the index, MiB", "at the end, MiB", "highest, MiB", "KiB a memory"],
    installations.flatMap(({ target, memory, memoryAtEnd, loading, memories }) =>
      Array.from(memory.highest(), ([part, highest]) => [
        target.name,
        part,
        Math.round(loading.memoryAfter.get(part) ?? Number.NaN),
        Math.round(memoryAtEnd.get(part) ?? Number.NaN),
        Math.round(highest),
        round((highest * 1024) / memories.length),
      ]),
    ),
  );
}

export function diskTable(installations: readonly Measured[]): string {
  return markdownTable(
    ["installation", "what", "on disk, MiB", "bytes a memory"],
    installations.flatMap(({ target, disk, memories }) => {
      const sum = [...disk.values()].reduce((total, bytes) => total + bytes, 0);
      return [...disk, ["sum", sum] as const].map(([what, bytes]) => [
        target.name,
        what,
        round(bytes / MIB),
        Math.round(bytes / memories.length),
      ]);
    }),
  );
}

/** All that the tables are made of. */
export function toJson(installations: readonly Measured[]) {
  return installations.map(({ target: { name }, loading, memory, memoryAtEnd, disk }) => ({
    name,
    loading: {
      acceptedSeconds: loading.acceptedSeconds,
      indexedSeconds: loading.indexedSeconds,
      settledSeconds: loading.settledSeconds,
      cpuSeconds: Object.fromEntries(loading.cpuSeconds),
    },
    memoryMib: {
      indexed: Object.fromEntries(loading.memoryAfter),
      atEnd: Object.fromEntries(memoryAtEnd),
      highest: Object.fromEntries(memory.highest()),
    },
    diskBytes: Object.fromEntries(disk),
  }));
}

/** Rounded down, so that what is not whole does not look so. */
const percent = (share: number): string => `${Math.floor(share * 10_000) / 100} %`;
