import { EXTRACT_TOPIC } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { distinctUsers } from "./distinct-users.ts";

/*
 * The places of the truth that hold something of a person. A table that joins them is one more entry of PLACES: it is
 * erased at the request and once more for what was in flight, and counted whenever the proof is asked for.
 */

/** One place. Its statements find the erasure under $1 and join its record as `e`, so that times keep their microseconds. */
export interface ErasurePlace {
  readonly name: string;
  /** Erases what the person had before the request, while the record has the person's id; returns how many rows. */
  erase(tx: Executor, erasureId: string): Promise<number>;
  /** Rows from before the request that stand now. */
  count(db: Executor, erasureId: string): Promise<number>;
}

/** Rows of one statement: keeps transition tables small, and PGlite (which blocks the process) answering. */
const CHUNK = 500;

/** The erased ids in chunks. A cursor, because each page of a keyset would be planned for a table without statistics. */
async function* erasedIds(tx: Executor, erasureId: string): AsyncGenerator<readonly string[]> {
  await tx.query(
    "DECLARE erased NO SCROLL CURSOR FOR SELECT memory_id FROM engram.erased_ids WHERE erasure_id = $1::uuid",
    [erasureId],
  );
  for (;;) {
    const rows = await tx.query<{ memory_id: string }>(`FETCH ${CHUNK} FROM erased`);
    if (rows.length > 0) yield rows.map((row) => row.memory_id);
    if (rows.length < CHUNK) break;
  }
  await tx.query("CLOSE erased");
}

function countRows(db: Executor, statement: string, erasureId: string): Promise<number> {
  return db.query<{ n: number }>(statement, [erasureId]).then(([row]) => row?.n ?? 0);
}

/** The person of a record (alias `e`) whose id is gone from it: the user among those of the memories whose hash it is. */
export function userOf(e: string, table = "public.memories"): string {
  return `SELECT u.user_id FROM (${distinctUsers(table, `m.project_id = ${e}.project_id`)}) u
    WHERE engram.user_tenant(${e}.project_id, u.user_id) = ${e}.tenant`;
}

// What was changed since the request was written since: it is the person's again.
const COUNT_MEMORIES = `WITH e AS MATERIALIZED (
  SELECT e.project_id, e.requested_at, coalesce(e.user_id, (${userOf("e")})) AS user_id FROM engram.erasures e WHERE e.id = $1::uuid)
SELECT count(*)::int AS n FROM e JOIN public.memories m ON m.project_id = e.project_id AND m.user_id = e.user_id AND m.updated_at <= e.requested_at`;

const memories: ErasurePlace = {
  name: "memories",
  async erase(tx, erasureId) {
    let erased = 0;
    for await (const ids of erasedIds(tx, erasureId)) {
      // Not by equality: the primary key is the way to them, not the index on users, which leads to all of the person's.
      const rows = await tx.query(
        `DELETE FROM public.memories m USING engram.erasures e
         WHERE e.id = $1::uuid AND m.id = ANY($2::uuid[])
           AND (m.project_id, m.user_id) IS NOT DISTINCT FROM (e.project_id, e.user_id) RETURNING 1 AS one`,
        [erasureId, ids],
      );
      erased += rows.length;
    }
    return erased;
  },
  count: (db, erasureId) => countRows(db, COUNT_MEMORIES, erasureId),
};

// Of before the request, or of a memory that was erased: another's deletion may have been a moment faster.
const LINES = `engram.erasures e JOIN engram.history h ON h.tenant = e.tenant
WHERE e.id = $1::uuid AND (h.at <= e.requested_at OR EXISTS (
  SELECT FROM engram.erased_ids i WHERE i.erasure_id = e.id AND i.memory_id = h.memory_id))`;
const LINES_CHUNK = 5_000;

/** After the memories, whose deletion leaves lines of its own. */
const history: ErasurePlace = {
  name: "history",
  async erase(tx, erasureId) {
    for (let erased = 0; ;) {
      const rows = await tx.query(
        `DELETE FROM engram.history d USING (SELECT h.memory_id, h.version FROM ${LINES} LIMIT ${LINES_CHUNK}) chosen
         WHERE (d.memory_id, d.version) = (chosen.memory_id, chosen.version) RETURNING 1 AS one`,
        [erasureId],
      );
      erased += rows.length;
      if (rows.length < LINES_CHUNK) return erased;
    }
  },
  count: (db, erasureId) => countRows(db, `SELECT count(*)::int AS n FROM ${LINES}`, erasureId),
};

/**
 * Answers that are kept for a retry. Their rows stay, blank: without them a retry would write again what was erased. One
 * without a user names nobody.
 */
const answers: ErasurePlace = {
  name: "answers",
  async erase(tx, erasureId) {
    const rows = await tx.query(
      `UPDATE engram.idempotency k SET result = NULL, user_id = NULL, memory_id = NULL FROM engram.erasures e
       WHERE e.id = $1::uuid AND k.project_id = e.project_id AND k.user_id = e.user_id AND k.created_at <= e.requested_at RETURNING 1 AS one`,
      [erasureId],
    );
    return rows.length;
  },
  count: (db, erasureId) =>
    countRows(
      db,
      `WITH e AS MATERIALIZED (
         SELECT e.project_id, e.requested_at, coalesce(e.user_id, (${userOf("e", "engram.idempotency")})) AS user_id
         FROM engram.erasures e WHERE e.id = $1::uuid)
       SELECT count(*)::int AS n FROM e JOIN engram.idempotency k
         ON k.project_id = e.project_id AND k.user_id = e.user_id AND k.created_at <= e.requested_at`,
      erasureId,
    ),
};

/** A table whose rows are found by their owner, which is the person's tenant. */
function talkOf(name: "messages" | "events"): ErasurePlace {
  const theirs = "v.owner = e.tenant AND v.created_at <= e.requested_at";
  return {
    name,
    async erase(tx, erasureId) {
      const rows = await tx.query(
        `DELETE FROM engram.${name} v USING engram.erasures e WHERE e.id = $1::uuid AND ${theirs} RETURNING 1 AS one`,
        [erasureId],
      );
      return rows.length;
    },
    count: (db, erasureId) =>
      countRows(
        db,
        `SELECT count(*)::int AS n FROM engram.erasures e JOIN engram.${name} v ON ${theirs} WHERE e.id = $1::uuid`,
        erasureId,
      ),
  };
}

const events = talkOf("events");
const said = talkOf("messages");

/** What was said; with the last of it goes the wish to have it read. */
const messages: ErasurePlace = {
  ...said,
  async erase(tx, erasureId) {
    const erased = await said.erase(tx, erasureId);
    await tx.query(
      `DELETE FROM engram.outbox o USING engram.erasures e
       WHERE e.id = $1::uuid AND o.topic = '${EXTRACT_TOPIC}' AND o.key = e.tenant
         AND NOT EXISTS (SELECT FROM engram.messages m WHERE m.owner = e.tenant)`,
      [erasureId],
    );
    return erased;
  },
};

/** In the order in which they are erased: messages first, as whoever reads them takes their locks. */
export const PLACES: readonly ErasurePlace[] = [messages, events, memories, history, answers];

/**
 * Work for the erased memories. It is never taken away: each row ends with its effect, the point's deletion, done and
 * certain. `fair` finds work of before the request whose memory nobody remembers.
 */
export function countJobs(db: Executor, erasureId: string): Promise<number> {
  return countRows(
    db,
    `SELECT count(*)::int AS n FROM (
       SELECT o.topic, o.key FROM engram.erased_ids i JOIN engram.outbox o ON o.key = i.memory_id WHERE i.erasure_id = $1::uuid
       UNION
       SELECT o.topic, o.key FROM engram.erasures e JOIN engram.outbox o ON o.fair = e.fair AND o.created_at <= e.requested_at
       WHERE e.id = $1::uuid AND o.topic LIKE 'index:%' AND NOT EXISTS (SELECT FROM public.memories m WHERE m.id = o.key)) work`,
    erasureId,
  );
}
