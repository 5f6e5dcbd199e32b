import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gather } from "./crowd.ts";
import { checkGracefulStop } from "./graceful-stop.ts";
import { Injector } from "./injector.ts";
import { Journal } from "./journal.ts";
import { seeded } from "./random.ts";
import { countKinds, type Report } from "./report.ts";
import { startStack, type Stack } from "./stack.ts";
import { Tally } from "./tally.ts";
import { Troubles } from "./troubles.ts";
import { Truth } from "./truth.ts";
import { compareModels, compareStores, drain, stopAll, type VerdictDeps } from "./verdict.ts";
import { Witness } from "./witness.ts";

const SAMPLE_EVERY_MS = 1_000;
const TELL_EVERY_SECONDS = 15;
export interface StormOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly owners: number;
  readonly contenders: number;
  readonly observers: number;
  readonly folder: string;
  readonly tell: (line: string) => void;
}

/** A whole storm: starts the service, lets clients and faults loose on it, waits for quiet, and judges. */
export async function runStorm(options: StormOptions): Promise<Report> {
  const journal = new Journal(join(options.folder, "journal.ndjson"));
  const troubles = new Troubles();
  const stack = await startStack({ folder: options.folder, troubles, journal });
  const truth = new Truth(stack.databaseUrl);
  try {
    return await storm(options, { stack, truth, troubles, journal });
  } finally {
    await truth.close();
    await stack.stop();
    await journal.close();
  }
}

interface Parts {
  readonly stack: Stack;
  readonly truth: Truth;
  readonly troubles: Troubles;
  readonly journal: Journal;
}

async function storm(options: StormOptions, parts: Parts): Promise<Report> {
  const { seed, minutes } = options;
  const { stack, truth, journal, troubles } = parts;
  const tally = new Tally();
  const witness = new Witness(journal, troubles);
  const deps: VerdictDeps = { stack, truth, journal, witness };
  const tell = (line: string): void => options.tell(`${journal.seconds.toFixed(1).padStart(7)} s  ${line}`);
  const started = performance.now();
  const stormOver = new AbortController();
  const clientsStop = new AbortController();

  const crowd = gather(options, { stack, journal, witness, tally });
  const clients = crowd.run(clientsStop.signal);
  const sampling = sample(truth, tally, tell, clientsStop.signal);
  const injector = new Injector({ stack, truth, troubles, journal }, seeded(seed, "faults"), tally, tell);
  const injecting = injector.run(stormOver.signal);

  await sleep(minutes * 60_000);
  stormOver.abort();
  await injecting;
  await heal(stack);
  tell("no more faults");
  clientsStop.abort();
  await clients;
  const last = crowd.newOwner("last");
  await checkGracefulStop(deps, last, tell);
  const secondsToDrain = await drain(deps);
  tell("quiet");
  const backlogMax = await sampling;
  const stores = await compareStores(deps);
  await compareModels([...crowd.owners, last].flatMap((owner) => owner.hands));
  crowd.close();
  await stopAll(deps, "api");
  await stopAll(deps, "worker");

  const { kill = 0, cut = 0, wipe = 0 } = injector.groups;
  return {
    seed,
    minutes: (performance.now() - started) / 60_000,
    acts: tally.acts,
    changes: tally.changes,
    retries: tally.retries,
    degradedSearches: tally.degradedSearches,
    faults: injector.injected.length,
    killsAndCuts: kill + cut,
    redisWipes: wipe,
    faultsByKind: countKinds(injector.injected),
    backlogMax,
    quiet: { secondsToDrain, ...stores },
    violations: journal.violations,
  };
}

/** Looks at the backlog and tells of progress; gives the highest backlog. */
async function sample(truth: Truth, tally: Tally, tell: (line: string) => void, stop: AbortSignal): Promise<number> {
  let highest = 0;
  for (let n = 1; !stop.aborted; n += 1) {
    await sleep(SAMPLE_EVERY_MS);
    const backlog = await truth.backlog();
    highest = Math.max(highest, backlog ?? 0);
    if (n % TELL_EVERY_SECONDS === 0)
      tell(`${tally.acknowledgedChanges} changes acknowledged, backlog ${backlog ?? "?"}`);
  }
  return highest;
}

/** All is well again: no proxy in the way, no fault ordered, every process up. */
async function heal(stack: Stack): Promise<void> {
  await Promise.all(stack.links.map((link) => link.proxy.restore()));
  await stack.qdrant.clearFaults();
  await stack.openai.clearFaults();
  for (const service of stack.services) if (!service.isUp) await service.start();
}
