import { setTimeout as sleep } from "node:timers/promises";
import type { Proxy } from "@engram/test-equipment";
import type { Fault, FaultDeps } from "./faults.ts";
import type { Subject } from "./troubles.ts";

/** How late everything comes on a slow link, as a part of how long it is slow: 100 to 400 ms. */
const DELAY_SHARE = 0.1;

/** Resets what stands; the next connection is as good as ever. */
export async function cutLink(deps: FaultDeps, fault: Fault): Promise<void> {
  await onLink(deps, fault, (proxy) => proxy.reset());
}

export async function refuseLink(deps: FaultDeps, fault: Fault): Promise<void> {
  await onLink(deps, fault, (proxy) => proxy.cut());
}

/** What was silent stays so: whoever holds such a connection has to find out. */
export async function silenceLink(deps: FaultDeps, fault: Fault): Promise<void> {
  await onLink(deps, fault, (proxy) => proxy.silence());
}

export async function delayLink(deps: FaultDeps, fault: Fault): Promise<void> {
  await onLink(deps, fault, (proxy, ms) => proxy.delay(Math.round(ms * DELAY_SHARE)));
}

/** Every connection to the truth at once. */
export async function cutPostgres({ stack, troubles }: FaultDeps): Promise<void> {
  const end = troubles.begin(...stack.apis.map((api): Subject => `truth:${api.name}`));
  for (const { to, proxy } of stack.links) if (to === "postgres") proxy.reset();
  end();
  await Promise.resolve();
}

async function onLink(
  { stack, troubles }: FaultDeps,
  { target, ms }: Fault,
  spoil: (proxy: Proxy, ms: number) => void | Promise<void>,
): Promise<void> {
  const link = stack.links.find((one) => one.name === target);
  if (link === undefined) throw new Error(`There is no link ${target}`);
  // Of the other stores no API needs an excuse: without them it answers all the same.
  const end = link.to === "postgres" ? troubles.begin(`truth:${link.from}`) : (): void => undefined;
  await spoil(link.proxy, ms);
  await sleep(ms);
  await link.proxy.restore();
  end();
}
