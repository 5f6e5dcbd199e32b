import { contentHash, indexTopic, tenantOf, type IndexableRows, type RowState } from "@engram/memory";
import type { FakeTruth, TruthRow } from "./truth.ts";

/** Versions go on from so far beyond the greatest one that the index holds. */
const MARGIN = 1_000_000;

/** The rows beside the index over the fake truth, statement by statement as in `packages/postgres`. */
export function createFakeIndexableRows(truth: FakeTruth): IndexableRows {
  const stateOf = (row: TruthRow): RowState => ({
    id: row.id,
    version: row.version,
    tenant: tenantOf(row),
    hash: contentHash(row.content),
    expired: row.expiresAt !== null && row.expiresAt.getTime() <= truth.clock.now,
  });
  return {
    async scan({ after = "", limit }) {
      return [...truth.memories.values()]
        .filter(({ id }) => id > after)
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit)
        .map(stateOf);
    },
    async examine(target, ids) {
      return ids.map((id) => {
        const row = truth.memories.get(id);
        const work = truth.findWork(indexTopic(target), id);
        return {
          id,
          row: row === undefined ? undefined : stateOf(row),
          work: work === undefined ? "none" : work.parkedAt === null ? "waiting" : "parked",
        };
      });
    },
    async touch(target, seen) {
      const known = truth.targets.get(target);
      if (known === undefined || known.state === "retired") return [];
      const unchanged = seen.filter(({ id, version }) => (truth.memories.get(id)?.version ?? null) === version);
      return truth.addWork(
        indexTopic(target),
        unchanged.map(({ id }) => id),
      );
    },
    async advanceVersions(version) {
      if (truth.version >= version) return false;
      truth.advanceVersions(version + MARGIN);
      return true;
    },
  };
}
