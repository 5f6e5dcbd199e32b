import {
  EXTRACT_TOPIC,
  MemoryError,
  type ExtractionBatch,
  type ExtractionClaim,
  type ExtractionLimits,
  type Extractions,
  type ExtractionWishes,
  type KeptFact,
  type Metadata,
} from "@engram/memory";
import type { Executor } from "@engram/sql";
import { racing } from "../racing.ts";
import { keepFacts, type Kept } from "./keep-facts.ts";
import { MESSAGE_COLUMNS, toMessage, type MessageRow } from "./messages.ts";

/** What the worker does with talk, in PostgreSQL. */
export function createExtractions(db: Executor): Extractions {
  return {
    read: (owner, limits) => read(db, owner, limits),
    settle: (claim, messages, facts) =>
      unlessLost(() => racing(() => db.transaction((tx) => settle(tx, claim, messages, facts)))),
    refuse: (claim, message, attemptsMax) =>
      unlessLost(() => racing(() => db.transaction((tx) => refuse(tx, claim, message, attemptsMax)))),
    done: (claim) => unlessLost(() => answer(db, claim)),
  };
}

interface BatchRow extends MessageRow {
  readonly wishes: ExtractionWishes;
  readonly metadata: Metadata;
  readonly memory_expires_at: Date | null;
  readonly request_id: string | null;
}

/*
 * The session of the oldest message that waits, as far as wishes and metadata are one; of the turns of a call either all
 * or, where they are too many, the first.
 */
const READ = `WITH first AS MATERIALIZED (
  SELECT m.session_id, m.agent_id, m.id, e.wishes, e.metadata, e.memory_expires_at FROM engram.messages m JOIN engram.events e ON e.id = m.event_id
  WHERE m.owner = $1::uuid AND m.extracted_at IS NULL AND m.failed_at IS NULL ORDER BY m.id LIMIT 1),
waiting AS (
  SELECT m.*, e.wishes, e.metadata, e.memory_expires_at, sum(octet_length(m.content)) OVER (ORDER BY m.id) AS bytes, row_number() OVER (ORDER BY m.id) AS n
  FROM first f JOIN engram.messages m ON m.owner = $1::uuid AND m.extracted_at IS NULL AND m.failed_at IS NULL
    AND m.session_id IS NOT DISTINCT FROM f.session_id AND m.agent_id IS NOT DISTINCT FROM f.agent_id
  JOIN engram.events e ON e.id = m.event_id AND e.wishes = f.wishes AND e.metadata = f.metadata AND e.memory_expires_at IS NOT DISTINCT FROM f.memory_expires_at)
SELECT ${MESSAGE_COLUMNS}, m.wishes, m.metadata, m.memory_expires_at, m.request_id FROM waiting m
WHERE m.n = 1 OR (m.n <= $2::int AND m.bytes <= $3::bigint) ORDER BY m.id`;

const BEFORE = `SELECT ${MESSAGE_COLUMNS} FROM engram.messages m
WHERE m.owner = $1::uuid AND m.session_id IS NOT DISTINCT FROM $2::text AND m.id < $3::uuid AND m.extracted_at IS NOT NULL AND m.content <> ''
ORDER BY m.id DESC LIMIT $4::int`;

async function read(
  db: Executor,
  owner: string,
  { messagesMax, bytesMax, beforeMax }: ExtractionLimits,
): Promise<ExtractionBatch | undefined> {
  const rows = await db.query<BatchRow>(READ, [owner, messagesMax, bytesMax]);
  const [first] = rows;
  if (first === undefined) return undefined;
  const before = await db.query<MessageRow>(BEFORE, [owner, first.session_id, first.id, beforeMax]);
  return {
    speaker: {
      projectId: first.project_id,
      userId: first.user_id,
      agentId: first.agent_id,
      sessionId: first.session_id,
    },
    messages: rows.map(toMessage),
    before: before.map(toMessage).toReversed(),
    wishes: first.wishes,
    metadata: first.metadata,
    expiresAt: first.memory_expires_at,
    requestIds: [...new Set(rows.flatMap((row) => row.request_id ?? []))],
  };
}

/** Thrown to undo everything: somebody else has the work, or the talk is not what it was. */
class Lost extends MemoryError {
  constructor(why: string) {
    super("internal", "Internal error", { cause: new Error(why) });
  }
}

async function unlessLost(work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof Lost) return false;
    throw error;
  }
}

// In the order in which writers take their locks (messages, memories, outbox), so that the two do not wait in a circle.
async function settle(
  tx: Executor,
  claim: ExtractionClaim,
  messages: readonly string[],
  facts: readonly KeptFact[],
): Promise<void> {
  const marked = await tx.query(
    `UPDATE engram.messages SET extracted_at = now() WHERE id = ANY ($1::uuid[]) AND owner = $2::uuid AND extracted_at IS NULL AND failed_at IS NULL
     RETURNING 1 AS one`,
    [messages, claim.owner],
  );
  if (marked.length !== messages.length) throw new Lost("a message is gone, or another worker's by now");
  await tx.query("SELECT set_config('engram.actor', 'extraction', true)");
  const kept = await keepFacts(tx, facts);
  await completeEvents(tx, claim.owner, messages, kept);
  await endSessions(tx, claim.owner, messages);
  await answer(tx, claim);
}

/** Sessions whose last event is done, and not failed: what they had of their own is not needed any more. */
async function endSessions(tx: Executor, owner: string, messages: readonly string[]): Promise<void> {
  await tx.query(
    `DELETE FROM public.memories m USING engram.events e
     WHERE e.owner = $1::uuid AND e.ends_session AND e.completed_at IS NOT NULL AND e.error IS NULL AND e.message_ids && $2::uuid[]
       AND m.level = 'session' AND m.session_id = e.session_id AND m.project_id = e.project_id AND m.user_id IS NOT DISTINCT FROM e.user_id
       AND m.created_at <= e.created_at`,
    [owner, messages],
  );
}

/** An event gets what came of any of its messages, and is complete when none of them waits. */
async function completeEvents(
  tx: Executor,
  owner: string,
  messages: readonly string[],
  kept: readonly Kept[],
): Promise<void> {
  await tx.query(
    `UPDATE engram.events e SET started_at = coalesce(e.started_at, now()),
       results = e.results || coalesce((
         SELECT jsonb_agg(jsonb_build_object('id', k.id, 'event', k.event) ORDER BY k.n)
         FROM ROWS FROM (json_to_recordset($3::json) AS (id uuid, event text, messages uuid[])) WITH ORDINALITY AS k (id, event, messages, n)
         WHERE k.messages && e.message_ids), '[]'),
       completed_at = CASE WHEN NOT EXISTS (
         SELECT FROM engram.messages m WHERE m.id = ANY (e.message_ids) AND m.extracted_at IS NULL AND m.failed_at IS NULL) THEN clock_timestamp() END,
       error = (SELECT 'invalid: the model''s answer about a message could not be read; the message stays as it is' FROM engram.messages m
         WHERE m.id = ANY (e.message_ids) AND m.failed_at IS NOT NULL LIMIT 1)
     WHERE e.owner = $1::uuid AND e.completed_at IS NULL AND e.message_ids && $2::uuid[]`,
    [owner, messages, JSON.stringify(kept)],
  );
}

async function refuse(tx: Executor, claim: ExtractionClaim, message: string, attemptsMax: number): Promise<void> {
  await tx.query(
    `UPDATE engram.messages SET attempts = attempts + 1, failed_at = CASE WHEN attempts + 1 >= $2::int THEN now() END
     WHERE id = $1::uuid AND extracted_at IS NULL`,
    [message, attemptsMax],
  );
  await completeEvents(tx, claim.owner, [message], []);
  await answer(tx, claim);
}

/** The work row goes when nothing waits any more; else it is due at once, for the next batch. */
async function answer(tx: Executor, { owner, token }: ExtractionClaim): Promise<void> {
  const rows = await tx.query(
    `WITH mine AS (SELECT o.topic, o.key FROM engram.outbox o WHERE o.topic = '${EXTRACT_TOPIC}' AND o.key = $1::uuid AND o.lease = $2::uuid FOR UPDATE),
     waits AS (SELECT EXISTS (SELECT FROM engram.messages m WHERE m.owner = $1::uuid AND m.extracted_at IS NULL AND m.failed_at IS NULL) AS any FROM mine),
     gone AS (DELETE FROM engram.outbox o USING mine, waits WHERE (o.topic, o.key) = (mine.topic, mine.key) AND NOT waits.any RETURNING 1),
     kept AS (UPDATE engram.outbox o SET lease = NULL, attempts = 0, error = NULL, doubt_until = NULL, due_at = clock_timestamp()
       FROM mine, waits WHERE (o.topic, o.key) = (mine.topic, mine.key) AND waits.any RETURNING 1)
     SELECT 1 AS one FROM gone UNION ALL SELECT 1 FROM kept`,
    [owner, token],
  );
  if (rows.length === 0) throw new Lost("the lease is another's");
}
