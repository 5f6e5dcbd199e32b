import { constrainedMemory } from "node:process";
import { totalmem } from "node:os";

/** A container is the service's own, a machine is shared with the stores. */
const SHARE_OF_CONTAINER = 8;
const SHARE_OF_MACHINE = 16;
const BYTES_MAX = 512 * 2 ** 20;

/** What the memories that searches hold may take where nothing was set: in bytes. */
export function roomForSearches(machine = totalmem(), container = constrainedMemory()): number {
  const isContained = container > 0 && container < machine;
  return Math.min(BYTES_MAX, isContained ? container / SHARE_OF_CONTAINER : machine / SHARE_OF_MACHINE);
}
