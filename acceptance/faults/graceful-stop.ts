import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../until.ts";
import { createMany } from "./creates.ts";
import { ALL } from "./journal.ts";
import type { Owner } from "./owner.ts";
import { LEASE_SECONDS } from "./settings.ts";
import { stopAll, type VerdictDeps } from "./verdict.ts";

/** For a stop in the middle of work: work enough, and a provider that takes its time. */
const BULKS = 20;
const SLOW_PROVIDER_MS = 300;

/**
 * Both workers stop in the middle of their work, and leave nothing leased behind. Nobody else writes meanwhile: an
 * acknowledgement passes over a row that a writer holds, and that row's lease has to lapse.
 */
export async function checkGracefulStop(deps: VerdictDeps, owner: Owner, tell: (line: string) => void): Promise<void> {
  const { stack, truth, journal } = deps;
  // What was leased until now is worked, or lapses.
  await sleep((LEASE_SECONDS + 1) * 1_000);
  await stack.openai.fault({ delay_ms: SLOW_PROVIDER_MS });
  for (const hand of owner.hands) for (let n = 0; n < BULKS; n += 1) await createMany(hand);
  await until("a worker to have work in hand", async () => (await truth.leases()) > 0);
  await stopAll(deps, "worker");
  const [backlog, leases] = [await truth.backlog(), await truth.leases()];
  tell(`both workers stopped with ${backlog ?? "?"} work rows left`);
  if (leases > 0) journal.violate("a stopped worker kept its claims", ALL, `${leases} leases`);
  await stack.openai.clearFaults();
  await Promise.all(stack.services.filter((one) => one.role === "worker").map((worker) => worker.start()));
}
