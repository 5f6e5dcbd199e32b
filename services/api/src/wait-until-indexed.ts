import { setTimeout as sleep } from "node:timers/promises";
import type { KeyedWrite, Memory } from "@engram/memory";
import type { ApiDeps } from "./app.ts";

/** A primary-key look-up each time; a batch takes about as long. */
const LOOK_EVERY_MS = 50;

/** The memory once its index agrees with it, or as it stands after `seconds`; at once when it was deleted meanwhile. */
async function waitUntilIndexed(deps: ApiDeps, memory: Memory, seconds: number): Promise<Memory> {
  const deadline = Date.now() + seconds * 1000;
  let current = memory;
  while (current.indexStatus === "pending" && Date.now() < deadline) {
    await sleep(LOOK_EVERY_MS);
    const found = await deps.sockets.store.getMemory(memory.projectId, memory.id);
    if (found === undefined) return { ...current, indexStatus: "pending" };
    current = { ...memory, indexStatus: found.indexStatus };
  }
  return current;
}

/**
 * The same for the answer to a request that may come again: the first to answer settles the index status for all. A later
 * one does not wait; one that comes meanwhile, or after a crash that left nothing settled, waits by itself.
 */
export async function settleIndexed(
  deps: ApiDeps,
  { memory, settled }: { readonly memory: Memory; readonly settled?: boolean },
  seconds: number,
  keyed: KeyedWrite | undefined,
): Promise<Memory> {
  if (seconds === 0 || settled === true || memory.indexStatus !== "pending") return memory;
  const indexed = await waitUntilIndexed(deps, memory, seconds);
  const status = keyed === undefined ? undefined : await deps.sockets.answers.settle(keyed, indexed.indexStatus);
  return status === undefined ? indexed : { ...indexed, indexStatus: status };
}
