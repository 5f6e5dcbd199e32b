import { cutOff } from "./gated-parts.ts";
import type { Process } from "./process.ts";
import type { Run } from "./run.ts";
import { OPTIONS, type Call } from "./world.ts";

export interface Interruption {
  readonly name: string;
  /** False: at such a call it would show nothing that another does not show. */
  suits(call: Call): boolean;
  /** Takes the place of the call. */
  meet<T>(scene: Scene, effect: () => Promise<T>): Promise<T>;
}

interface Scene {
  readonly process: Process;
  readonly run: Run;
  /** When the call was sent, on the world's clock: from then on its life counts. */
  readonly sentAt: number;
}

/** Past the lease, well before the horizon. */
const STALL_SECONDS = OPTIONS.leaseSeconds + 5;
/** Past the lease that another took meanwhile, and past its horizon too. */
const SLEEP_SECONDS = 2 * (OPTIONS.leaseSeconds + OPTIONS.horizonSeconds);
/** The longest life of a request that its caller has given up: just short of the horizon, as PROTOCOL.md demands. */
export const LATE_SECONDS = 0.95 * OPTIONS.horizonSeconds;
/** Before that, and long enough for somebody to have worked on it before it happens. */
const MEANWHILE_SECONDS = LATE_SECONDS - OPTIONS.leaseSeconds - 10;

const always = (): boolean => true;
const ofEffects = (call: Call): boolean => call.isEffect;
/** A ring has no answer that could be lost. */
const ofAnswers = (call: Call): boolean => call.name !== "bell.ring";
const isIndexWrite = (call: Call): boolean => call.isEffect && call.name.startsWith("index.");

/** The process ends: before the call, after it, and with the call still on its way. */
export const CRASHES: readonly Interruption[] = [
  { name: "crash before", suits: always, meet: ({ process }) => process.die() },
  {
    name: "crash after",
    suits: ofEffects,
    async meet({ process }, effect) {
      await effect().catch(() => undefined);
      return process.die();
    },
  },
  ...late("crash, and it happens late", ({ process }) => process.die()),
];

/** The connection ends, and the process does not know what became of its call. */
export const CUTS: readonly Interruption[] = [
  { name: "cut before", suits: ofAnswers, meet: () => Promise.reject(cutOff()) },
  {
    name: "cut after",
    suits: ofEffects,
    async meet(_scene, effect) {
      await effect().catch(() => undefined);
      throw cutOff();
    },
  },
  ...late("cut, and it happens late", () => Promise.reject(cutOff())),
];

/**
 * The process stands still while its lease runs out and another takes its place, then goes on as if nothing had
 * happened. Asleep, it cannot even run its timers; what it sent before it fell asleep is never later than a request lives.
 */
export const PAUSES: readonly Interruption[] = [
  pause("stall before", { seconds: STALL_SECONDS, moment: "before", suits: always }),
  pause("stall after", { seconds: STALL_SECONDS, moment: "after", suits: always }),
  pause("sleep before", { seconds: SLEEP_SECONDS, moment: "before", suits: (call) => !isIndexWrite(call) }),
  pause("sleep after", { seconds: SLEEP_SECONDS, moment: "after", suits: always }),
  pause("sleep after, changed meanwhile", {
    seconds: SLEEP_SECONDS,
    moment: "after",
    suits: always,
    meanwhile: (run) => run.client.change(),
  }),
  pause("sleep after, deleted meanwhile", {
    seconds: SLEEP_SECONDS,
    moment: "after",
    suits: always,
    meanwhile: (run) => run.client.remove(),
  }),
  {
    name: "graceful stop",
    suits: always,
    meet({ process }, effect) {
      process.stopping.abort();
      return effect();
    },
  },
];

/** A client changes what the process is working on. */
export const WRITES: readonly Interruption[] = (
  [
    ["changed", (run: Run) => run.client.change()],
    ["described anew", (run: Run) => run.client.describe()],
    ["told again", (run: Run) => run.client.tellAgain()],
    ["deleted", (run: Run) => run.client.remove()],
    ["truncated", (run: Run) => run.client.truncate()],
  ] as const
).flatMap(([what, write]): readonly Interruption[] => [
  {
    name: `${what} before`,
    suits: always,
    async meet({ run }, effect) {
      await write(run);
      return effect();
    },
  },
  {
    name: `${what} after`,
    suits: ofAnswers,
    async meet({ run }, effect) {
      const answer = await effect();
      await write(run);
      return answer;
    },
  },
]);

/** What was sent happens at the end of its life; until then the memory stays as it is, or has become another, or is gone. */
function late(name: string, leave: (scene: Scene) => Promise<never>): readonly Interruption[] {
  const meanwhile = [
    { name, write: () => Promise.resolve() },
    { name: `${name}, changed meanwhile`, write: (run: Run) => run.client.change() },
    { name: `${name}, deleted meanwhile`, write: (run: Run) => run.client.remove() },
  ];
  return meanwhile.map(({ name, write }) => ({
    name,
    suits: ofEffects,
    meet(scene, effect) {
      const { run, sentAt } = scene;
      run.happensAt(sentAt + MEANWHILE_SECONDS * 1000, () => write(run));
      run.happensAt(sentAt + LATE_SECONDS * 1000, effect);
      return leave(scene);
    },
  }));
}

/** All there are. */
export const INTERRUPTIONS = [...CRASHES, ...CUTS, ...PAUSES, ...WRITES];

interface PauseOptions {
  readonly seconds: number;
  readonly moment: "before" | "after";
  readonly suits: (call: Call) => boolean;
  /** What happens as soon as it stands still. */
  readonly meanwhile?: (run: Run) => Promise<void>;
}

function pause(name: string, { seconds, moment, suits, meanwhile }: PauseOptions): Interruption {
  return {
    name,
    suits,
    async meet({ process, run }, effect) {
      const standStill = async (): Promise<void> => {
        process.isAsleep = true;
        await meanwhile?.(run);
        await run.takeOver(seconds);
      };
      if (moment === "before") await standStill();
      const answer = await effect();
      if (moment === "after") await standStill();
      return answer;
    },
  };
}
