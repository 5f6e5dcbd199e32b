import {
  CHANGES_MAX,
  type Change,
  type ChangesAsked,
  type CollectionRef,
  type RowsOwner,
  type SearchableRow,
  type SearchableRows,
  type TenantPoll,
  type VectorIndex,
} from "../ports/index.ts";
import { tenantOf } from "../scope.ts";
import { strideOf } from "./dot-products.ts";
import { toFixedPoint } from "./fixed-point.ts";
import { createNextRun } from "./next-run.ts";
import { bytesOf, emptySet, patch, type Arrival, type WorkingSet } from "./working-set.ts";

/** A user with more has their memories searched where they are. */
export const ROWS_MAX = 10_000;
/** The same in numbers of vectors, 20 MB of them: a change copies them all (47 to 90 ms for three times as much). */
const NUMBERS_MAX = 10_000_000;
/** Rows of one statement. */
const READ_AT_ONCE = 500;
/** Of so many changed rows at once it is no longer cheaper to read them than all. */
const CHANGED_MAX = 1_000;

export interface Sources {
  readonly rows: SearchableRows;
  readonly index: Pick<VectorIndex, "readVectors">;
  /** As `rows.poll`, for one of several that ask at once. */
  readonly poll: (asked: ChangesAsked) => Promise<TenantPoll>;
}

/** Whose set, and the live collection, if its vectors can be read. */
export interface Place {
  readonly owner: RowsOwner;
  readonly collection: CollectionRef | undefined;
}

export interface Replica {
  /** Of the last poll. */
  readonly bytes: number;
  /** The set as of a moment after the call. Undefined: it cannot catch up any more and is to be read anew. */
  catchUp(): Promise<Found | undefined>;
  /** The set as of the last poll, without another one. Undefined: as it was then, it is likely not to do. */
  peek(): Peek | undefined;
}

/** A user's set as of one moment. */
export interface Found {
  readonly set: WorkingSet;
  /** That moment, by the database. */
  readonly now: Date;
  /** The user said something that is in no set, and is to be searched as messages. */
  readonly talkWaits: boolean;
}

/** A set that may be out of date: whoever goes through it asks afterwards whether it was. */
export interface Peek extends Omit<Found, "talkWaits"> {
  readonly asked: ChangesAsked;
  /** Nothing had changed when this poll was made, and no talk waited. */
  isCurrent(poll: TenantPoll): boolean;
}

/** What a poll is compared with: the mark of the one before, and the transactions from there on that are in the set. */
interface Seen {
  readonly set: WorkingSet;
  readonly since: string;
  readonly known: ReadonlySet<string>;
}

/**
 * Reads a user's set, some rows at a time, so that nobody waits long for it; what changes meanwhile is told later. Undefined:
 * it is too large.
 */
export async function openReplica(sources: Sources, place: Place, bytesMax: number): Promise<Replica | undefined> {
  const tenant = tenantOf({ ...place.owner, agentId: null });
  const dims = place.collection?.dims ?? 0;
  const rowsMax = dims === 0 ? ROWS_MAX : Math.min(ROWS_MAX, Math.floor(NUMBERS_MAX / dims));
  const listed = await sources.rows.list(place.owner, rowsMax);
  if (listed === undefined || bytesOf(listed.ids.length, dims) > bytesMax) return undefined;
  const { epoch } = listed;
  const set = await readSet(sources, place, listed.ids, bytesMax);
  if (set === undefined) return undefined;
  let seen: Seen = {
    set,
    since: listed.since,
    known: new Set(listed.known),
  };
  /** Nothing had changed between the last two polls, and no talk waited. */
  let isQuiet = true;
  /** How far the database's clock is ahead of this process's. */
  let clockAheadMs = 0;

  const moveOn = (set: WorkingSet, poll: TenantPoll): void => {
    const told = poll.changes.map(({ transaction }) => transaction);
    seen = { set, since: poll.since, known: new Set(told.filter((one) => !isBelow(one, poll.since))) };
    clockAheadMs = poll.clock - Date.now();
  };
  const catchUp = createNextRun(async (): Promise<Found | undefined> => {
    const before = seen;
    const poll = await sources.poll({ tenant, since: before.since });
    const fresh = newIn(poll, before, epoch);
    if (fresh === undefined) return undefined;
    let { set } = before;
    if (fresh.length > 0) {
      const ids = new Set(fresh.flatMap((change) => change.ids ?? []));
      if (fresh.some((change) => change.ids === undefined) || ids.size > CHANGED_MAX) return undefined;
      const rows = await sources.rows.read(place.owner, [...ids]);
      set = patch(set, ids, await withVectors(sources, place, rows));
      if (set.held.length > rowsMax) return undefined;
    }
    isQuiet = fresh.length === 0 && !poll.talkWaits;
    moveOn(set, poll);
    return { set, now: new Date(poll.clock), talkWaits: poll.talkWaits };
  });
  return {
    catchUp,
    peek() {
      if (!isQuiet) return undefined;
      const peeked = seen;
      return {
        set: peeked.set,
        now: new Date(Date.now() + clockAheadMs),
        asked: { tenant, since: peeked.since },
        isCurrent(poll) {
          const isCurrent = newIn(poll, peeked, epoch)?.length === 0 && !poll.talkWaits;
          isQuiet &&= isCurrent;
          // Unless somebody else has moved on meanwhile.
          if (isCurrent && seen === peeked) moveOn(peeked.set, poll);
          return isCurrent;
        },
      };
    },
    get bytes() {
      return seen.set.bytes;
    },
  };
}

/** The changes that are not in the set. Undefined: what is in the set cannot be made up for by changes. */
function newIn(poll: TenantPoll, { since, known }: Seen, epoch: string): readonly Change[] | undefined {
  const isBroken =
    poll.changes.length > CHANGES_MAX ||
    poll.epoch !== epoch ||
    isBelow(poll.since, since) ||
    isBelow(since, poll.toldFrom);
  return isBroken ? undefined : poll.changes.filter(({ transaction }) => !known.has(transaction));
}

/**
 * What a statement has read goes into the set before the next one: for ten thousand rows at once everybody would wait.
 * Undefined: their words and contents are too large.
 */
async function readSet(
  sources: Sources,
  place: Place,
  ids: readonly string[],
  bytesMax: number,
): Promise<WorkingSet | undefined> {
  let set = emptySet(place.collection?.dims);
  for (let from = 0; from < ids.length; from += READ_AT_ONCE) {
    const rows = await sources.rows.read(place.owner, ids.slice(from, from + READ_AT_ONCE));
    set = patch(set, NONE, await withVectors(sources, place, rows));
    if (set.bytes > bytesMax) return undefined;
  }
  return set;
}

const NONE: ReadonlySet<string> = new Set();

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
    const isOwn = stored?.version === row.version && stored.vector.length === collection.dims;
    return isOwn ? { row, vector: toFixedPoint(stored.vector, strideOf(collection.dims)) } : { row };
  });
}

/** Marks and transactions are numbers that grow, of up to 64 bits. */
const isBelow = (one: string, other: string): boolean => BigInt(one) < BigInt(other);
