import type { FormerRow, Told } from "./read-row.ts";

/** Rows that say the same of the same: one memory. */
export interface FoldedTold {
  readonly told: Told;
  readonly level: "user" | "agent";
  readonly agentIds: readonly string[];
  readonly sessionIds: readonly string[];
  readonly seenCount: number;
  readonly embedding: string | null;
}

/**
 * One memory for each text of a user (or of an agent without a user): the first that was told, with the metadata of all, the
 * later one's value where two differ. A session marks where it was told and no more: nothing of it ends with one.
 */
export function foldTold(rows: readonly { readonly row: FormerRow; readonly told: Told }[]): readonly FoldedTold[] {
  const groups = new Map<string, { readonly row: FormerRow; readonly told: Told }[]>();
  for (const one of rows) {
    const { userId, agentId, content } = one.told;
    const key = JSON.stringify([userId, userId === null ? agentId : null, content]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return [...groups.values()].flatMap((group) => {
    const inTime = group.toSorted((a, b) => timeOf(a.told.createdAt) - timeOf(b.told.createdAt));
    const [first] = inTime;
    const last = inTime.at(-1);
    if (first === undefined || last === undefined) return [];
    const tellings = inTime.map(({ told }) => told);
    const expiries = tellings.map(({ expiresAt }) => expiresAt);
    return [
      {
        told: {
          ...first.told,
          metadata: Object.assign({}, ...tellings.map(({ metadata }) => metadata)) as Told["metadata"],
          agentId: last.told.agentId ?? first.told.agentId,
          sessionId: last.told.sessionId ?? first.told.sessionId,
          updatedAt: last.told.updatedAt,
          expiresAt: expiries.includes(null) ? null : new Date(Math.max(...expiries.map(timeOf))),
        },
        level: first.told.userId === null ? "agent" : "user",
        agentIds: distinct(tellings.map(({ agentId }) => agentId)),
        sessionIds: distinct(tellings.map(({ sessionId }) => sessionId)),
        seenCount: group.length,
        embedding: inTime.map(({ row }) => row.embedding ?? null).find((embedding) => embedding !== null) ?? null,
      },
    ];
  });
}

function timeOf(time: Date | null): number {
  return time?.getTime() ?? 0;
}

function distinct(ids: readonly (string | null)[]): readonly string[] {
  return [...new Set(ids.filter((id) => id !== null))];
}
