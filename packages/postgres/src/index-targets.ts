import {
  collectionName,
  indexTopic,
  type Calibration,
  type EmbedderProbe,
  type IndexTarget,
  type IndexTargets,
  type TargetState,
} from "@engram/memory";
import type { Executor } from "@engram/sql";

interface TargetRow extends Record<string, unknown> {
  readonly name: string;
  readonly state: TargetState;
  readonly model: string | null;
  readonly dims: number | null;
  readonly calibration: Calibration | null;
}

const COLUMNS = "name, state, model, dims, calibration";

/** Memories that become work in one statement when a new model is adopted: bulk in chunks, PGlite blocks its process. */
const DIRTY_CHUNK = 500;

/** Which index follows the rows. */
export function createIndexTargets(db: Executor, options: { base: string }): IndexTargets {
  return {
    async live() {
      const [row] = await db.query<TargetRow>(`SELECT ${COLUMNS} FROM engram.index_targets WHERE state = 'live'`);
      if (row === undefined) throw new Error("engram.index_targets has no live row");
      return row;
    },
    adopt: (probe) => adopt(db, options.base, probe),
  };
}

async function adopt(
  db: Executor,
  base: string,
  probe: EmbedderProbe,
): Promise<{ target: IndexTarget; changed: boolean }> {
  const adopted = await db.transaction(async (tx) => {
    // Locked, so that of several workers that start at once one changes it and the rest agree.
    const [live] = await tx.query<TargetRow>(
      `SELECT ${COLUMNS} FROM engram.index_targets WHERE state = 'live' FOR UPDATE`,
    );
    if (live !== undefined && live.model === probe.model && live.dims === probe.dims)
      return { target: await calibrate(tx, live.name, probe), changed: false };
    if (live !== undefined && live.model === null)
      return { target: await calibrate(tx, live.name, probe), changed: false };
    await tx.query(
      "WITH old AS (UPDATE engram.index_targets SET state = 'retired' WHERE state = 'live' RETURNING 'index:' || name AS topic) DELETE FROM engram.outbox o USING old WHERE o.topic = old.topic",
    );
    const name = collectionName(base, probe.model, probe.dims);
    await tx.query(
      "INSERT INTO engram.index_targets (name, state) VALUES ($1, 'live') ON CONFLICT (name) DO UPDATE SET state = 'live'",
      [name],
    );
    return { target: await calibrate(tx, name, probe), changed: true };
  });
  if (adopted.changed) await dirtyAll(db, indexTopic(adopted.target.name));
  return adopted;
}

async function calibrate(tx: Executor, name: string, probe: EmbedderProbe): Promise<IndexTarget> {
  const [row] = await tx.query<TargetRow>(
    `UPDATE engram.index_targets SET model = $2, dims = $3::int, calibration = $4::jsonb WHERE name = $1 RETURNING ${COLUMNS}`,
    [name, probe.model, probe.dims, JSON.stringify(probe.calibration)],
  );
  if (row === undefined) throw new Error(`index target ${name} vanished`);
  return row;
}

/** A work row for every memory, in the slow lane. New writes make their own from the commit of `adopt` on. */
async function dirtyAll(db: Executor, topic: string): Promise<void> {
  let after = "00000000-0000-0000-0000-000000000000";
  for (;;) {
    const rows = await db.query<{ key: string }>(
      `INSERT INTO engram.outbox AS o (topic, key, fair, lane)
       SELECT $1, m.id, hashtext(m.project_id::text || coalesce(m.user_id, '')), 1 FROM public.memories m WHERE m.id > $2::uuid ORDER BY m.id LIMIT ${DIRTY_CHUNK}
       ON CONFLICT (topic, key) DO UPDATE SET gen = o.gen + 1 RETURNING o.key`,
      [topic, after],
    );
    const last = rows.map((row) => row.key).reduce((a, b) => (a > b ? a : b), after);
    if (rows.length < DIRTY_CHUNK) return;
    after = last;
  }
}
