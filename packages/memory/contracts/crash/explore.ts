import type { Flow } from "./flows.ts";
import type { Interruption } from "./interruptions.ts";
import { Run, type Plan } from "./run.ts";
import type { World } from "./world.ts";

export interface Exploration {
  /** Calls of the flow and of the recovery, uninterrupted. */
  readonly calls: number;
  /** The names of all calls that an interruption met alone. */
  readonly met: ReadonlySet<string>;
  /** Pairs of a call and an interruption that were tried alone, and pairs of those. */
  readonly singles: number;
  readonly pairs: number;
  /** Each with the plan that shows it. */
  readonly violations: readonly string[];
}

/** A call, by its number, and what meets it. */
export type CrashPoint = readonly [call: number, interruption: Interruption];

export interface ExploreOptions {
  /** Each of them at every call that it suits. */
  readonly singles: readonly Interruption[];
  /** Which of those are tried, where a run is too slow for all of them. */
  readonly choose?: (points: readonly CrashPoint[]) => readonly CrashPoint[];
  /** Each two of them, at every two calls. */
  readonly pairs?: readonly Interruption[];
  /** Pairs are tried for flows of at most so many calls; their number grows with the square. */
  readonly pairsWithin?: number;
}

/**
 * Runs a flow once for every call and every interruption, lets the service recover, and looks whether all is well. The
 * calls of the recovery count too, so that a second interruption, or the first, may meet whoever cleans up.
 */
export async function explore(
  world: World,
  flow: Flow,
  { singles, choose = (points) => points, pairs = [], pairsWithin = Number.POSITIVE_INFINITY }: ExploreOptions,
): Promise<Exploration> {
  const violations: string[] = [];
  const attempt = async (plan: Plan): Promise<Run> => {
    const run = await runOnce(world, flow, plan);
    violations.push(...run.violations.map((violation) => `${describe(plan, run)}: ${violation}`));
    return run;
  };
  const tried = { singles: 0, pairs: 0 };
  const met = new Set<string>();
  const undisturbed = await attempt(new Map());
  for (const [point, interruption] of choose(interruptionsOf(undisturbed, singles))) {
    const run = await attempt(new Map([[point, interruption]]));
    tried.singles += 1;
    met.add(undisturbed.calls[point - 1]?.name ?? "");
    if (undisturbed.calls.length > pairsWithin || !pairs.includes(interruption)) continue;
    for (const [later, second] of interruptionsOf(run, pairs, point)) {
      await attempt(
        new Map([
          [point, interruption],
          [later, second],
        ]),
      );
      tried.pairs += 1;
    }
  }
  return { calls: undisturbed.calls.length, met, ...tried, violations };
}

/** Every call after `after` with every interruption that suits it. */
function interruptionsOf(run: Run, interruptions: readonly Interruption[], after = 0): readonly CrashPoint[] {
  return run.calls.flatMap((call, i) =>
    i < after ? [] : interruptions.filter((one) => one.suits(call)).map((one) => [i + 1, one] as const),
  );
}

async function runOnce(world: World, flow: Flow, plan: Plan): Promise<Run> {
  await world.clear();
  const run = new Run(world, plan);
  await flow.given?.(run);
  run.begin();
  const process = run.start();
  try {
    await process.live((one) => flow.act(one, run));
  } catch (error) {
    run.fell(error);
  }
  world.isProviderAway = false;
  await run.settle();
  await run.check(flow.mayPark ?? (() => false));
  run.end();
  return run;
}

function describe(plan: Plan, run: Run): string {
  const steps = [...plan].map(([point, { name }]) => `${name} call ${point} (${run.calls[point - 1]?.name})`);
  return steps.length === 0 ? "undisturbed" : steps.join(", then ");
}
