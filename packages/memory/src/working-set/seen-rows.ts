import type { RowsOwner } from "../ports/index.ts";
import { visibleTo, type MemoryFilter, type Visible } from "../scope.ts";
import type { Held, WorkingSet } from "./working-set.ts";

/**
 * Whose working set answers for a filter. Undefined: nobody's, for it asks for more than one user's live memories or for
 * what a set does not know of them.
 */
export function ownerOf(filter: MemoryFilter): RowsOwner | undefined {
  const { projectId, userId } = filter.scope;
  const asksMore =
    filter.asOf !== undefined ||
    filter.key !== undefined ||
    filter.condition !== undefined ||
    filter.includeHidden === true;
  if (userId === undefined || asksMore) return undefined;
  return visibleTo(filter.scope).every((visible) => visible.userId === userId) ? { projectId, userId } : undefined;
}

/** The rows that the filter lets through, of a set that is held. */
export interface HeldRows {
  readonly set: WorkingSet;
  readonly seen: Uint8Array;
}

/** For each row of the owner's set whether the filter lets it through (1) at `now`; the meaning is that of the SQL of filters. */
export function seenRows({ held, createdAt, expiresAt }: WorkingSet, filter: MemoryFilter, now: Date): Uint8Array {
  const visible = visibleTo(filter.scope);
  const types = filter.types === undefined ? undefined : new Set(filter.types);
  const from = microsecondsOf(filter.createdAfter) ?? -Infinity;
  const before = microsecondsOf(filter.createdBefore) ?? Infinity;
  const isEver = from === -Infinity && before === Infinity;
  const time = now.getTime();
  const seen = new Uint8Array(held.length);
  for (let at = 0; at < held.length; at++) {
    const row = held[at] as Held;
    const isThen = isEver || ((createdAt[at] as number) >= from && (createdAt[at] as number) < before);
    const passes = isThen && (expiresAt[at] as number) > time && (types === undefined || types.has(row.type));
    if (passes && isVisibleToAny(row, visible)) seen[at] = 1;
  }
  return seen;
}

function isVisibleToAny(row: Held, visible: readonly Visible[]): boolean {
  for (const one of visible) if (isVisible(row, one)) return true;
  return false;
}

function isVisible(row: Held, { level, sessionId, agentId }: Visible): boolean {
  return (
    (level === undefined || row.level === level) &&
    (sessionId === undefined || row.sessionIds.includes(sessionId)) &&
    (agentId === undefined || row.agentIds.includes(agentId))
  );
}

const microsecondsOf = (time: Date | undefined): number | undefined => time && time.getTime() * 1_000;
