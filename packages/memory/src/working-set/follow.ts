import type {
  ChangesAsked,
  CollectionRef,
  RowsOwner,
  SearchableRow,
  SearchableRows,
  TenantLook,
  VectorIndex,
} from "../ports/index.ts";
import { createNextRun } from "./next-run.ts";
import { emptySet, patch, type Arrival, type WorkingSet } from "./working-set.ts";

/** A user with more has their memories searched where they are. */
export const ROWS_MAX = 10_000;
/** Rows of one statement. */
const READ_AT_ONCE = 500;
/** Changes are told again and again while a transaction of before them is under way; with more it is sooner to ask the stores. */
const TOLD_MAX = 2_000;
/** Of so many changed rows at once it is no longer cheaper to read them than all. */
const CHANGED_MAX = 1_000;

export interface Sources {
  readonly rows: SearchableRows;
  readonly index: Pick<VectorIndex, "readVectors">;
  /** As `rows.look`, for one of several that ask at once. */
  readonly look: (asked: ChangesAsked) => Promise<TenantLook>;
}

export interface Followed {
  /** Of the last look. */
  readonly bytes: number;
  /** The set as of a moment after the call. Undefined: it cannot be followed any more and is to be read anew. */
  follow(): Promise<Found | undefined>;
  /** The set as of the last look, without another one. Undefined: it is likely to be out of date, as it was the last time. */
  glance(): Glance | undefined;
}

/** A set that may be out of date: whoever goes through it asks afterwards whether it was. */
export interface Glance {
  readonly set: WorkingSet;
  readonly asked: ChangesAsked;
  /** Nothing had changed when this look was made. */
  isCurrent(look: TenantLook): boolean;
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

/**
 * Reads a user's set, some rows at a time, so that nobody waits long for it; what changes meanwhile is told later. Undefined:
 * more rows than `ROWS_MAX`.
 */
export async function openFollowed(sources: Sources, place: Place): Promise<Followed | undefined> {
  const listed = await sources.rows.list(place.owner, ROWS_MAX);
  if (listed === undefined) return undefined;
  const { epoch } = listed;
  let { since } = listed;
  let set = await readSet(sources, place, listed.ids);
  /** Transactions from `since` on whose changes are in the set; they are told again. */
  let known: ReadonlySet<string> = new Set();

  /** Undefined: what is in the set cannot be made up for by changes. */
  const newIn = (looked: TenantLook, of: { readonly since: string; readonly known: ReadonlySet<string> }) => {
    const isBroken =
      looked.changes.length > TOLD_MAX ||
      looked.epoch !== epoch ||
      isBelow(looked.since, of.since) ||
      isBelow(of.since, looked.toldFrom);
    return isBroken ? undefined : looked.changes.filter(({ transaction }) => !of.known.has(transaction));
  };
  /** Nothing had changed between the last two looks. */
  let isQuiet = true;
  const moveOn = (looked: TenantLook): void => {
    known = new Set(looked.changes.map(({ transaction }) => transaction).filter((one) => !isBelow(one, looked.since)));
    since = looked.since;
  };
  const follow = createNextRun(async (): Promise<Found | undefined> => {
    const looked = await sources.look({ tenant: place.tenant, since });
    const fresh = newIn(looked, { since, known });
    if (fresh === undefined) return undefined;
    isQuiet = fresh.length === 0;
    if (!isQuiet) {
      const isTold = fresh.every((change) => change.ids !== undefined);
      const ids = new Set(fresh.flatMap((change) => change.ids ?? []));
      if (!isTold || ids.size > CHANGED_MAX) return undefined;
      const rows = await sources.rows.read(place.owner, [...ids]);
      const next = patch(set, ids, await withVectors(sources, place, rows));
      if (next.held.length > ROWS_MAX) return undefined;
      set = next;
    }
    moveOn(looked);
    return { set, talkWaits: looked.talkWaits };
  });
  const glance = (): Glance | undefined => {
    if (!isQuiet) return undefined;
    const seen = { set, since, known };
    return {
      set,
      asked: { tenant: place.tenant, since },
      isCurrent(looked) {
        const isCurrent = newIn(looked, seen)?.length === 0;
        isQuiet &&= isCurrent;
        // Unless somebody else has moved on meanwhile.
        if (isCurrent && set === seen.set && since === seen.since) moveOn(looked);
        return isCurrent;
      },
    };
  };
  return {
    follow,
    glance,
    get bytes() {
      return set.bytes;
    },
  };
}

async function readSet(sources: Sources, place: Place, ids: readonly string[]): Promise<WorkingSet> {
  const arrivals: Arrival[] = [];
  for (let from = 0; from < ids.length; from += READ_AT_ONCE) {
    const rows = await sources.rows.read(place.owner, ids.slice(from, from + READ_AT_ONCE));
    arrivals.push(...(await withVectors(sources, place, rows)));
  }
  return patch(emptySet(place.collection?.dims), new Set(), arrivals);
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
