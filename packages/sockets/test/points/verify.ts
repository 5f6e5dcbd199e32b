import { EVENT_TYPE, search, type Conditioned, type SearchRequest } from "@engram/memory";
import type { Installation } from "./installations.ts";
import { mayShow, sayingOf, sharesWord } from "./oracle.ts";
import type { Random } from "./random.ts";
import { makeRequest } from "./requests.ts";
import type { World } from "./spoil.ts";

/** What is wrong with an answer, and the search that got it. */
export interface Fault {
  readonly kind: "wrong hit" | "unfilled" | "degraded";
  readonly detail: string;
  readonly request: SearchRequest;
}

export interface Verdict {
  readonly searches: number;
  readonly hits: number;
  /** Answers that had as many hits as were asked for. */
  readonly full: number;
  readonly faults: readonly Fault[];
}

const AT_ONCE = 4;
const FAULTS_MAX = 100;

/** Asks at random, and holds every answer against a plain evaluation of all rows. */
export async function verifySearches(
  installation: Installation,
  world: World,
  random: Random,
  searches: number,
): Promise<Verdict> {
  const faults: Fault[] = [];
  const counts = { asked: 0, hits: 0, full: 0 };
  const asker = async (): Promise<void> => {
    while (counts.asked < searches && faults.length < FAULTS_MAX) {
      counts.asked += 1;
      const request = makeRequest(random);
      const { memories, degraded } = await search(installation.search, request);
      counts.hits += memories.length;
      if (memories.length === request.limit) counts.full += 1;
      const found = [...judge(world, request, memories), ...(await judgeThreshold(installation, request, memories))];
      if (degraded.length > 0) found.push({ kind: "degraded", detail: degraded.map(({ code }) => code).join() });
      faults.push(...found.map((fault) => ({ ...fault, request })));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, asker));
  return { searches: counts.asked, hits: counts.hits, full: counts.full, faults };
}

/** So many that all is among them. */
const ALL = 1_000;

/**
 * What passes a threshold is told by the scores of a search without one, whose hits are judged by themselves, where vectors
 * answer alone. A score to which words add depends on how far the index was asked: of these it cannot be told.
 */
async function judgeThreshold(
  installation: Installation,
  request: SearchRequest,
  hits: readonly Hit[],
): Promise<Omit<Fault, "request">[]> {
  const { query, limit, threshold } = request;
  if (threshold === 0 || query?.includes(" ") === true) return [];
  const { memories } = await search(installation.search, { ...request, threshold: 0, limit: ALL });
  const expected = Math.min(limit, memories.filter(({ score }) => score >= threshold).length);
  if (hits.length >= expected) return [];
  return [{ kind: "unfilled", detail: `${hits.length} hits of ${expected} past ${threshold}` }];
}

type Hit = Pick<Conditioned, "id" | "version" | "content"> & { readonly score: number };

function judge(world: World, request: SearchRequest, hits: readonly Hit[]): Omit<Fault, "request">[] {
  const { filter, query, limit, threshold } = request;
  const now = new Date();
  const allowed = new Map(world.rows.filter((row) => mayShow(row, filter, now)).map((row) => [row.id, row]));
  const wrong = (detail: string): Omit<Fault, "request"> => ({ kind: "wrong hit", detail });
  const faults = hits.flatMap(({ id, version, content, score }) => {
    const row = allowed.get(id);
    if (row === undefined) return [wrong(`${id} may not be shown`)];
    if (row.version !== version || row.content !== content) return [wrong(`${id} is not as its row says`)];
    if (score < threshold) return [wrong(`${id} lies below the threshold`)];
    // Where no memory has a word of the question, only its own point may have brought it.
    if (query !== undefined && !query.includes(" ") && !world.current.has(id))
      return [wrong(`${id} was brought by a point of another version`)];
    return [];
  });
  if (hits.length > limit) faults.push(wrong(`${hits.length} of at most ${limit}`));
  // Without a question every event counts; else what says the same stands once.
  const keyOf = (row: Pick<Conditioned, "id" | "userId" | "type" | "content">): string =>
    query === undefined && row.type === EVENT_TYPE ? row.id : sayingOf(row);
  const shown = hits.flatMap(({ id }) => allowed.get(id) ?? []).map(keyOf);
  if (new Set(shown).size < shown.length) faults.push(wrong("the same twice"));
  if (threshold > 0) return faults;
  const findable = [...allowed.values()].filter(
    ({ id, content }) => query === undefined || world.sound.has(id) || sharesWord(content, query),
  );
  const there = new Set(findable.map(keyOf)).size;
  if (hits.length < Math.min(limit, there))
    faults.push({ kind: "unfilled", detail: `${hits.length} hits of ${Math.min(limit, there)}` });
  return faults;
}
