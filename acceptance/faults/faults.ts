import { setTimeout as sleep } from "node:timers/promises";
import type { Journal } from "./journal.ts";
import { killBackend, killPostgres, terminateBackends } from "./postgres-faults.ts";
import { freezeProcess, killProcess, stopProcess } from "./process-faults.ts";
import { cutLink, cutPostgres, delayLink, refuseLink, silenceLink } from "./link-faults.ts";
import type { Random } from "./random.ts";
import { FREEZE_MS, LATE_MS, QDRANT_FREEZE_MS } from "./settings.ts";
import { STORES, type Stack } from "./stack.ts";
import type { Truth } from "./truth.ts";
import type { Troubles } from "./troubles.ts";

/** What a fault counts as in the report. */
export type Group = "kill" | "cut" | "freeze" | "stop" | "wipe" | "late effect" | "error" | "delay";

export interface FaultDeps {
  readonly stack: Stack;
  readonly truth: Truth;
  readonly troubles: Troubles;
  readonly journal: Journal;
}

/** One thing that is going to happen. */
export interface Fault {
  readonly kind: KindName;
  readonly target: string;
  /** How long it lasts. */
  readonly ms: number;
  /** How many requests or connections it hits, where that is a number. */
  readonly times: number;
}

interface Kind {
  /** How often it comes, beside the others. */
  readonly weight: number;
  readonly groups: readonly Group[];
  readonly ms: { readonly min: number; readonly max: number };
  readonly targets: readonly string[];
  /** Does it, and resolves when it is over. */
  inflict(deps: FaultDeps, fault: Fault): Promise<void>;
}

const PROCESSES = ["api-1", "api-2", "worker-1", "worker-2"] as const;
const LINKS = PROCESSES.flatMap((from) => STORES.map((to) => `${from}>${to}`));
const POINTS_WRITES = "(PUT|POST) .+/points(/delete|/batch|/payload)?$";
const AT_ONCE = { min: 0, max: 0 };

/** Everything that may happen. */
export const KINDS = {
  "kill process": { weight: 20, groups: ["kill"], ms: upTo(2_000), targets: PROCESSES, inflict: killProcess },
  "freeze process": { weight: 6, groups: ["freeze"], ms: FREEZE_MS, targets: PROCESSES, inflict: freezeProcess },
  "stop process": { weight: 5, groups: ["stop"], ms: upTo(500), targets: PROCESSES, inflict: stopProcess },
  "cut link": { weight: 22, groups: ["cut"], ms: AT_ONCE, targets: LINKS, inflict: cutLink },
  "refuse link": { weight: 11, groups: ["cut"], ms: { min: 300, max: 3_000 }, targets: LINKS, inflict: refuseLink },
  "silence link": { weight: 10, groups: ["cut"], ms: { min: 500, max: 3_000 }, targets: LINKS, inflict: silenceLink },
  "delay link": { weight: 5, groups: ["delay"], ms: { min: 1_000, max: 4_000 }, targets: LINKS, inflict: delayLink },
  "wipe redis": {
    weight: 5,
    groups: ["wipe"],
    ms: AT_ONCE,
    targets: ["redis"],
    inflict: ({ stack }) => stack.redis.flush(),
  },
  "restart redis empty": {
    weight: 4,
    groups: ["wipe", "kill"],
    ms: upTo(2_000),
    targets: ["redis"],
    async inflict({ stack: { redis } }, { ms }) {
      await redis.kill();
      await sleep(ms);
      await redis.restart({ empty: true });
    },
  },
  "restart qdrant": {
    weight: 6,
    groups: ["kill"],
    ms: upTo(2_000),
    targets: ["qdrant"],
    async inflict({ stack: { qdrant } }, { ms }) {
      await qdrant.kill();
      await sleep(ms);
      await qdrant.restart();
    },
  },
  "freeze qdrant": {
    weight: 4,
    groups: ["freeze"],
    ms: QDRANT_FREEZE_MS,
    targets: ["qdrant"],
    async inflict({ stack: { qdrant } }, { ms }) {
      qdrant.pause();
      await sleep(ms);
      qdrant.resume();
    },
  },
  "late effects": {
    weight: 10,
    groups: ["late effect"],
    ms: LATE_MS,
    targets: ["qdrant"],
    inflict: ({ stack }, { ms, times }) => stack.qdrant.fault({ match: POINTS_WRITES, times, late_ms: ms }),
  },
  "lost answers": {
    weight: 5,
    groups: ["late effect"],
    ms: AT_ONCE,
    targets: ["qdrant"],
    inflict: ({ stack }, { times }) => stack.qdrant.fault({ match: POINTS_WRITES, times, drop: true }),
  },
  "failing qdrant": {
    weight: 3,
    groups: ["error"],
    ms: AT_ONCE,
    targets: ["qdrant"],
    inflict: ({ stack }, { times }) => stack.qdrant.fault({ times, fail_status: times % 2 === 0 ? 500 : 503 }),
  },
  "limiting provider": {
    weight: 3,
    groups: ["error"],
    ms: AT_ONCE,
    targets: ["openai"],
    inflict: ({ stack }, { times }) => stack.openai.fault({ times, status: 429, retry_after: 1 }),
  },
  "failing provider": {
    weight: 3,
    groups: ["error"],
    ms: AT_ONCE,
    targets: ["openai"],
    inflict: ({ stack }, { times }) => stack.openai.fault({ times, status: 500 }),
  },
  "hanging provider": {
    weight: 3,
    groups: ["error"],
    ms: AT_ONCE,
    targets: ["openai"],
    inflict: ({ stack }, { times }) => stack.openai.fault({ times, hang: true }),
  },
  "cut postgres": { weight: 3, groups: ["cut"], ms: AT_ONCE, targets: ["postgres"], inflict: cutPostgres },
  "terminate backends": {
    weight: 4,
    groups: ["kill"],
    ms: AT_ONCE,
    targets: ["postgres"],
    inflict: terminateBackends,
  },
  "kill backend": { weight: 2, groups: ["kill"], ms: AT_ONCE, targets: ["postgres"], inflict: killBackend },
  "restart postgres": { weight: 3, groups: ["kill"], ms: upTo(1_500), targets: ["postgres"], inflict: killPostgres },
} as const satisfies Record<string, Kind>;
export type KindName = keyof typeof KINDS;

/** What comes next, by chance alone: the schedule does not depend on how the storm goes. */
export function nextFault(random: Random): Fault {
  const weights = Object.fromEntries(Object.entries(KINDS).map(([name, { weight }]) => [name, weight]));
  const kind = random.weigh(weights as Record<KindName, number>);
  const { ms, targets } = KINDS[kind];
  return {
    kind,
    target: random.pick<string>(targets),
    ms: random.between(ms.min, ms.max),
    times: random.between(1, 4),
  };
}

/** Does it, and resolves when it is over. */
export function inflict(deps: FaultDeps, fault: Fault): Promise<void> {
  return KINDS[fault.kind].inflict(deps, fault);
}

function upTo(max: number): { min: number; max: number } {
  return { min: 0, max };
}
