import {
  CHANGES_MAX,
  type Change,
  type ChangesAsked,
  type CollectionRef,
  type RowsOwner,
  type SearchableRow,
  type SearchableRows,
  type TenantLook,
  type VectorIndex,
} from "../ports/index.ts";
import { createNextRun } from "./next-run.ts";
import { bytesOf, emptySet, patch, type Arrival, type WorkingSet } from "./working-set.ts";

/** A user with more has their memories searched where they are. */
export const ROWS_MAX = 10_000;
/** The same in numbers of vectors, 20 MB of them: a change copies them all, in some 20 ms. */
const NUMBERS_MAX = 5_000_000;
/** Rows of one statement. */
const READ_AT_ONCE = 500;
/** Of so many changed rows at once it is no longer cheaper to read them than all. */
const CHANGED_MAX = 1_000;

export interface Sources {
  readonly rows: SearchableRows;
  readonly index: Pick<VectorIndex, "readVectors">;
  /** As `rows.look`, for one of several that ask at once. */
  readonly look: (asked: ChangesAsked) => Promise<TenantLook>;
}

/** Whose set, and the live collection, if its vectors can be read. */
export interface Place {
  readonly owner: RowsOwner;
  readonly tenant: string;
  readonly collection: CollectionRef | undefined;
}

export interface Followed {
  /** Of the last look. */
  readonly bytes: number;
  /** The set as of a moment after the call. Undefined: it cannot be followed any more and is to be read anew. */
  follow(): Promise<Found | undefined>;
  /** The set as of the last look, without another one. Undefined: as it was then, it is likely not to do. */
  glance(): Glance | undefined;
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
export interface Glance extends Omit<Found, "talkWaits"> {
  readonly asked: ChangesAsked;
  /** Nothing had changed when this look was made, and no talk waited. */
  isCurrent(look: TenantLook): boolean;
}

/** What a look is compared with: the mark of the one before, and the transactions from there on that are in the set. */
interface Seen {
  readonly set: WorkingSet;
  readonly since: string;
  readonly known: ReadonlySet<string>;
}

/**
 * Reads a user's set, some rows at a time, so that nobody waits long for it; what changes meanwhile is told later. Undefined:
 * it is too large.
 */
export async function openFollowed(sources: Sources, place: Place, bytesMax: number): Promise<Followed | undefined> {
  const dims = place.collection?.dims ?? 0;
  const rowsMax = dims === 0 ? ROWS_MAX : Math.min(ROWS_MAX, Math.floor(NUMBERS_MAX / dims));
  const listed = await sources.rows.list(place.owner, rowsMax);
  if (listed === undefined || bytesOf(listed.ids.length, dims) > bytesMax) return undefined;
  const { epoch } = listed;
  let seen: Seen = {
    set: await readSet(sources, place, listed.ids),
    since: listed.since,
    known: new Set(listed.known),
  };
  /** Nothing had changed between the last two looks, and no talk waited. */
  let isQuiet = true;
  /** How far the database's clock is ahead of this process's. */
  let clockAheadMs = 0;

  const moveOn = (set: WorkingSet, look: TenantLook): void => {
    const told = look.changes.map(({ transaction }) => transaction);
    seen = { set, since: look.since, known: new Set(told.filter((one) => !isBelow(one, look.since))) };
    clockAheadMs = look.clock - Date.now();
  };
  const follow = createNextRun(async (): Promise<Found | undefined> => {
    const before = seen;
    const look = await sources.look({ tenant: place.tenant, since: before.since });
    const fresh = newIn(look, before, epoch);
    if (fresh === undefined) return undefined;
    let { set } = before;
    if (fresh.length > 0) {
      const ids = new Set(fresh.flatMap((change) => change.ids ?? []));
      if (fresh.some((change) => change.ids === undefined) || ids.size > CHANGED_MAX) return undefined;
      const rows = await sources.rows.read(place.owner, [...ids]);
      set = patch(set, ids, await withVectors(sources, place, rows));
      if (set.held.length > rowsMax) return undefined;
    }
    isQuiet = fresh.length === 0 && !look.talkWaits;
    moveOn(set, look);
    return { set, now: new Date(look.clock), talkWaits: look.talkWaits };
  });
  return {
    follow,
    glance() {
      if (!isQuiet) return undefined;
      const glanced = seen;
      return {
        set: glanced.set,
        now: new Date(Date.now() + clockAheadMs),
        asked: { tenant: place.tenant, since: glanced.since },
        isCurrent(look) {
          const isCurrent = newIn(look, glanced, epoch)?.length === 0 && !look.talkWaits;
          isQuiet &&= isCurrent;
          // Unless somebody else has moved on meanwhile.
          if (isCurrent && seen === glanced) moveOn(glanced.set, look);
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
function newIn(look: TenantLook, { since, known }: Seen, epoch: string): readonly Change[] | undefined {
  const isBroken =
    look.changes.length > CHANGES_MAX ||
    look.epoch !== epoch ||
    isBelow(look.since, since) ||
    isBelow(since, look.toldFrom);
  return isBroken ? undefined : look.changes.filter(({ transaction }) => !known.has(transaction));
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
