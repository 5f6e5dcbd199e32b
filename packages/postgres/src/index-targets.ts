import {
  collectionName,
  indexTopic,
  type Calibration,
  type EmbedderProbe,
  type IndexTarget,
  type IndexTargets,
  type TargetProgress,
  type TargetState,
} from "@engram/memory";
import type { Executor } from "@engram/sql";

interface TargetRow extends Record<string, unknown> {
  readonly name: string;
  readonly state: TargetState;
  readonly model: string | null;
  readonly dims: number | null;
  readonly requested_dims: number | null;
  readonly calibration: Calibration | null;
  readonly filled_at: Date | null;
  readonly retire_at: Date | null;
}

const COLUMNS = "name, state, model, dims, requested_dims, calibration, filled_at, retire_at";
const FOLLOWED = `SELECT ${COLUMNS} FROM engram.index_targets WHERE state <> 'retired' ORDER BY state = 'live' DESC, name`;

/** Which index follows the rows. */
export function createIndexTargets(db: Executor, options: { base: string }): IndexTargets {
  return {
    async live() {
      const [target] = await followed(db);
      if (target?.state !== "live") throw new Error("engram.index_targets has no live row");
      return target;
    },
    followed: () => followed(db),
    list: async () =>
      (await db.query<TargetRow>(`SELECT ${COLUMNS} FROM engram.index_targets ORDER BY name`)).map(toTarget),
    adopt: (probe) => adopt(db, options.base, probe),
    backfill: (name, limit) => backfill(db, name, limit),
    progress: (name) => progress(db, name),
    promote: (name, { keepSeconds }) => promote(db, name, keepSeconds),
    async giveUp(name) {
      await db.query(
        "UPDATE engram.index_targets SET retire_at = clock_timestamp() WHERE name = $1 AND state = 'filling'",
        [name],
      );
    },
    retire: (name) => retire(db, name),
  };
}

async function followed(db: Executor): Promise<readonly IndexTarget[]> {
  return (await db.query<TargetRow>(FOLLOWED)).map(toTarget);
}

function adopt(db: Executor, base: string, probe: EmbedderProbe): Promise<IndexTarget> {
  return db.transaction(async (tx) => {
    // Locked, so that of several workers that start at once one changes it and the rest agree.
    const targets = await tx.query<TargetRow>(`${FOLLOWED} FOR UPDATE`);
    const standing = targets.find((one) => one.model === probe.model && one.dims === probe.dims);
    const fresh = targets.find((one) => one.model === null);
    const known = standing ?? fresh;
    return known === undefined ? begin(tx, base, probe) : agree(tx, known.name, probe);
  });
}

/** A target that stands, brought up to what the probe says; one that was replaced is wanted again. */
async function agree(tx: Executor, name: string, probe: EmbedderProbe): Promise<IndexTarget> {
  const rows = await tx.query<TargetRow>(
    `UPDATE engram.index_targets SET model = $2, dims = $3::int, requested_dims = $4::int, calibration = $5::jsonb, retire_at = NULL
     WHERE name = $1 RETURNING ${COLUMNS}`,
    [name, probe.model, probe.dims, probe.requestedDims, JSON.stringify(probe.calibration)],
  );
  return only(rows, name);
}

/** One that starts empty. From this commit on the triggers give every change a work row in it. */
async function begin(tx: Executor, base: string, probe: EmbedderProbe): Promise<IndexTarget> {
  const name = collectionName(base, probe.model, probe.dims);
  await tx.query("DELETE FROM engram.outbox WHERE topic = $1", [indexTopic(name)]);
  const rows = await tx.query<TargetRow>(
    `INSERT INTO engram.index_targets (name, state, model, dims, requested_dims, calibration) VALUES ($1, 'filling', $2, $3::int, $4::int, $5::jsonb)
     ON CONFLICT (name) DO UPDATE SET state = 'filling', model = excluded.model, dims = excluded.dims, requested_dims = excluded.requested_dims,
       calibration = excluded.calibration, created_xid = pg_current_xact_id(), cursor_id = NULL, filled_at = NULL, retire_at = NULL, live_since = NULL
     RETURNING ${COLUMNS}`,
    [name, probe.model, probe.dims, probe.requestedDims, JSON.stringify(probe.calibration)],
  );
  return only(rows, name);
}

// Only when every transaction that may not have seen the target has ended: until then a row could commit behind the
// cursor without its trigger knowing of the target. A cluster that was restored counts from the beginning again.
const BACKFILL = `WITH target AS MATERIALIZED (
  SELECT name, cursor_id, pg_snapshot_xmin(pg_current_snapshot()) > created_xid AS alone FROM engram.index_targets
  WHERE name = $1 AND state = 'filling' AND filled_at IS NULL FOR UPDATE),
chunk AS MATERIALIZED (
  SELECT m.id, m.project_id, m.user_id FROM target t, public.memories m
  WHERE t.alone AND (t.cursor_id IS NULL OR m.id > t.cursor_id) ORDER BY m.id LIMIT $2::int),
work AS (
  INSERT INTO engram.outbox (topic, key, fair, lane)
  SELECT 'index:' || $1, c.id, hashtext(c.project_id::text || coalesce(c.user_id, '')), 1 FROM chunk c ORDER BY 2 ON CONFLICT DO NOTHING),
moved AS (
  UPDATE engram.index_targets i SET
    cursor_id = coalesce((SELECT id FROM chunk ORDER BY id DESC LIMIT 1), i.cursor_id),
    filled_at = CASE WHEN (SELECT count(*) FROM chunk) < $2::int THEN clock_timestamp() END
  FROM target t WHERE i.name = t.name AND t.alone RETURNING i.filled_at)
SELECT t.alone, (SELECT count(*) FROM chunk)::int AS rows FROM target t`;

async function backfill(db: Executor, name: string, limit: number): Promise<"waiting" | "more" | "filled"> {
  await db.query(
    "UPDATE engram.index_targets SET created_xid = pg_current_xact_id() WHERE name = $1 AND created_xid > pg_snapshot_xmax(pg_current_snapshot())",
    [name],
  );
  const [row] = await db.query<{ alone: boolean; rows: number }>(BACKFILL, [name, limit]);
  if (row === undefined) return "filled";
  if (!row.alone) return "waiting";
  return row.rows < limit ? "filled" : "more";
}

const PROGRESS = `SELECT (SELECT count(*) FROM public.memories WHERE expires_at IS NULL OR expires_at > statement_timestamp())::int AS rows,
  (count(*) FILTER (WHERE parked_at IS NULL AND NOT (lease IS NULL AND attempts = 0 AND doubt_until IS NOT NULL AND due_at >= doubt_until)))::int AS pending,
  (count(*) FILTER (WHERE parked_at IS NOT NULL AND discarded_at IS NULL))::int AS parked, count(*)::int AS work
FROM engram.outbox WHERE topic = $1`;

async function progress(db: Executor, name: string): Promise<TargetProgress> {
  const [row] = await db.query<{ rows: number; pending: number; parked: number; work: number }>(PROGRESS, [
    indexTopic(name),
  ]);
  return row ?? { rows: 0, pending: 0, parked: 0, work: 0 };
}

function promote(db: Executor, name: string, keepSeconds: number): Promise<boolean> {
  return db.transaction(async (tx) => {
    const targets = await tx.query<TargetRow>(`${FOLLOWED} FOR UPDATE`);
    if (!targets.some((one) => one.name === name && one.state === "filling")) return false;
    // First the old one: at every moment at most one is live.
    await tx.query(
      "UPDATE engram.index_targets SET state = 'filling', live_since = NULL, filled_at = coalesce(filled_at, now()), retire_at = clock_timestamp() + $1::float8 * interval '1 s' WHERE state = 'live'",
      [keepSeconds],
    );
    await tx.query(
      "UPDATE engram.index_targets SET state = 'live', live_since = clock_timestamp(), retire_at = NULL WHERE name = $1",
      [name],
    );
    return true;
  });
}

/** A writer that still took the target for followed may leave work behind: each retirement clears all such leftovers. */
async function retire(db: Executor, name: string): Promise<boolean> {
  const rows = await db.query(
    "UPDATE engram.index_targets SET state = 'retired', retire_at = NULL WHERE name = $1 AND state = 'filling' RETURNING 1 AS one",
    [name],
  );
  await db.query(
    "DELETE FROM engram.outbox o USING engram.index_targets t WHERE t.state = 'retired' AND o.topic = 'index:' || t.name",
  );
  return rows.length > 0;
}

function only(rows: readonly TargetRow[], name: string): IndexTarget {
  const [row] = rows;
  if (row === undefined) throw new Error(`index target ${name} vanished`);
  return toTarget(row);
}

function toTarget(row: TargetRow): IndexTarget {
  return {
    name: row.name,
    state: row.state,
    model: row.model,
    dims: row.dims,
    requestedDims: row.requested_dims,
    calibration: row.calibration,
    filledAt: row.filled_at,
    retireAt: row.retire_at,
  };
}
