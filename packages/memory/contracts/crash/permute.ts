import { newReconcileRun, RECONCILE } from "@engram/memory";
import fc from "fast-check";
import type { Client } from "./client.ts";
import { cutOff } from "./gated-parts.ts";
import { CRASHES, CUTS, LATE_SECONDS, PAUSES } from "./interruptions.ts";
import { createMemoryWorld } from "./memory-world.ts";
import { Run } from "./run.ts";
import { OPTIONS, type World } from "./world.ts";

/** What a client does, one after the other, while workers are at it. */
const ACTIONS: Readonly<Record<string, (client: Client) => Promise<void>>> = {
  tell: (client) => client.tell(`сказано ${client.acknowledged.length}`),
  "tell again": (client) => client.tellAgain(),
  change: (client) => client.change(),
  describe: (client) => client.describe(),
  remove: (client) => client.remove(),
};

/** Around half of a lease, a lease, a horizon. */
const SECONDS = [1, 25, 35, OPTIONS.leaseSeconds + 5, OPTIONS.horizonSeconds + 5];

const WORKERS = 3;
const BATCHES = 3;
/** Calls are numbered, and most runs make about so many. */
const CALLS = 24;
/** Of times that were seconds in between. */
const ROUNDING_MS = 1;

const interruptions = [...CRASHES, ...CUTS, ...PAUSES];

/** A run that fast-check chooses: what happens, and in which order of all that is under way at once. */
interface Permuted {
  readonly scheduler: fc.Scheduler;
  readonly actions: readonly string[];
  /** How time passes beside them. */
  readonly seconds: readonly number[];
  /** Which call is met by which interruption. */
  readonly plan: readonly (readonly [number, number])[];
}

/**
 * Three workers, a reconcile, a client and the time, all at once: every call and every answer is a step, and fast-check chooses the
 * order of the steps. A few calls meet a crash, a cut or a pause. In the end index = rows, and at every step a row that
 * differs has its work row.
 */
export const permutedRuns = fc.asyncProperty(
  fc.record({
    scheduler: fc.scheduler(),
    actions: fc.array(fc.constantFrom(...Object.keys(ACTIONS)), { minLength: 1, maxLength: 6 }),
    seconds: fc.array(fc.constantFrom(...SECONDS), { maxLength: 4 }),
    plan: fc.array(fc.tuple(fc.integer({ min: 1, max: CALLS }), fc.nat(interruptions.length - 1)), { maxLength: 4 }),
  }),
  async (permuted) => {
    const violations = await findViolations(permuted);
    if (violations.length > 0) throw new Error(violations.join("\n"));
  },
);

async function findViolations({ scheduler, actions, seconds, plan }: Permuted): Promise<readonly string[]> {
  const inner = createMemoryWorld();
  await inner.clear();
  const order = { isOn: false };
  const world = scheduled(inner, scheduler, order);
  const run = new Run(
    world,
    new Map(
      plan.flatMap(([call, i]) => {
        const interruption = interruptions[i];
        return interruption === undefined ? [] : [[call, interruption] as const];
      }),
    ),
  );
  await run.client.tell("раз");
  run.isScheduling = true;
  await run.client.schedules.request(RECONCILE, newReconcileRun({ dryRun: false }));
  run.begin();
  order.isOn = true;
  const workers = Array.from({ length: WORKERS }, () =>
    run.start().live(async (process) => {
      for (let batch = 0; batch < BATCHES && !process.isGone; batch++)
        await process.workBatch().catch((error: unknown) => run.fell(error));
    }),
  );
  const reconcile = run
    .start()
    .live((process) => process.runScheduled())
    .catch((error: unknown) => run.fell(error));
  const client = inTurn(actions, (action) =>
    // Cut off, it does not know what became of it, and goes on.
    ACTIONS[action]?.(run.client).catch((error: unknown) => run.fell(error)),
  );
  const time = inTurn(seconds, (some) => scheduler.schedule(Promise.resolve(), "time").then(() => world.pass(some)));
  await scheduler.waitFor(Promise.all([...workers, reconcile, client, time]));
  order.isOn = false;
  await scheduler.waitIdle();
  await run.settle();
  await run.check(() => false);
  run.end();
  return run.violations;
}

async function inTurn<T>(items: readonly T[], act: (item: T) => Promise<void> | undefined): Promise<void> {
  for (const item of items) await act(item);
}

/** The world, with each call and its answer a step of the scheduler. What has been on its way for too long is dropped. */
function scheduled(world: World, scheduler: fc.Scheduler, order: { readonly isOn: boolean }): World {
  const step = (name: string): Promise<unknown> =>
    order.isOn ? scheduler.schedule(Promise.resolve(), name) : Promise.resolve();
  return Object.assign(Object.create(world) as World, {
    open: (gate: Parameters<World["open"]>[0]) =>
      world.open({
        pass(call, effect) {
          const sentAt = world.clock.now;
          return gate.pass(call, async () => {
            await step(call.name);
            // No request lives longer than the horizon allows: whoever serves it has given it up.
            if (world.clock.now - sentAt > LATE_SECONDS * 1000 + ROUNDING_MS) throw cutOff();
            const answer = await effect();
            await step(`answer of ${call.name}`);
            return answer;
          });
        },
      }),
  });
}
