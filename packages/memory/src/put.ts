import { setTimeout as sleep } from "node:timers/promises";
import { toMemoryError } from "./errors.ts";
import { createGroupCommit, type GroupCommit } from "./group-commit.ts";
import { EVENT_TYPE, type MemoryDraft, type PutResult } from "./memory.ts";
import { isKeyTaken } from "./once.ts";
import type { MemoryStore } from "./ports/index.ts";

/** Rows of one statement: past 64 the trigger counts the statement as bulk, and its work goes into the slow lane. */
export const GROUP_SIZE_MAX = 64;
/** Deadlocks and races for a slot that were lost twice are tried again this often, each after a little while of its own. */
const RACE_ATTEMPTS_MAX = 20;
const RACE_PAUSE_MS_MAX = 50;

export type PutQueue = GroupCommit<MemoryDraft, PutResult>;

/** Writes of single memories, several by one statement (`createGroupCommit`). */
export function createPutQueue(
  store: Pick<MemoryStore, "putMemories">,
  options: { onGroup?: (size: number) => void } = {},
): PutQueue {
  return createGroupCommit({
    choose: (waiting) => splitGroups(waiting.slice(0, GROUP_SIZE_MAX), GROUP_SIZE_MAX)[0] ?? [],
    write: (drafts) => putRacing(store, drafts),
    onGroup: options.onGroup,
  });
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
