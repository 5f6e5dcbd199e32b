import type { MemoryStore } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { countMemories } from "./count-memories.ts";
import { deleteMemories, deleteMemory } from "./delete-memories.ts";
import {
  findIds,
  findMemories,
  findOwners,
  getMemory,
  profileMemories,
  recentMemories,
  sampleMemories,
} from "./find-memories.ts";
import { getHistory } from "./get-history.ts";
import { analyseIn } from "./lexemes.ts";
import { listMemories } from "./list-memories.ts";
import { putMemories } from "./put-memories.ts";
import { readIndexable } from "./read-indexable.ts";
import { restoreMemory } from "./restore-memory.ts";
import { previewRetention, sweepRetention, sweepSessions } from "./retention.ts";
import { searchText } from "./search-text.ts";
import { sweepExpired } from "./sweep-expired.ts";
import { updateMemory } from "./update-memory.ts";

/** The truth: memories in PostgreSQL, or in PGlite under the same SQL. */
export function createMemoryStore(db: Executor): MemoryStore {
  return {
    putMemories: (drafts) => putMemories(db, drafts),
    getMemory: (projectId, id) => getMemory(db, projectId, id),
    findMemories: (ids, filter) => findMemories(db, ids, filter),
    findIds: (filter, limit) => findIds(db, filter, limit),
    listMemories: (query) => listMemories(db, query),
    recentMemories: (filter, limit) => recentMemories(db, filter, limit),
    profileMemories: (filter, limit) => profileMemories(db, filter, limit),
    analyseQuery: (query) => analyseIn(db)(query),
    searchText: (query, filter, limit) => searchText(db, query, filter, limit),
    findOwners: (filter, limit) => findOwners(db, filter, limit),
    updateMemory: (projectId, id, patch, actor, keyed) => updateMemory(db, projectId, id, patch, actor, keyed),
    restoreMemory: (projectId, id, actor) => restoreMemory(db, projectId, id, actor),
    deleteMemory: (projectId, id, actor, keyed) => deleteMemory(db, projectId, id, actor, keyed),
    deleteMemories: (filter, actor, keyed) => deleteMemories(db, filter, actor, keyed),
    getHistory: (projectId, id) => getHistory(db, projectId, id),
    readIndexable: (ids) => readIndexable(db, ids),
    sampleMemories: (limit) => sampleMemories(db, limit),
    sweepSessions: (idleSeconds) => sweepSessions(db, idleSeconds),
    previewRetention: (projectId, rules) => previewRetention(db, projectId, rules),
    sweepRetention: (rules) => sweepRetention(db, rules),
    count: (projectId) => countMemories(db, projectId),
    sweepExpired: () => sweepExpired(db),
  };
}
