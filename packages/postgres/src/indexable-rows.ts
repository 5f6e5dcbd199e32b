import { tenantOf, type ExaminedRow, type IndexableRows, type RowState } from "@engram/memory";
import type { Executor } from "@engram/sql";

interface StateRow extends Record<string, unknown> {
  readonly id: string;
  readonly version: number;
  readonly project_id: string;
  readonly user_id: string | null;
  readonly agent_id: string | null;
  readonly hash: string;
  readonly expired: boolean;
}

interface ExaminedStateRow extends StateRow {
  readonly key: string;
  readonly work: ExaminedRow["work"];
}

// The hash is made where the content is (`contentHash` is its other half), so that no content crosses the wire.
const STATE = `m.id, m.version, m.project_id, m.user_id, m.agent_id,
  encode(substring(sha256(convert_to(m.content, 'UTF8')) FOR 8), 'hex') AS hash,
  coalesce(m.expires_at <= statement_timestamp(), false) AS expired`;

const SCAN = `SELECT ${STATE} FROM public.memories m WHERE $1::uuid IS NULL OR m.id > $1::uuid ORDER BY m.id LIMIT $2::int`;

const EXAMINE = `SELECT k.key, ${STATE},
  CASE WHEN o.key IS NULL THEN 'none' WHEN o.parked_at IS NULL THEN 'waiting' ELSE 'parked' END AS work
FROM unnest($2::uuid[]) AS k (key) LEFT JOIN public.memories m ON m.id = k.key
LEFT JOIN engram.outbox o ON o.topic = 'index:' || $1::text AND o.key = k.key`;

// Never dirties what is there: a work row that stands is on its way already, or parked for somebody to look at.
const TOUCH = `INSERT INTO engram.outbox (topic, key, fair, lane)
SELECT 'index:' || t.name, d.id, coalesce(hashtext(m.project_id::text || coalesce(m.user_id, '')), 0), 1
FROM unnest($2::uuid[], $3::bigint[]) AS d (id, version)
JOIN engram.index_targets t ON t.name = $1 AND t.state <> 'retired'
LEFT JOIN public.memories m ON m.id = d.id
WHERE m.version IS NOT DISTINCT FROM d.version ORDER BY d.id
ON CONFLICT (topic, key) DO NOTHING RETURNING key`;

/** Work rows of one statement: bulk goes in chunks, PGlite blocks its process. */
const TOUCH_CHUNK = 500;

// The margin is more than can be written between the look at the sequence and its change, which are no one step.
const ADVANCE = `SELECT setval('engram.memory_version', $1::bigint + 1000000) FROM engram.memory_version
WHERE last_value - (NOT is_called)::int < $1::bigint`;

/** Rows beside the index, in PostgreSQL. */
export function createIndexableRows(db: Executor): IndexableRows {
  return {
    async scan({ after, limit }) {
      return (await db.query<StateRow>(SCAN, [after ?? null, limit])).map(toState);
    },
    async examine(target, ids) {
      const rows = await db.query<ExaminedStateRow>(EXAMINE, [target, ids]);
      return rows.map((row) => ({ id: row.key, row: isThere(row) ? toState(row) : undefined, work: row.work }));
    },
    async touch(target, seen) {
      const touched: string[] = [];
      for (let from = 0; from < seen.length; from += TOUCH_CHUNK) {
        const chunk = seen.slice(from, from + TOUCH_CHUNK);
        const versions = chunk.map(({ version }) => (version === null ? null : String(version)));
        const rows = await db.query<{ key: string }>(TOUCH, [target, chunk.map(({ id }) => id), versions]);
        touched.push(...rows.map((row) => row.key));
      }
      return touched;
    },
    async advanceVersions(version) {
      return (await db.query(ADVANCE, [version])).length > 0;
    },
  };
}

function isThere(row: { readonly id: string | null }): boolean {
  return row.id !== null;
}

function toState(row: StateRow): RowState {
  return {
    id: row.id,
    version: row.version,
    tenant: tenantOf({ projectId: row.project_id, userId: row.user_id, agentId: row.agent_id }),
    hash: row.hash,
    expired: row.expired,
  };
}
