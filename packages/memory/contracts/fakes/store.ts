import {
  EVENT_TYPE,
  MemoryError,
  tenantOf,
  type IndexableMemory,
  type Memory,
  type MemoryDraft,
  type MemoryPatch,
  type MemoryStore,
  type PutResult,
} from "@engram/memory";
import type { FakeTruth, TruthRow } from "./truth.ts";

/** The part of the store that writes memories and shows them to the index, and the one statement that has no port. */
export interface WritingStore extends Pick<
  MemoryStore,
  "putMemories" | "getMemory" | "updateMemory" | "deleteMemory" | "readIndexable" | "sampleMemories"
> {
  truncate(): Promise<void>;
}

/** Memories over the fake truth: sameness, slots, versions and work rows as CONTRACT.md 2 and PROTOCOL.md say. */
export function createFakeStore(truth: FakeTruth): WritingStore {
  const isStanding = (row: TruthRow | undefined): row is TruthRow =>
    row !== undefined && (row.expiresAt === null || row.expiresAt.getTime() > truth.clock.now);
  const toMemory = ({ sessionIds: _s, agentIds: _a, requestId: _r, ...row }: TruthRow): Memory => ({
    ...row,
    indexStatus: truth.indexStatus(row.id),
  });
  const findLive = (keyOf: (row: TruthRow) => string | null, key: string | null): TruthRow | undefined =>
    key === null ? undefined : [...truth.memories.values()].find((row) => keyOf(row) === key);

  function put(draft: MemoryDraft, changed: Map<string, TruthRow>): { id: string; created: boolean } {
    const now = new Date(truth.clock.now);
    const row = rowOf(draft, now);
    const holder = findLive(slotKey, slotKey(row));
    const twin = findLive(dedupeKey, dedupeKey(row));
    if (holder !== undefined && holder.id !== twin?.id)
      save({ ...holder, validTo: now, supersededBy: draft.id }, changed);
    if (twin === undefined) save({ ...row, version: 0 }, changed);
    else
      save(
        {
          ...twin,
          seenCount: twin.seenCount + 1,
          metadata: { ...twin.metadata, ...draft.metadata },
          sessionId: draft.sessionId ?? twin.sessionId,
          sessionIds: union(twin.sessionIds, row.sessionIds),
          agentId: draft.agentId ?? twin.agentId,
          agentIds: union(twin.agentIds, row.agentIds),
          requestId: draft.requestId,
        },
        changed,
      );
    return { id: twin?.id ?? draft.id, created: twin === undefined };
  }

  /** Stores a row, with a version of its own where the index or a reader may see a difference. */
  function save(row: TruthRow, changed: Map<string, TruthRow>): void {
    const before = truth.memories.get(row.id);
    const isChanged = before === undefined || visible(before) !== visible(row);
    const after = isChanged ? { ...row, version: truth.nextVersion(), updatedAt: new Date(truth.clock.now) } : row;
    truth.memories.set(row.id, after);
    if (isChanged) changed.set(row.id, after);
  }

  return {
    async putMemories(drafts): Promise<readonly PutResult[]> {
      const changed = new Map<string, TruthRow>();
      const puts = drafts.map((draft) => put(draft, changed));
      truth.markDirty([...changed.values()]);
      return puts.flatMap(({ id, created }) => {
        const row = truth.memories.get(id);
        return row === undefined ? [] : [{ memory: toMemory(row), created }];
      });
    },

    async getMemory(projectId, id) {
      const row = truth.memories.get(id);
      return isStanding(row) && row.projectId === projectId ? toMemory(row) : undefined;
    },

    async updateMemory(projectId, id, patch, actor) {
      const row = truth.memories.get(id);
      if (!isStanding(row) || row.projectId !== projectId) return undefined;
      const after = { ...patched(row, patch), requestId: actor.requestId };
      const other = findLive(dedupeKey, dedupeKey(after)) ?? findLive(slotKey, slotKey(after));
      if (other !== undefined && other.id !== id) {
        const message = "Another memory already holds this text or key";
        throw new MemoryError("conflict", message, { details: [{ message, id: other.id }] });
      }
      const changed = new Map<string, TruthRow>();
      save(after, changed);
      truth.markDirty([...changed.values()]);
      return toMemory(truth.memories.get(id) ?? after);
    },

    async deleteMemory(projectId, id, actor) {
      const row = truth.memories.get(id);
      if (row === undefined || row.projectId !== projectId) return false;
      truth.memories.delete(id);
      truth.markDirty([{ id, requestId: actor.requestId }]);
      return isStanding(row);
    },

    async truncate() {
      const gone = [...truth.memories.keys()].map((id) => ({ id, requestId: null }));
      truth.memories.clear();
      truth.markDirty(gone);
    },

    async readIndexable(ids) {
      return ids.flatMap((id) => {
        const row = truth.memories.get(id);
        return isStanding(row) ? [indexable(row)] : [];
      });
    },

    async sampleMemories(limit) {
      const standing = [...truth.memories.values()].filter((row) => isStanding(row) && row.validTo === null);
      return standing.slice(0, limit).map(toMemory);
    },
  };
}

/** What decides sameness: equal live states are one memory. Null: equal to nothing. */
export function dedupeKey(row: TruthRow): string | null {
  if (row.validTo !== null || row.type === EVENT_TYPE) return null;
  return JSON.stringify([row.projectId, row.userId, row.level, row.type, levelId(row), row.key, row.content]);
}

function slotKey(row: TruthRow): string | null {
  if (row.validTo !== null || row.type === EVENT_TYPE || row.key === null) return null;
  return JSON.stringify([row.projectId, row.userId, row.level, levelId(row), row.key]);
}

function levelId(row: TruthRow): string | null {
  return row.level === "session" ? row.sessionId : row.level === "agent" ? row.agentId : null;
}

/** The named columns of the version trigger, and those that only the index shows. */
function visible({ seenCount: _s, requestId: _r, version: _v, updatedAt: _u, ...row }: TruthRow): string {
  return JSON.stringify(row);
}

function rowOf(draft: MemoryDraft, now: Date): TruthRow {
  return {
    ...draft,
    sessionIds: draft.sessionId === null ? [] : [draft.sessionId],
    agentIds: draft.agentId === null ? [] : [draft.agentId],
    occurredAt: draft.occurredAt ?? now,
    createdAt: now,
    updatedAt: now,
    validFrom: now,
    validTo: null,
    supersededBy: null,
    seenCount: 1,
    version: 0,
  };
}

function patched(row: TruthRow, { mergeMetadata, metadata, ...patch }: MemoryPatch): TruthRow {
  const merged = metadata === undefined || !mergeMetadata ? metadata : { ...row.metadata, ...metadata };
  return { ...row, ...patch, metadata: merged ?? row.metadata };
}

function indexable(row: TruthRow): IndexableMemory {
  return { ...row, tenant: tenantOf(row) };
}

function union(standing: readonly string[], told: readonly string[]): readonly string[] {
  return [...new Set([...standing, ...told])];
}
