import {
  tenantOf,
  uuidv7,
  type Actor,
  type Erasure,
  type ErasureReceipt,
  type Erasures,
  type KeyedWrite,
  type Person,
} from "@engram/memory";
import { Values, type Executor } from "@engram/sql";
import { keepAnswer } from "./kept-answers.ts";
import { countJobs, PLACES, userOf, type ErasurePlace } from "./erasure-places.ts";
import { racing } from "./racing.ts";

interface ErasureRow extends Record<string, unknown> {
  readonly id: string;
  readonly project_id: string;
  readonly tenant: string;
  readonly requested_at: Date;
  readonly age_seconds: number;
  readonly completed_at: Date | null;
  readonly swept: boolean;
  readonly erased: Record<string, number>;
}

const COLUMNS = `id, project_id, tenant, requested_at, extract(epoch FROM clock_timestamp() - requested_at)::float8 AS age_seconds,
  completed_at, user_id IS NULL AS swept, erased`;

/** The erasures in PostgreSQL. */
export function createErasures(db: Executor): Erasures {
  return {
    places: PLACES.map((place) => place.name),
    async request(person, actor, keyed) {
      const erasure = await racing(() => db.transaction((tx) => request(tx, person, actor, keyed)));
      // It stands by now; where this fails the first sweep does it.
      await db.query(NOTE_IN_FLIGHT, [erasure.id]).catch(() => []);
      return erasure;
    },
    async get(projectId, id) {
      const [row] = await db.query<ErasureRow>(
        `SELECT ${COLUMNS} FROM engram.erasures WHERE id = $1::uuid AND project_id = $2::uuid`,
        [id, projectId],
      );
      return row === undefined ? undefined : toErasure(row);
    },
    async running({ limit, after }) {
      const rows = await db.query<ErasureRow>(
        `SELECT ${COLUMNS} FROM engram.erasures WHERE completed_at IS NULL AND ($1::uuid IS NULL OR id > $1::uuid) ORDER BY id LIMIT $2::int`,
        [after ?? null, limit],
      );
      return rows.map(toErasure);
    },
    count: (place, erasure) => placeNamed(place).count(db, erasure.id),
    countJobs: (erasure) => countJobs(db, erasure.id),
    sweep: (erasure) => racing(() => db.transaction((tx) => sweep(tx, erasure))),
    async withoutRow(ids) {
      const rows = await db.query<{ id: string }>(
        "SELECT i.id FROM unnest($1::uuid[]) AS i (id) WHERE NOT EXISTS (SELECT FROM public.memories m WHERE m.id = i.id)",
        [ids],
      );
      return rows.map((row) => row.id);
    },
    async touch(topic, erasure, ids) {
      await db.query(TOUCH, [topic, erasure.id, ids]);
    },
    async complete(erasure) {
      await db.query(
        `WITH ids AS (DELETE FROM engram.erased_ids WHERE erasure_id = $1::uuid),
         e AS MATERIALIZED (SELECT tenant FROM engram.erasures WHERE id = $1::uuid),
         -- That all has changed is told without an id.
         told AS (DELETE FROM engram.changes c USING e WHERE c.tenant = e.tenant),
         anew AS (INSERT INTO engram.changes (tenant) SELECT e.tenant FROM e)
         UPDATE engram.erasures SET completed_at = clock_timestamp() WHERE id = $1::uuid AND completed_at IS NULL`,
        [erasure.id],
      );
    },
  };
}

async function request(
  tx: Executor,
  { projectId, userId }: Person,
  actor: Actor,
  keyed: KeyedWrite | undefined,
): Promise<Erasure> {
  const id = uuidv7();
  const tenant = tenantOf({ projectId, userId, agentId: null });
  await tx.query("SELECT set_config('engram.request_id', $1::text, true)", [actor.requestId ?? ""]);
  await tx.query(
    `INSERT INTO engram.erasures (id, project_id, tenant, fair, user_id, actor)
     VALUES ($1::uuid, $2::uuid, $3::uuid, hashtext($2::uuid::text || $4::text), $4::text, $5)`,
    [id, projectId, tenant, userId, actor.name],
  );
  // All that is seen by this one statement, and nothing that others commit while the chunks are deleted.
  await tx.query(collect("true"), [id]);
  const erasure = await erasePlaces(tx, id, "user_id");
  if (keyed !== undefined) await keepReceipt(tx, erasure, keyed);
  return erasure;
}

/** The answer is nobody's: it names an erasure and no person. */
async function keepReceipt(
  tx: Executor,
  { id, projectId, requestedAt, erased }: Erasure,
  keyed: KeyedWrite,
): Promise<void> {
  const values = new Values();
  const receipt = JSON.stringify({ id, requestedAt, erased } satisfies ErasureReceipt);
  const answer = `SELECT ${values.add(projectId)}::uuid AS project_id, NULL::text AS user_id, NULL::uuid AS memory_id,
    json_build_object('value', ${values.add(receipt)}::json) AS result`;
  await tx.query(`WITH ${keepAnswer(keyed, values, answer)} SELECT 1 AS one`, values.list);
}

/**
 * Writes that were in flight at the request began before it and became visible after it. Once every transaction of that
 * time has ended, the person's id has done its service; what turns up later all the same is found by its hash.
 */
async function sweep(tx: Executor, erasure: Erasure): Promise<Erasure> {
  if ((await tx.query(NOTE_IN_FLIGHT, [erasure.id])).length > 0) return erasure;
  if ((await tx.query(IS_SETTLED, [erasure.id])).length === 0) return erasure;
  if (erasure.swept) await tx.query(FIND_USER, [erasure.id]);
  await tx.query(collect("m.updated_at <= e.requested_at"), [erasure.id]);
  return erasePlaces(tx, erasure.id, "NULL");
}

// The number of a transaction that begins after the request has ended: whatever was in flight at the request is below it.
const NOTE_IN_FLIGHT = `UPDATE engram.erasures SET in_flight_below = pg_current_xact_id()
WHERE id = $1::uuid AND in_flight_below IS NULL RETURNING 1 AS one`;

// A number from beyond the present is that of another cluster, from which this one was restored: it is long ended.
const IS_SETTLED = `SELECT 1 AS one FROM engram.erasures WHERE id = $1::uuid AND completed_at IS NULL
  AND (in_flight_below < pg_snapshot_xmin(pg_current_snapshot()) OR in_flight_below >= pg_snapshot_xmax(pg_current_snapshot()))
FOR UPDATE`;

const FIND_USER = `UPDATE engram.erasures e SET user_id = (${userOf("e")}) WHERE e.id = $1::uuid AND e.user_id IS NULL`;

/** Notes the ids of memories that `condition` lets through, and of those that are in the history alone. */
function collect(condition: string): string {
  return `INSERT INTO engram.erased_ids (erasure_id, memory_id)
    SELECT e.id, m.id FROM engram.erasures e JOIN public.memories m ON m.project_id = e.project_id AND m.user_id = e.user_id
    WHERE e.id = $1::uuid AND ${condition}
    UNION
    SELECT e.id, h.memory_id FROM engram.erasures e JOIN engram.history h ON h.tenant = e.tenant AND h.at <= e.requested_at
    WHERE e.id = $1::uuid AND NOT EXISTS (SELECT FROM public.memories m WHERE m.id = h.memory_id)
    ON CONFLICT DO NOTHING`;
}

async function erasePlaces(tx: Executor, id: string, userIdAfterwards: "user_id" | "NULL"): Promise<Erasure> {
  const erased: Record<string, number> = {};
  for (const place of PLACES) erased[place.name] = await place.erase(tx, id);
  const [row] = await tx.query<ErasureRow>(
    `UPDATE engram.erasures e SET user_id = ${userIdAfterwards}, erased = (
       SELECT jsonb_object_agg(n.key, n.value::int + coalesce((e.erased ->> n.key)::int, 0)) FROM jsonb_each_text($2::jsonb) n)
     WHERE id = $1::uuid RETURNING ${COLUMNS}`,
    [id, JSON.stringify(erased)],
  );
  if (row === undefined) throw new Error("an erasure vanished");
  return toErasure(row);
}

// New work, or a pass that only waits out a doubt, brought forward: what is seen now need not stand until the horizon. Other
// rows are not even locked, for an acknowledgement would pass over them; the second look is at a row that came meanwhile.
const TOUCH = `INSERT INTO engram.outbox AS o (topic, key, fair, lane)
SELECT $1::text, i.id, e.fair, 0 FROM engram.erasures e, unnest($3::uuid[]) AS i (id) WHERE e.id = $2::uuid AND NOT EXISTS (
  SELECT FROM engram.outbox w WHERE w.topic = $1::text AND w.key = i.id
    AND (w.lease IS NOT NULL OR w.attempts > 0 OR w.parked_at IS NOT NULL OR w.due_at <= statement_timestamp())) ORDER BY 2
ON CONFLICT (topic, key) DO UPDATE SET gen = o.gen + 1, due_at = excluded.due_at
WHERE o.lease IS NULL AND o.attempts = 0 AND o.parked_at IS NULL AND o.due_at > excluded.due_at`;

function placeNamed(name: string): ErasurePlace {
  const place = PLACES.find((one) => one.name === name);
  if (place === undefined) throw new Error(`no place ${name}`);
  return place;
}

function toErasure(row: ErasureRow): Erasure {
  return {
    id: row.id,
    projectId: row.project_id,
    tenant: row.tenant.replaceAll("-", ""),
    requestedAt: row.requested_at,
    ageSeconds: row.age_seconds,
    completedAt: row.completed_at,
    swept: row.swept,
    erased: row.erased,
  };
}
