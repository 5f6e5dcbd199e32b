import { setTimeout as sleep } from "node:timers/promises";
import { list, searchRecent } from "./reads.ts";
import type { Hand } from "./hand.ts";
import { ALL, type Journal } from "./journal.ts";
import { idOf, uuidOf } from "./memory-id.ts";
import { stopGracefully } from "./process-faults.ts";
import { DRAIN_SECONDS, HORIZON_SECONDS } from "./settings.ts";
import type { Stack } from "./stack.ts";
import type { Row, Truth } from "./truth.ts";
import { compare, examples, readPoints } from "./vectors.ts";
import type { Witness } from "./witness.ts";

const ID_CHARS = 30;
const LOOK_EVERY_MS = 200;

export interface VerdictDeps {
  readonly stack: Stack;
  readonly truth: Truth;
  readonly journal: Journal;
  readonly witness: Witness;
}

/** How both stores stood when all was quiet. */
export interface Quiet {
  /** From the last write until no work row was left. */
  readonly secondsToDrain: number;
  readonly rows: number;
  readonly points: number;
}

/** Waits until no work is left, unaided, and until nothing that was abandoned can still land. */
export async function drain({ truth, journal }: VerdictDeps): Promise<number> {
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  let drained: number | undefined;
  while (drained === undefined) {
    const left = await truth.backlog();
    if (left === 0) drained = seconds();
    else if (seconds() > HORIZON_SECONDS + DRAIN_SECONDS) {
      const rows = await truth.rows("SELECT * FROM engram.outbox LIMIT 5");
      journal.violate("the backlog did not drain", ALL, `${left} left: ${JSON.stringify(rows)}`);
      drained = seconds();
    } else await sleep(LOOK_EVERY_MS);
  }
  await sleep(Math.max(0, HORIZON_SECONDS - seconds()) * 1000);
  return drained;
}

/** Rows and points, asked of both stores directly: the same, and nothing doubled or left over. */
export async function compareStores({
  stack,
  truth,
  journal,
  witness,
}: VerdictDeps): Promise<Omit<Quiet, "secondsToDrain">> {
  const rows = await truth.rows<Row>(
    "SELECT id, user_id, version::float8 AS version, content, valid_to IS NOT NULL AS is_retired FROM public.memories",
  );
  const points = await readPoints(stack.qdrant.url, stack.collection);
  const { missing, stale, orphans } = compare(rows, points);
  const found = [...missing, ...stale, ...orphans];
  if (found.length > 0)
    journal.violate(
      "rows and vectors differ",
      ALL,
      `missing ${examples(missing)}, stale ${examples(stale)}, orphans ${examples(orphans)}`,
      found[0]?.slice(0, ID_CHARS),
    );
  for (const { check, sql } of DOUBLES) {
    const doubled = await truth.rows(sql);
    if (doubled.length > 0) journal.violate(check, ALL, JSON.stringify(doubled.slice(0, 5)));
  }
  const gone = witness.goneIds.map(uuidOf);
  const risen = await truth.rows<{ id: string }>("SELECT id FROM public.memories WHERE id = ANY($1::uuid[])", [gone]);
  if (risen.length > 0) journal.violate("a deleted row is there", ALL, examples(risen.map((row) => idOf(row.id))));
  const told = await truth.rows<{ id: string }>(
    "SELECT memory_id AS id FROM engram.history WHERE memory_id = ANY($1::uuid[]) AND snapshot IS NOT NULL",
    [gone],
  );
  if (told.length > 0)
    journal.violate("a deleted memory's content is in its history", ALL, examples(told.map((row) => idOf(row.id))));
  return { rows: rows.length, points: points.length };
}

const DOUBLES = [
  {
    check: "two live rows in one slot",
    sql: `SELECT user_id, level, key, count(*)::int AS n FROM public.memories WHERE key IS NOT NULL AND valid_to IS NULL AND type <> 'interaction'
      GROUP BY user_id, level, CASE level WHEN 'session' THEN session_id WHEN 'agent' THEN agent_id END, key HAVING count(*) > 1`,
  },
  {
    check: "one state in two rows",
    sql: `SELECT user_id, level, type, content, count(*)::int AS n FROM public.memories WHERE valid_to IS NULL AND type <> 'interaction'
      GROUP BY user_id, level, CASE level WHEN 'session' THEN session_id WHEN 'agent' THEN agent_id END, type, key, content HAVING count(*) > 1`,
  },
  { check: "work was parked", sql: "SELECT key, error FROM engram.outbox WHERE parked_at IS NOT NULL" },
] as const;

/** Every user whose writer knows it, once more over HTTP. */
export async function compareModels(hands: readonly Hand[]): Promise<void> {
  for (const hand of hands) {
    await list(hand);
    await searchRecent(hand);
  }
}

/** Ends all of `role` gracefully, under whatever load there is. */
export async function stopAll({ stack, journal }: VerdictDeps, role: "api" | "worker"): Promise<void> {
  const chosen = stack.services.filter((service) => service.role === role);
  await Promise.all(chosen.map((service) => stopGracefully(service, journal)));
}
