import { collectionOf, indexTopic } from "./collection.ts";
import { toMemoryError } from "./errors.ts";
import { isUuid } from "./ids.ts";
import type { Actor, KeyedWrite } from "./memory.ts";
import type { Person } from "./people.ts";
import type { CollectionRef, IndexTarget, IndexTargets, VectorIndex } from "./ports/index.ts";
import type { StepBudget } from "./schedule.ts";
import { workBatch, type WorkDeps, type WorkOptions } from "./work.ts";

/** The scheduled job that brings erasures to their end; asking for a run of it saves the wait for the next one. */
export const ERASE_JOB = "erase";

/** The record of one person's erasure: what is left of the person when it is done, and nothing to read in it. */
export interface Erasure {
  readonly id: string;
  readonly projectId: string;
  /** The person's tenant (`tenantOf`), a hash: whoever knows the id can tell whose erasure it was. */
  readonly tenant: string;
  readonly requestedAt: Date;
  /** Since the request, by the truth's own clock. */
  readonly ageSeconds: number;
  readonly completedAt: Date | null;
  /** True once the writes that were in flight at the request have ended, and were erased too. */
  readonly swept: boolean;
  /** Rows that went, by the place where they stood. */
  readonly erased: Readonly<Record<string, number>>;
}

/** What the answer to a request tells; kept for whoever asks again with the same Idempotency-Key. */
export type ErasureReceipt = Pick<Erasure, "id" | "requestedAt" | "erased">;

/** The receipt that was kept as `KeptResult.value`. */
export function toErasureReceipt(value: unknown): ErasureReceipt {
  const { id, requestedAt, erased } = value as { id: string; requestedAt: string; erased: Record<string, number> };
  return { id, requestedAt: new Date(requestedAt), erased };
}

/**
 * The erasures of the truth. What a person had stands in places (`memories`, `history`, …), which are erased and counted
 * one like the other. Whatever is written after a request is new, and no erasure touches it.
 */
export interface Erasures {
  /** The places, by name. */
  readonly places: readonly string[];
  /**
   * Erases all that stands at this moment, in one commit: nothing of it is in any answer from then on. Under a key the
   * receipt is kept in that commit; throws `keyTaken`, with nothing erased, when the key is taken.
   */
  request(person: Person, actor: Actor, keyed?: KeyedWrite): Promise<Erasure>;
  get(projectId: string, id: string): Promise<Erasure | undefined>;
  /** Erasures that are not done, in the order of their ids. */
  running(page: { readonly limit: number; readonly after?: string }): Promise<readonly Erasure[]>;
  /** Rows from before the request that stand in a place at this moment. */
  count(place: string, erasure: Erasure): Promise<number>;
  /** Work for the index that is still to be done, or certain to have been done, for what was erased. */
  countJobs(erasure: Erasure): Promise<number>;
  /** Erases what was in flight at the request and has committed since. As it was given: some is in flight still. */
  sweep(erasure: Erasure): Promise<Erasure>;
  /** Those of the ids that no memory has. */
  withoutRow(ids: readonly string[]): Promise<readonly string[]>;
  /** Asks for a pass over points without a row; work that is under way or in trouble already is left alone. */
  touch(topic: string, erasure: Erasure, ids: readonly string[]): Promise<void>;
  complete(erasure: Erasure): Promise<void>;
}

export interface ErasureDeps {
  readonly erasures: Erasures;
  readonly targets: IndexTargets;
  readonly index: Pick<VectorIndex, "listTenant">;
  /** The base of the collections' names. */
  readonly base: string;
}

/** Ids of one look at the index. */
const PAGE = 1000;

/** What is left in one place; undefined: it could not be asked. */
export type Left = Readonly<Record<string, number | undefined>>;

/**
 * What is left of the person at this moment, by asking both stores. Work is counted before vectors: without work nothing
 * can land any more, so a point that is not seen after it never comes.
 */
export async function countLeft(deps: ErasureDeps, erasure: Erasure, signal: AbortSignal): Promise<Left> {
  const left: Record<string, number | undefined> = {};
  for (const place of deps.erasures.places) left[place] = await unlessAway(deps.erasures.count(place, erasure), signal);
  left["jobs"] = await unlessAway(deps.erasures.countJobs(erasure), signal);
  left["vectors"] = await unlessAway(countVectors(deps, erasure, signal), signal);
  return left;
}

/** Undefined: the store is away, or did not answer in time. */
async function unlessAway(count: Promise<number>, signal: AbortSignal): Promise<number | undefined> {
  try {
    return await count;
  } catch (error) {
    const { code } = toMemoryError(error);
    if (code === "unavailable" || code === "rate_limited" || signal.aborted) return undefined;
    throw error;
  }
}

async function countVectors(deps: ErasureDeps, erasure: Erasure, signal: AbortSignal): Promise<number> {
  let vectors = 0;
  for await (const { ids } of findVectors(deps, erasure, signal)) vectors += ids.length;
  return vectors;
}

/** A collection that holds points, or may: each once, though a target that has ended may share it with one that is followed. */
interface TargetCollection {
  readonly target: IndexTarget;
  readonly collection: CollectionRef;
}

async function collectionsOf({ targets, base }: ErasureDeps): Promise<readonly TargetCollection[]> {
  const collections = new Map<string, TargetCollection>();
  for (const target of await targets.list()) {
    const collection = collectionOf(base, target);
    if (collection === undefined) continue;
    const known = collections.get(collection.name);
    if (known === undefined || known.target.state === "retired")
      collections.set(collection.name, { target, collection });
  }
  return [...collections.values()];
}

/**
 * Points of the person that no row answers for, page by page. A point with a row belongs to what the person has written
 * since, or is counted as a memory.
 */
async function* findVectors(
  deps: ErasureDeps,
  { tenant }: Erasure,
  signal: AbortSignal,
): AsyncGenerator<{ readonly target: IndexTarget; readonly ids: readonly string[] }, undefined> {
  for (const { target, collection } of await collectionsOf(deps)) {
    let after: string | undefined;
    for (;;) {
      const query = { tenant, limit: PAGE, ...(after === undefined ? {} : { after }) };
      const page = (await deps.index.listTenant(collection, query, signal)) ?? [];
      const ids = page.length === 0 ? [] : await deps.erasures.withoutRow(page.filter(isUuid));
      if (ids.length > 0) yield { target, ids };
      after = page.at(-1);
      if (page.length < PAGE) break;
    }
  }
  return undefined;
}

export interface EraseDeps extends ErasureDeps, WorkDeps {
  readonly index: VectorIndex;
}

/**
 * One step towards the end of an erasure; true when it is done, which is when both stores, asked, have nothing left.
 *
 * Repeating it is safe: it only asks, deletes what is older than the request, and asks for passes of `converge`. Points
 * whose late upsert may still land keep their work row until the horizon (PROTOCOL.md, doubt), and with it the erasure.
 */
export async function eraseStep(
  deps: EraseDeps,
  given: Erasure,
  options: WorkOptions,
  budget: StepBudget,
): Promise<boolean> {
  const erasure = given.swept ? given : await deps.erasures.sweep(given);
  const jobs = await deps.erasures.countJobs(erasure);
  const { value: found } = await findVectors(deps, erasure, budget.signal).next();
  // What lies behind this page is looked at when it is gone.
  if (found !== undefined) await deps.erasures.touch(indexTopic(found.target.name), erasure, found.ids);
  const leftovers = await findLeftovers(deps, erasure, budget.signal);
  for (const { target, collection } of leftovers)
    await workLeftover(deps, { name: target.name, collection }, options, budget);
  const isCertain = erasure.swept && (leftovers.length === 0 || isPastDoubt(erasure, options));
  if (!isCertain || jobs > 0 || found !== undefined) return false;

  // Last, because it is dear; a transaction that began before the request may have written after the sweep.
  if ((await countRows(deps.erasures, erasure)) > 0) {
    await deps.erasures.sweep(erasure);
    return false;
  }
  await deps.erasures.complete(erasure);
  return true;
}

async function countRows(erasures: Erasures, erasure: Erasure): Promise<number> {
  let rows = 0;
  for (const place of erasures.places) rows += await erasures.count(place, erasure);
  return rows;
}

/** Collections whose target has ended and which stand all the same: whoever was to drop them died, or the index was away. */
async function findLeftovers(
  deps: ErasureDeps,
  { tenant }: Erasure,
  signal: AbortSignal,
): Promise<readonly TargetCollection[]> {
  const leftovers: TargetCollection[] = [];
  for (const one of await collectionsOf(deps)) {
    if (one.target.state !== "retired") continue;
    if ((await deps.index.listTenant(one.collection, { tenant, limit: 1 }, signal)) !== undefined) leftovers.push(one);
  }
  return leftovers;
}

/** No worker follows a target that has ended: what was touched there (points without a row, to be deleted) is worked here. */
async function workLeftover(
  deps: EraseDeps,
  target: { readonly name: string; readonly collection: CollectionRef },
  options: WorkOptions,
  budget: StepBudget,
): Promise<void> {
  while (!budget.spent()) if ((await workBatch(deps, target, options, budget.signal)) === undefined) return;
}

/** A target's work ends with it, and takes the knowledge of doubts along: they are waited out all the same. */
function isPastDoubt({ ageSeconds }: Erasure, { leaseSeconds, horizonSeconds }: WorkOptions): boolean {
  return ageSeconds > leaseSeconds + horizonSeconds;
}
