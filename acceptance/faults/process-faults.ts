import { setTimeout as sleep } from "node:timers/promises";
import type { Fault, FaultDeps } from "./faults.ts";
import type { Journal } from "./journal.ts";
import type { Service } from "./service.ts";
import type { Stack } from "./stack.ts";

/** A graceful stop takes less (DESIGN.md, docs/guarantees.md). */
const STOP_SECONDS_MAX = 10;

/** SIGKILL, and a new process after a while. */
export async function killProcess({ stack }: FaultDeps, { target, ms }: Fault): Promise<void> {
  const service = serviceOf(stack, target);
  await service.kill();
  await sleep(ms);
  await service.start();
}

/** SIGSTOP for longer than the lease: it wakes up and knows nothing of it. */
export async function freezeProcess({ stack }: FaultDeps, { target, ms }: Fault): Promise<void> {
  const thaw = serviceOf(stack, target).freeze();
  await sleep(ms);
  thaw();
}

/** SIGTERM under load, whatever else is going on, and a new process after a while. */
export async function stopProcess({ stack, journal }: FaultDeps, { target, ms }: Fault): Promise<void> {
  const service = serviceOf(stack, target);
  await stopGracefully(service, journal);
  await sleep(ms);
  await service.start();
}

/** Asks a process to stop, and is content only when it does so in time and with exit code 0. */
export async function stopGracefully(service: Service, journal: Journal): Promise<void> {
  const { seconds, how } = await service.stop();
  if (seconds > STOP_SECONDS_MAX || how !== "exit code 0")
    journal.violate("a stop was not graceful", service.name, `${how} after ${seconds.toFixed(1)} s`);
}

function serviceOf(stack: Stack, name: string): Service {
  const found = stack.services.find((one) => one.name === name);
  if (found === undefined) throw new Error(`There is no process ${name}`);
  return found;
}
