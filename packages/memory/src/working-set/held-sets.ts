import { LRUCache } from "lru-cache";
import { openReplica, type Found, type Place, type Replica, type Sources } from "./replica.ts";

/** Whoever is asked about a second time within this is held, and whoever is not asked about for as long no more. */
const IDLE_MS = 10 * 60_000;
/** Then a set is read anew, and after twice that given up: whatever went past all that follows the truth is seen by then. */
const AGE_MAX_MS = 15 * 60_000;
const SWEEP_EVERY_MS = 60_000;
/** Sets that a sweep has catch up at once, in one statement. */
const SWEPT_AT_ONCE = 100;
/** Sets that are read at once. */
const LOADS_MAX = 2;
/** Nobody has to make room who was asked about so lately: else as many users as do not fit would be read in turn. */
const LATELY_MS = 60_000;
/** Users of whom is known that they were asked about. */
const ASKED_MAX = 10_000;

/** Whose set, and the name that it is kept under. */
export interface Placed {
  readonly key: string;
  readonly place: Place;
}

export interface HeldSets {
  /**
   * The set as of a moment after the call. Undefined: it is not held; whoever is asked about often enough is from then on.
   * Throws what the truth throws.
   */
  find(placed: Placed): Promise<Found | undefined>;
  /** The set to look at as it is. Undefined: it is not held, or so old that `find` is to see to it. */
  peek(key: string): Replica | undefined;
  /** How many are held, and what they take. */
  readonly holding: Holding;
  close(): void;
}

export interface Holding {
  readonly users: number;
  readonly bytes: number;
}

export interface HeldSetsOptions {
  readonly sources: Sources;
  /** What all sets together may take. */
  readonly bytesMax: number;
  /** How often somebody must have been asked about to be held. */
  readonly admittedAt: number;
  /** A set could not be read. */
  readonly onError: (error: unknown) => void;
  readonly now: () => number;
}

interface Entry {
  readonly replica: Replica;
  readonly loadedAt: number;
  askedAt: number;
  /** As they are counted. */
  bytes: number;
}

/** Who is held, and for how long. Least recently asked ones go when the sets take more than they may. */
export function createHeldSets({ sources, bytesMax, admittedAt, onError, now }: HeldSetsOptions): HeldSets {
  /** In the order in which they were asked. */
  const entries = new Map<string, Entry>();
  /** How often each was asked about of late; never often enough: too large, which is to be tried again later only. */
  const asked = new LRUCache<string, number>({ max: ASKED_MAX, ttl: IDLE_MS, ttlResolution: 0, perf: { now } });
  const loading = new Set<string>();
  let bytes = 0;
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

  /** The last that was asked about. */
  function touch(key: string): Entry | undefined {
    const entry = entries.get(key);
    if (entry === undefined) return undefined;
    entries.delete(key);
    entries.set(key, entry);
    entry.askedAt = now();
    return entry;
  }

  return {
    async find({ key, place }) {
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
    },
    peek(key) {
      const entry = touch(key);
      return entry === undefined || now() - entry.loadedAt > AGE_MAX_MS ? undefined : entry.replica;
    },
    get holding() {
      return { users: entries.size, bytes };
    },
    close() {
      clearInterval(sweeping);
      entries.clear();
      bytes = 0;
    },
  };
}
