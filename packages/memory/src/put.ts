import { setTimeout as sleep } from "node:timers/promises";
import { MemoryError, toMemoryError } from "./errors.ts";
import { EVENT_TYPE, type MemoryDraft, type PutResult } from "./memory.ts";
import { isKeyTaken } from "./once.ts";
import type { MemoryStore } from "./ports/index.ts";

/** Rows of one statement: past 64 the trigger counts the statement as bulk, and its work goes into the slow lane. */
export const GROUP_SIZE_MAX = 64;
/** Statements under way at once: one commits while the next one gathers. More of them only makes smaller groups. */
const GROUPS_IN_FLIGHT_MAX = 2;
/** Deadlocks and races for a slot that were lost twice are tried again this often, each after a little while of its own. */
const RACE_ATTEMPTS_MAX = 20;
const RACE_PAUSE_MS_MAX = 50;

export interface PutQueue {
  /** Resolves when the memory is committed. */
  put(draft: MemoryDraft): Promise<PutResult>;
  /** Drafts that wait or are being written. */
  readonly depth: number;
}

interface Waiting {
  readonly draft: MemoryDraft;
  readonly resolve: (result: PutResult) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Group commit in the process: what arrives while a statement is under way goes out together with the next one. A lone
 * write waits for nothing. At 50 connections this is a fifth of the WAL syncs (docs/benchmarks.md).
 */
export function createPutQueue(
  store: Pick<MemoryStore, "putMemories">,
  options: { onGroup?: (size: number) => void } = {},
): PutQueue {
  const waiting: Waiting[] = [];
  let inFlight = 0;
  let depth = 0;

  async function write(group: readonly Waiting[]): Promise<void> {
    options.onGroup?.(group.length);
    try {
      const results = await putRacing(
        store,
        group.map((one) => one.draft),
      );
      group.forEach((one, i) => {
        const result = results[i];
        if (result === undefined)
          one.reject(new MemoryError("internal", "Internal error", { cause: new Error("a put returned no row") }));
        else one.resolve(result);
      });
    } catch (error) {
      const [only] = group;
      if (group.length === 1 && only !== undefined) only.reject(error);
      else if (toMemoryError(error).code === "unavailable") for (const one of group) one.reject(error);
      else for (const one of group) await write([one]); // one bad row must not fail its neighbours
    }
  }

  function drain(): void {
    while (inFlight < GROUPS_IN_FLIGHT_MAX && waiting.length > 0) {
      const group = takeGroup(waiting);
      inFlight += 1;
      void write(group).finally(() => {
        inFlight -= 1;
        depth -= group.length;
        drain();
      });
    }
  }

  return {
    put(draft) {
      return new Promise((resolve, reject) => {
        depth += 1;
        waiting.push({ draft, resolve, reject });
        // After this turn of the loop, so that requests which arrived together leave together.
        setImmediate(drain);
      });
    },
    get depth() {
      return depth;
    },
  };
}

/** Takes from the front what may be written in one statement: one content per slot, so that each newer one retires the older. */
function takeGroup(waiting: Waiting[]): readonly Waiting[] {
  const group: Waiting[] = [];
  const slots = new Map<string, string>();
  while (group.length < GROUP_SIZE_MAX) {
    const [next] = waiting;
    if (next === undefined || !joinsGroup(slots, next.draft)) break;
    group.push(next);
    waiting.shift();
  }
  return group;
}

/** Splits many drafts into runs that `putMemories` takes, in order. */
export function splitGroups(drafts: readonly MemoryDraft[], size: number): readonly (readonly MemoryDraft[])[] {
  const groups: MemoryDraft[][] = [];
  let slots = new Map<string, string>();
  for (const draft of drafts) {
    const last = groups.at(-1);
    if (last !== undefined && last.length < size && joinsGroup(slots, draft)) {
      last.push(draft);
      continue;
    }
    slots = new Map();
    joinsGroup(slots, draft);
    groups.push([draft]);
  }
  return groups;
}

/** Remembers the draft's slot; false when the slot already holds another content in this group. */
function joinsGroup(slots: Map<string, string>, draft: MemoryDraft): boolean {
  const slot = slotOf(draft);
  if (slot === undefined) return true;
  const held = JSON.stringify([draft.type, draft.content]);
  const holder = slots.get(slot);
  if (holder !== undefined && holder !== held) return false;
  slots.set(slot, held);
  return true;
}

function slotOf(draft: MemoryDraft): string | undefined {
  if (draft.key === null || draft.type === EVENT_TYPE) return undefined;
  return JSON.stringify([draft.projectId, draft.userId, draft.level, ...levelIds(draft), draft.key]);
}

function levelIds(draft: MemoryDraft): readonly (string | null)[] {
  return draft.level === "session" ? [draft.sessionId] : draft.level === "agent" ? [draft.agentId] : [];
}

/** Puts a group; a lost race (deadlock, or another client took the slot meanwhile) is run again. */
export async function putRacing(
  store: Pick<MemoryStore, "putMemories">,
  drafts: readonly MemoryDraft[],
): Promise<readonly PutResult[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await store.putMemories(drafts);
    } catch (error) {
      const isRace = toMemoryError(error).code === "conflict" && !isKeyTaken(error);
      if (!isRace || attempt >= RACE_ATTEMPTS_MAX) throw error;
      await sleep(Math.random() * Math.min(RACE_PAUSE_MS_MAX, 2 ** attempt));
    }
  }
}
