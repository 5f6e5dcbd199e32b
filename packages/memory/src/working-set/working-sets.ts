import { createGroupCommit } from "../group-commit.ts";
import type { Memory } from "../memory.ts";
import type {
  ChangesAsked,
  CollectionRef,
  KeptRow,
  RowsOwner,
  SearchableRows,
  TenantPoll,
  VectorIndex,
} from "../ports/index.ts";
import type { MemoryFilter } from "../scope.ts";
import { createTurns } from "../turns.ts";
import { createHeldSets, type Holding, type Placed } from "./held-sets.ts";
import type { Found, Sources } from "./replica.ts";
import { ownerOf } from "./seen-rows.ts";
import type { WorkingSet } from "./working-set.ts";

/** Statements under way at once that tell of changes: one that hangs is not to hold all who ask. */
const POLLS_MAX = 4;

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

/** Undefined: not of all of them, or one is not seen. */
function contentsOf(
  { places, held }: WorkingSet,
  owner: RowsOwner,
  seen: Uint8Array,
  ids: readonly string[],
): readonly KeptRow[] | undefined {
  const kept: KeptRow[] = [];
  for (const id of ids) {
    const place = places.get(id) ?? -1;
    const { version, contents } = held[place] ?? {};
    if (seen[place] !== 1 || version === undefined || contents === undefined) return undefined;
    kept.push({ ...owner, id, version, contents });
  }
  return kept;
}

/**
 * The memories of those who are asked about, held where the search runs. A set follows the truth: each search asks what has
 * changed since the last one, so it sees what was committed before it began, whoever wrote it. Each memory of an answer is
 * looked up in the truth by its id and version, as every hit is: a set can be wrong about an order, never about what stands
 * and whose it is.
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
  const sets = createHeldSets({ sources, bytesMax, admittedAt, onError, now });

  /** Those of what is held that stand, each as it stands in the truth. */
  async function recheck(kept: readonly KeptRow[], asked: ChangesAsked) {
    await turns.gather();
    const poll = await polls.put({ ...asked, rows: kept });
    const memories = kept.flatMap((row, at) => {
      const standing = poll.standing[at];
      return standing === undefined ? [] : [rows.toMemory(row, standing)];
    });
    return { memories, poll };
  }

  /** Where a filter's set is, if there may be one. */
  function placeOf(filter: MemoryFilter, collection: CollectionRef | undefined): Placed | undefined {
    const owner = bytesMax === 0 ? undefined : ownerOf(filter);
    if (owner === undefined) return undefined;
    const vectorsOf = index.readVectors === undefined ? undefined : collection;
    const key = JSON.stringify([owner.projectId, owner.userId, vectorsOf?.name]);
    return { key, place: { owner, collection: vectorsOf } };
  }

  return {
    async find(filter, collection) {
      const placed = placeOf(filter, collection);
      const found = placed && (await sets.find(placed));
      if (bytesMax > 0)
        onLookup(placed === undefined ? "beyond" : found === undefined ? "absent" : "held", sets.holding);
      if (found !== undefined) await turns.take();
      return found;
    },
    async peek(filter, collection) {
      const placed = placeOf(filter, collection);
      const replica = placed && sets.peek(placed.key);
      if (placed === undefined || replica === undefined) return undefined;
      await turns.take();
      const peek = replica.peek();
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
          if (isCurrent && !isCounted) onLookup("held", sets.holding);
          isCounted ||= isCurrent;
          return { memories, isCurrent };
        },
      };
    },
    get held() {
      return sets.holding;
    },
    close: () => sets.close(),
  };
}
