import { LRUCache } from "lru-cache";
import { createGroupCommit } from "../group-commit.ts";
import type { Memory } from "../memory.ts";
import type {
  ChangesAsked,
  CollectionRef,
  RowsOwner,
  RowVersion,
  SearchableRows,
  TenantPoll,
  VectorIndex,
} from "../ports/index.ts";
import type { MemoryFilter } from "../scope.ts";
import { createTurns } from "../turns.ts";
import { openReplica, type Replica, type Found, type Place, type Sources } from "./replica.ts";
import { ownerOf } from "./seen-rows.ts";
import type { WorkingSet } from "./working-set.ts";

/** Whoever is asked about a second time within this is held, and whoever is not asked about for as long no more. */
const IDLE_MS = 10 * 60_000;
/** Then a set is read anew, and after twice that given up: whatever went past all that follows the truth is seen by then. */
const AGE_MAX_MS = 15 * 60_000;
const SWEEP_EVERY_MS = 60_000;
/** Sets that a sweep has catch up at once, in one statement. */
const SWEPT_AT_ONCE = 100;
/** Statements under way at once that tell of changes: one that hangs is not to hold all who ask. */
const POLLS_MAX = 4;
/** Sets that are read at once. */
const LOADS_MAX = 2;
/** Nobody has to make room who was asked about so lately: else as many users as do not fit would be read in turn. */
const LATELY_MS = 60_000;
/** Users of whom is known that they were asked about. */
const ASKED_MAX = 10_000;

export interface WorkingSets {
  /**
   * The set that a search under the filter goes through, with everything that was committed before the call. Undefined: none
   * is held, and the stores are to be asked. Throws what the truth throws.
   */
  find(filter: MemoryFilter, collection: CollectionRef | undefined): Promise<Found | undefined>;
  /** The same as of the last poll. Undefined: none is held. */
  peek(filter: MemoryFilter, collection: CollectionRef | undefined): Promise<SetPeek | undefined>;
  /** How many are held, and what they take. */
  readonly held: Holding;
  close(): void;
}

export interface SetPeek {
  readonly set: WorkingSet;
  /** By the database's clock. */
  readonly now: Date;
  /**
   * The rows among `ids` under the filter, of which `seen` tells what it lets through. `isCurrent`: at that instant nothing
   * had changed since the last poll, and no talk waited.
   */
  join(
    ids: readonly string[],
    seen: Uint8Array,
    filter: MemoryFilter,
  ): Promise<{ readonly memories: readonly Memory[]; readonly isCurrent: boolean }>;
}

export interface Holding {
  readonly users: number;
  readonly bytes: number;
}

/** Whether a search found its user's set; `beyond` asks for more than a set knows. */
export type Lookup = "held" | "absent" | "beyond";

export interface WorkingSetsOptions {
  readonly rows: SearchableRows;
  readonly index: Pick<VectorIndex, "readVectors">;
  /** What all sets together may take; 0: none is held. */
  readonly bytesMax: number;
  /** How often somebody must have been asked about to be held; 2 as a rule. */
  readonly admittedAt?: number;
  /** A set could not be read. */
  readonly onError?: (error: unknown) => void;
  readonly onLookup?: (lookup: Lookup, holding: Holding) => void;
  readonly now?: () => number;
}

/** A row whose contents are held. */
interface Kept extends RowVersion {
  readonly contents: string;
}

/** Undefined: not of all of them, or one is not seen. */
function contentsOf(
  { places, held }: WorkingSet,
  owner: RowsOwner,
  seen: Uint8Array,
  ids: readonly string[],
): readonly Kept[] | undefined {
  const kept: Kept[] = [];
  for (const id of ids) {
    const place = places.get(id) ?? -1;
    const { version, contents } = held[place] ?? {};
    if (seen[place] !== 1 || version === undefined || contents === undefined) return undefined;
    kept.push({ ...owner, id, version, contents });
  }
  return kept;
}

interface Entry {
  readonly replica: Replica;
  readonly loadedAt: number;
  askedAt: number;
  /** As they are counted. */
  bytes: number;
}

/**
 * The memories of those who are asked about, held where the search runs. A set follows the truth: each search asks what has
 * changed since the last one, so it sees what was committed before it began, whoever wrote it. Each memory of an answer is
 * looked up in the truth by its id and version, as every hit is: a set can be wrong about an order, never about what stands
 * and whose it is. Least recently asked ones go when the sets take more than they may.
 *
 * To go through a set keeps the event loop for a millisecond or more. Where many ask at once each gets its set in a turn of its
 * own, so that rows that came for an earlier one are not left waiting behind all later ones: with eight askers the 95th
 * percentile is some three tenths above the median instead of six. What they ask of the truth then is one statement for four.
 */
export function createWorkingSets({
  rows,
  index,
  bytesMax,
  admittedAt = 2,
  onError = () => undefined,
  onLookup = () => undefined,
  now = () => performance.now(),
}: WorkingSetsOptions): WorkingSets {
  /** In the order in which they were asked. */
  const entries = new Map<string, Entry>();
  /** How often each was asked about of late; never often enough: too large, which is to be tried again later only. */
  const asked = new LRUCache<string, number>({ max: ASKED_MAX, ttl: IDLE_MS, ttlResolution: 0, perf: { now } });
  const loading = new Set<string>();
  let bytes = 0;
  const polls = createGroupCommit<ChangesAsked, TenantPoll>({
    choose: (waiting) => waiting,
    inFlightMax: POLLS_MAX,
    async write(group) {
      const { tenants, ...poll } = await rows.poll(group);
      return tenants.map((ofOne) => ({ ...poll, ...ofOne }));
    },
  });
  const turns = createTurns();
  const sources: Sources = { rows, index, poll: (one) => polls.put(one) };
  const sweeping = setInterval(() => {
    const idle = now() - IDLE_MS;
    for (const [key, { askedAt }] of entries) if (askedAt < idle) forget(key);
    asked.purgeStale();
    void catchUpUnasked();
  }, SWEEP_EVERY_MS);
  sweeping.unref();

  async function load(key: string, place: Place): Promise<void> {
    if (loading.has(key) || loading.size >= LOADS_MAX || (isFull() && !entries.has(key))) return;
    loading.add(key);
    try {
      const replica = await openReplica(sources, place, bytesMax);
      const [loadedAt, askedAt] = [now(), now()];
      if (replica === undefined || replica.bytes > bytesMax) asked.set(key, -Infinity);
      else {
        asked.delete(key);
        forget(key);
        entries.set(key, { replica, loadedAt, askedAt, bytes: 0 });
        count(key);
      }
    } catch (error) {
      onError(error);
    } finally {
      loading.delete(key);
    }
  }

  /** Those of what is held that stand, each as it stands in the truth. */
  async function recheck(kept: readonly Kept[], asked: ChangesAsked) {
    await turns.gather();
    const poll = await polls.put({ ...asked, rows: kept });
    const memories = kept.flatMap(({ contents }, at) => {
      const standing = poll.standing[at];
      return standing === undefined ? [] : [rows.toMemory(contents, standing)];
    });
    return { memories, poll };
  }

  /** Whoever comes would take the place of somebody who was asked about lately. */
  function isFull(): boolean {
    const [oldest] = entries.values();
    return oldest !== undefined && bytes + bytes / entries.size > bytesMax && now() - oldest.askedAt < LATELY_MS;
  }

  function forget(key: string): void {
    bytes -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  }

  /** Where nobody asks, nobody would see that memories are gone: what was erased is not to stand here for longer than need be. */
  async function catchUpUnasked(): Promise<void> {
    const lately = now() - LATELY_MS;
    const unasked = [...entries].filter(([, { askedAt }]) => askedAt < lately);
    for (let from = 0; from < unasked.length; from += SWEPT_AT_ONCE) {
      const some = unasked.slice(from, from + SWEPT_AT_ONCE);
      // The next sweep or question tells what is the matter.
      await Promise.all(some.map(([key, entry]) => catchUp(key, entry).catch(() => undefined)));
    }
  }

  /** Undefined: it cannot any more, and is held no more. */
  async function catchUp(key: string, entry: Entry): Promise<Found | undefined> {
    const found = await entry.replica.catchUp();
    if (entries.get(key) !== entry) return found;
    if (found === undefined) forget(key);
    else count(key);
    return found;
  }

  /** What a set takes now; where that is too much, others go. */
  function count(key: string): void {
    const entry = entries.get(key);
    if (entry === undefined) return;
    bytes += entry.replica.bytes - entry.bytes;
    entry.bytes = entry.replica.bytes;
    for (const oldest of entries.keys()) {
      if (bytes <= bytesMax) return;
      forget(oldest);
    }
  }

  /** How often it was asked about of late. */
  function countAsked(key: string): number {
    const times = (asked.get(key) ?? 0) + 1;
    if (times > 0) asked.set(key, times);
    return times;
  }

  const holding = (): Holding => ({ users: entries.size, bytes });

  /** Where a filter's set is, if there may be one. */
  function placeOf(filter: MemoryFilter, collection: CollectionRef | undefined) {
    const owner = bytesMax === 0 ? undefined : ownerOf(filter);
    if (owner === undefined) return undefined;
    const vectorsOf = index.readVectors === undefined ? undefined : collection;
    const key = JSON.stringify([owner.projectId, owner.userId, vectorsOf?.name]);
    return { key, place: { owner, collection: vectorsOf } };
  }

  /** The last that was asked about. */
  function touch(key: string): Entry | undefined {
    const entry = entries.get(key);
    if (entry === undefined) return undefined;
    entries.delete(key);
    entries.set(key, entry);
    entry.askedAt = now();
    return entry;
  }

  async function findOf({ key, place }: { readonly key: string; readonly place: Place }): Promise<Found | undefined> {
    const entry = touch(key);
    if (entry === undefined) {
      if (countAsked(key) >= admittedAt) void load(key, place);
      return undefined;
    }
    const found = await catchUp(key, entry);
    const age = now() - entry.loadedAt;
    if (entries.get(key) !== entry) return found;
    // One that cannot be read anew in time is given up.
    if (age > 2 * AGE_MAX_MS) forget(key);
    else if (age > AGE_MAX_MS) void load(key, place);
    return found;
  }

  return {
    async find(filter, collection) {
      const placed = placeOf(filter, collection);
      const found = placed && (await findOf(placed));
      if (bytesMax > 0) onLookup(placed === undefined ? "beyond" : found === undefined ? "absent" : "held", holding());
      if (found !== undefined) await turns.take();
      return found;
    },
    async peek(filter, collection) {
      const placed = placeOf(filter, collection);
      const entry = placed && touch(placed.key);
      // One that is too old is left to `find`.
      if (placed === undefined || entry === undefined || now() - entry.loadedAt > AGE_MAX_MS) return undefined;
      await turns.take();
      const peek = entry.replica.peek();
      if (peek === undefined) return undefined;
      let isCounted = false;
      return {
        set: peek.set,
        now: peek.now,
        async join(ids, seen, joined) {
          const kept = contentsOf(peek.set, placed.place.owner, seen, ids);
          const { memories, poll } = await (kept === undefined
            ? rows.join(ids, joined, peek.asked)
            : recheck(kept, peek.asked));
          const isCurrent = peek.isCurrent(poll);
          if (isCurrent && !isCounted) onLookup("held", holding());
          isCounted ||= isCurrent;
          return { memories, isCurrent };
        },
      };
    },
    get held() {
      return holding();
    },
    close() {
      clearInterval(sweeping);
      entries.clear();
      bytes = 0;
    },
  };
}
