import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/*
 * How V8 keeps house, as a service needs it (docs/decisions/0006-heap.md). What else there is to it can only be
 * said before Node starts: `config.environment` in the root's package.json.
 */

/**
 * The next collection of the old generation comes when it has grown by so much. V8 alone lets it grow to several times
 * of what is in use where the machine has memory to spare: 118 MiB for 28 MiB in a worker.
 */
const HEAP_GROWING_PERCENT = 50;

/** Makes V8 collect by what is in use instead of by what the machine has. No limit is set: what is needed may be had. */
export function growHeapByUse(): void {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`);
}

/**
 * Collects everything and gives the pages back, which stops the process for a tenth of a second. Meant for the end of a
 * start: loading the modules leaves some 20 MiB behind that an idle process would keep for days, because V8 takes one that
 * has collected nothing lately for a busy one.
 */
export function dropGarbage(): void {
  setFlagsFromString("--expose-gc");
  // Node has no other door to it: a new context sees the function, the one that runs does not.
  const collect = runInNewContext("gc") as NodeJS.GCFunction;
  collect({ type: "major", flavor: "last-resort" });
  setFlagsFromString("--no-expose-gc");
}
