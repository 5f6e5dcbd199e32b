import { LEVELS, type Level } from "../memory.ts";
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
export function seenRows(set: WorkingSet, filter: MemoryFilter, now: Date): Uint8Array {
  const { held, levels, createdAt, expiresAt } = set;
  const visible = visibleTo(filter.scope);
  // Those that depend on a row's level alone, as most of a search's do, are known without a look at the row.
  const isOpen = LEVELS.map((level) => visible.some((one) => isOfLevel(level, one) && !isNarrow(one)));
  const narrow = visible.filter(isNarrow);
  const types = filter.types === undefined ? undefined : new Set(filter.types);
  const from = microsecondsOf(filter.createdAfter) ?? -Infinity;
  const before = microsecondsOf(filter.createdBefore) ?? Infinity;
  const isEver = from === -Infinity && before === Infinity;
  const time = now.getTime();
  const seen = new Uint8Array(held.length);
  for (let at = 0; at < held.length; at++) {
    if ((expiresAt[at] as number) <= time) continue;
    if (!isEver && !((createdAt[at] as number) >= from && (createdAt[at] as number) < before)) continue;
    if (types?.has((held[at] as Held).type) === false) continue;
    if (isOpen[levels[at] as number] === true || isVisibleToAny(held[at] as Held, narrow)) seen[at] = 1;
  }
  return seen;
}

const isNarrow = ({ sessionId, agentId }: Visible): boolean => sessionId !== undefined || agentId !== undefined;
const isOfLevel = (level: Level, visible: Visible): boolean => visible.level === undefined || visible.level === level;

function isVisibleToAny(row: Held, visible: readonly Visible[]): boolean {
  for (const one of visible) if (isVisible(row, one)) return true;
  return false;
}

function isVisible(row: Held, visible: Visible): boolean {
  const { sessionId, agentId } = visible;
  return (
    isOfLevel(row.level, visible) &&
    (sessionId === undefined || row.sessionIds.includes(sessionId)) &&
    (agentId === undefined || row.agentIds.includes(agentId))
  );
}

const microsecondsOf = (time: Date | undefined): number | undefined => time && time.getTime() * 1_000;
