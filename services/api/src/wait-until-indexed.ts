import { setTimeout as sleep } from "node:timers/promises";
import type { Memory } from "@engram/memory";
import type { ApiDeps } from "./app.ts";

/** A primary-key look-up each time; a batch takes about as long. */
const LOOK_EVERY_MS = 50;

/** The memory once its index agrees with it, or as it stands after `seconds`; at once when it was deleted meanwhile. */
export async function waitUntilIndexed(deps: ApiDeps, memory: Memory, seconds: number): Promise<Memory> {
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
