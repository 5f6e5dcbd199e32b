import { hashFingerprint } from "../fingerprint.ts";
import type { Memory } from "../memory.ts";
import type { WorkingSet } from "./working-set.ts";

/** `hashFingerprint` of one user's memories, remembered beside what is held: the same ones are in many answers. */
export function heldFingerprints({ held, places }: WorkingSet): (memory: Memory) => number {
  return (memory) => {
    const one = held[places.get(memory.id) ?? -1];
    if (one?.version !== memory.version) return hashFingerprint(memory);
    return (one.fingerprint ??= hashFingerprint(memory));
  };
}
