import { createGroupCommit } from "../group-commit.ts";
import type { Memory } from "../memory.ts";
import type { ChangesAsked, CollectionRef, SearchableRows, TenantPoll, VectorIndex } from "../ports/index.ts";
import { tenantOf, type MemoryFilter } from "../scope.ts";
import { createTurns } from "../turns.ts";
import { openReplica, type Replica, type Found, type Place, type Sources } from "./replica.ts";
import { ownerOf } from "./seen-rows.ts";
import type { WorkingSet } from "./working-set.ts";

/** Whoever is asked about a second time within this is held, and whoever is not asked about for as long no more. */
const IDLE_MS = 10 * 60_000;
/** Then a set is read anew, and after twice that given up: whatever went past all that follows the truth is seen by then. */
const AGE_MAX_MS = 15 * 60_000;
const SWEEP_EVERY_MS = 60_000;
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
   * The rows among `ids` under the filter. `isCurrent`: at that instant nothing had changed since the last poll, and no talk
   * waited.
   */
  join(
    ids: readonly string[],
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

interface Entry {
  readonly replica: Replica;
  readonly loadedAt: number;
  askedAt: number;
  /** As they are counted. */
  bytes: number;
}

/**
 * The memories of those who are asked about, held where the search runs. A set follows the truth: each search asks what has
 * changed since the last one, so it sees what was committed before it began, whoever wrote it. What it finds is joined to the
 * rows under the caller's filter like any other hit, so that a set can be wrong about an order, never about who may see
 * what. Least recently asked ones go when the sets take more than they may.
 *
 * To go through a set keeps the event loop for a millisecond or more. Where many ask at once each gets its set in a turn of its
 * own, so that rows that came for an earlier one are not left waiting behind all later ones: with eight askers the 95th
 * percentile is some three tenths above the median instead of six.
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
  const asked = new Map<string, { times: number; at: number }>();
  const loading = new Set<string>();
  let bytes = 0;
  const polls = createGroupCommit<ChangesAsked, TenantPoll>({
    choose: (waiting) => waiting,
    async write(group) {
      const { tenants, ...poll } = await rows.poll(group);
      return tenants.map((ofOne) => ({ ...poll, ...ofOne }));
    },
  });
  const turn = createTurns();
  const sources: Sources = { rows, index, poll: (one) => polls.put(one) };
  const sweeping = setInterval(() => {
    const before = now() - IDLE_MS;
    for (const [key, { askedAt }] of entries) if (askedAt < before) forget(key);
    for (const [key, { at }] of asked) if (at < before) asked.delete(key);
  }, SWEEP_EVERY_MS);
  sweeping.unref();

  async function load(key: string, place: Place): Promise<void> {
    if (loading.has(key) || loading.size >= LOADS_MAX || (isFull() && !entries.has(key))) return;
    loading.add(key);
    try {
      const replica = await openReplica(sources, place, bytesMax);
      const [loadedAt, askedAt] = [now(), now()];
      // Too large, which is to be tried again later only.
      if (replica === undefined || replica.bytes > bytesMax) asked.set(key, { times: -Infinity, at: loadedAt });
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

  /** Whoever comes would take the place of somebody who was asked about lately. */
  function isFull(): boolean {
    const [oldest] = entries.values();
    return oldest !== undefined && bytes + bytes / entries.size > bytesMax && now() - oldest.askedAt < LATELY_MS;
  }

  function forget(key: string): void {
    bytes -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
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
    const known = asked.get(key) ?? { times: 0, at: 0 };
    asked.delete(key);
    const one = { times: known.times + 1, at: known.times < 0 ? known.at : now() };
    asked.set(key, one);
    for (const oldest of asked.keys()) {
      if (asked.size <= ASKED_MAX) break;
      asked.delete(oldest);
    }
    return one.times;
  }

  const holding = (): Holding => ({ users: entries.size, bytes });

  /** Where a filter's set is, if there may be one. */
  function placeOf(filter: MemoryFilter, collection: CollectionRef | undefined) {
    const owner = bytesMax === 0 ? undefined : ownerOf(filter);
    if (owner === undefined) return undefined;
    const tenant = tenantOf({ ...owner, agentId: null });
    const vectorsOf = index.readVectors === undefined ? undefined : collection;
    return { key: `${tenant} ${vectorsOf?.name ?? ""}`, place: { owner, tenant, collection: vectorsOf } };
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
    const found = await entry.replica.catchUp();
    const age = now() - entry.loadedAt;
    if (entries.get(key) !== entry) return found;
    // One that cannot be read anew in time is given up.
    if (found === undefined || age > 2 * AGE_MAX_MS) forget(key);
    else {
      count(key);
      if (age > AGE_MAX_MS) void load(key, place);
    }
    return found;
  }

  return {
    async find(filter, collection) {
      const placed = placeOf(filter, collection);
      const found = placed && (await findOf(placed));
      if (bytesMax > 0) onLookup(placed === undefined ? "beyond" : found === undefined ? "absent" : "held", holding());
      if (found !== undefined) await turn();
      return found;
    },
    async peek(filter, collection) {
      const placed = placeOf(filter, collection);
      const entry = placed && touch(placed.key);
      // One that is too old is left to `find`.
      if (entry === undefined || now() - entry.loadedAt > AGE_MAX_MS) return undefined;
      await turn();
      const peek = entry.replica.peek();
      if (peek === undefined) return undefined;
      let isCounted = false;
      return {
        set: peek.set,
        now: peek.now,
        async join(ids, joined) {
          const { memories, poll } = await rows.join(ids, joined, peek.asked);
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
