import {
  EVENT_TYPE,
  NEIGHBOURED_MAX,
  NEIGHBOURS,
  TALK_GAP_SECONDS,
  type TextCandidates,
  type MemoryFilter,
  type TextHits,
} from "@engram/memory";
import { filterSql, Values, type Executor } from "@engram/sql";

/** So many of the user's memories are looked at for them, since two sessions may be told at once. */
const NEIGHBOURS_SEEN = 12;

/**
 * A user's sessions of which something was found, each with the ids of the events that were told in it, in that order, and
 * apart from them those of the statements, so that what is beside a turn is a turn; events that were told outside of all
 * sessions with the seconds of when.
 */
export type TalkColumns = readonly (readonly [ids: readonly string[], seconds: readonly number[] | null])[];

/** The candidates with who stands beside the best of them; of those that are `far` the database is asked. */
export async function withNeighbours(
  db: Executor,
  filter: MemoryFilter,
  candidates: TextCandidates,
  talks: TalkColumns,
  far: ReadonlySet<string>,
): Promise<TextCandidates & Pick<TextHits, "neighbours">> {
  const ids = [...candidates.ids];
  const best = Array.from(candidates.hits)
    .slice(0, NEIGHBOURED_MAX)
    .map((hit) => [ids[hit] ?? "", hit] as const);
  const asked = best.map(([id]) => id).filter((id) => far.has(id));
  const beside = neighboursIn(talks, new Set(best.map(([id]) => id)));
  if (asked.length > 0)
    for (const [id, neighbours] of await readNeighbours(db, filter, asked)) beside.set(id, neighbours);

  const places = new Map(ids.map((id, place) => [id, place]));
  const placeOf = (id: string): number => {
    const place = places.get(id) ?? ids.push(id) - 1;
    places.set(id, place);
    return place;
  };
  const pairs = best.flatMap(([id, hit]) => {
    const { before, after } = beside.get(id) ?? ALONE;
    return [
      ...before.map((other, at) => ({ hit, other: placeOf(other), step: -1 - at })),
      ...after.map((other, at) => ({ hit, other: placeOf(other), step: 1 + at })),
    ];
  });
  const neighbours = {
    hits: pairs.map(({ hit }) => hit),
    others: pairs.map(({ other }) => other),
    steps: pairs.map(({ step }) => step),
  };
  return { ...candidates, ids, neighbours };
}

/** Who stands beside one, the nearest first. */
interface Beside {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

const ALONE: Beside = { before: [], after: [] };

function neighboursIn(talks: TalkColumns, wanted: ReadonlySet<string>): Map<string, Beside> {
  const beside = new Map<string, Beside>();
  for (const talk of talks)
    for (const [at, id] of talk[0].entries())
      if (wanted.has(id)) beside.set(id, { before: takeBeside(talk, at, -1), after: takeBeside(talk, at, 1) });
  return beside;
}

function takeBeside([ids, seconds]: TalkColumns[number], at: number, step: -1 | 1): readonly string[] {
  const isNear = (other: number): boolean =>
    seconds === null || Math.abs((seconds[other] ?? 0) - (seconds[at] ?? 0)) < TALK_GAP_SECONDS;
  const taken: string[] = [];
  for (let n = 1; n <= NEIGHBOURS; n++) {
    const neighbour = ids[at + step * n];
    if (neighbour !== undefined && isNear(at + step * n)) taken.push(neighbour);
  }
  return taken;
}

interface NeighboursRow extends Record<string, unknown> {
  readonly id: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

async function readNeighbours(
  db: Executor,
  filter: MemoryFilter,
  ids: readonly string[],
): Promise<readonly (readonly [string, Beside])[]> {
  const values = new Values();
  const condition = filterSql(filter, values);
  const eventType = values.add(EVENT_TYPE);
  const rows = await db.query<NeighboursRow>(
    `SELECT b.id, ${besideSql(condition, eventType, "before")} AS before, ${besideSql(condition, eventType, "after")} AS after
     FROM public.memories b WHERE b.id = ANY (${values.add(ids)}::uuid[])`,
    values.list,
  );
  return rows.map(({ id, before, after }) => [id, { before, after }]);
}

/** The ids of those of its kind told beside row `b` in its session, the nearest first, as a JSON array. */
function besideSql(condition: string, eventType: string, side: "before" | "after"): string {
  const [comparison, direction, gap] =
    side === "before"
      ? ["<", "DESC", `m.created_at > b.created_at - interval '${TALK_GAP_SECONDS} s'`]
      : [">", "ASC", `m.created_at < b.created_at + interval '${TALK_GAP_SECONDS} s'`];
  return `to_jsonb(ARRAY(SELECT n.id FROM (
      SELECT m.id, m.session_id, m.type, m.created_at, ${gap} AS is_near FROM public.memories m
      WHERE ${condition} AND m.user_id = b.user_id AND m.project_id = b.project_id AND (m.created_at, m.id) ${comparison} (b.created_at, b.id)
      ORDER BY m.created_at ${direction}, m.id ${direction} LIMIT ${NEIGHBOURS_SEEN}) n
    WHERE (n.type = ${eventType}) = (b.type = ${eventType})
      AND CASE WHEN b.session_id IS NULL THEN n.session_id IS NULL AND n.is_near AND b.type = ${eventType} ELSE n.session_id = b.session_id END
    ORDER BY n.created_at ${direction}, n.id ${direction} LIMIT ${NEIGHBOURS}))`;
}
