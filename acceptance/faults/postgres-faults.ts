import { setTimeout as sleep } from "node:timers/promises";
import type { Fault, FaultDeps } from "./faults.ts";
import type { Subject } from "./troubles.ts";

/** Ends some of the service's sessions, as an administrator does. */
export function terminateBackends(deps: FaultDeps, { times }: Fault): Promise<void> {
  return withoutTruth(deps, () => deps.truth.terminateBackends(times));
}

/** SIGKILL to one session, on which the server ends all others and reads its log. */
export function killBackend(deps: FaultDeps): Promise<void> {
  return withoutTruth(deps, () => deps.truth.killBackend());
}

/** An "immediate" stop, and a start after a while. */
export function killPostgres(deps: FaultDeps, { ms }: Fault): Promise<void> {
  return withoutTruth(deps, async () => {
    await deps.stack.postgres.kill();
    await sleep(ms);
    await deps.stack.postgres.restart();
  });
}

async function withoutTruth({ stack, truth, troubles }: FaultDeps, work: () => Promise<void>): Promise<void> {
  const end = troubles.begin(...stack.apis.map((api): Subject => `truth:${api.name}`));
  await work();
  await truth.isThere();
  end();
}
