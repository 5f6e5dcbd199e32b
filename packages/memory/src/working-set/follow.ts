import type {
  ChangesAsked,
  ChangesLook,
  CollectionRef,
  RowsOwner,
  SearchableRow,
  SearchableRows,
  TenantChanges,
  VectorIndex,
} from "../ports/index.ts";
import { createNextRun } from "./next-run.ts";
import { emptySet, patch, type Arrival, type WorkingSet } from "./working-set.ts";

/** A user with more has their memories searched where they are. */
export const ROWS_MAX = 10_000;
/** Of so many changed rows at once it is no longer cheaper to read them than all. */
const CHANGED_MAX = 1_000;

export interface Sources {
  readonly rows: SearchableRows;
  readonly index: Pick<VectorIndex, "readVectors">;
  /** As `rows.look`, for one of several that ask at once. */
  readonly look: (asked: ChangesAsked) => Promise<TenantLook>;
}

export type TenantLook = Omit<ChangesLook, "tenants"> & TenantChanges;

export interface Followed {
  /** Of the last look. */
  readonly bytes: number;
  /** The set as of a moment after the call. Undefined: it cannot be followed any more and is to be read anew. */
  follow(): Promise<Found | undefined>;
}

/** A user's set as of one moment, and whether talk waits that is in no set. */
export interface Found {
  readonly set: WorkingSet;
  readonly talkWaits: boolean;
}

/** Whose set, and the live collection, if its vectors can be read. */
export interface Place {
  readonly owner: RowsOwner;
  readonly tenant: string;
  readonly collection: CollectionRef | undefined;
}

/** Reads a user's set. Undefined: more rows than `ROWS_MAX`. */
export async function openFollowed(sources: Sources, place: Place): Promise<Followed | undefined> {
  const loaded = await sources.rows.load(place.owner, ROWS_MAX);
  if (loaded === undefined) return undefined;
  let set = patch(emptySet(place.collection?.dims), new Set(), await withVectors(sources, place, loaded.rows));
  let { since } = loaded;
  /** Transactions from `since` on whose changes are in the set; they are told again. */
  let known: ReadonlySet<string> = new Set();

  const follow = createNextRun(async (): Promise<Found | undefined> => {
    const looked = await sources.look({ tenant: place.tenant, since });
    if (looked.epoch !== loaded.epoch || isBelow(looked.since, since) || isBelow(since, looked.toldFrom))
      return undefined;
    const fresh = looked.changes.filter(({ transaction }) => !known.has(transaction));
    if (fresh.length > 0) {
      const ids = fresh.some((change) => change.ids === undefined)
        ? undefined
        : new Set(fresh.flatMap((change) => change.ids ?? []));
      if (ids === undefined || ids.size > CHANGED_MAX) return undefined;
      const rows = await sources.rows.read(place.owner, [...ids]);
      const next = patch(set, ids, await withVectors(sources, place, rows));
      if (next.held.length > ROWS_MAX) return undefined;
      set = next;
    }
    known = new Set(looked.changes.map(({ transaction }) => transaction).filter((one) => !isBelow(one, looked.since)));
    since = looked.since;
    return { set, talkWaits: looked.talkWaits };
  });
  return {
    follow,
    get bytes() {
      return set.bytes;
    },
  };
}

/** Each row with the vector of its version. One that has another by now is told of again once that is committed. */
async function withVectors(
  { index }: Sources,
  { collection }: Place,
  rows: readonly SearchableRow[],
): Promise<readonly Arrival[]> {
  if (collection === undefined || index.readVectors === undefined || rows.length === 0)
    return rows.map((row) => ({ row }));
  const ids = rows.map(({ id }) => id);
  const vectors = await index.readVectors(collection, ids);
  return rows.map((row) => {
    const stored = vectors.get(row.id);
    return stored?.version === row.version ? { row, vector: stored.vector } : { row };
  });
}

/** Marks and transactions are numbers that grow, of up to 64 bits. */
const isBelow = (one: string, other: string): boolean => BigInt(one) < BigInt(other);
