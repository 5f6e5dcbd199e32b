import {
  backoffSeconds,
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
    settle: (claim, messages, facts, options) =>
      unlessLost(() => racing(() => db.transaction((tx) => settle(tx, claim, { messages, facts, ...options })))),
    narrow: (claim, messages, options) =>
      unlessLost(() => racing(() => db.transaction((tx) => narrow(tx, claim, messages, options)))),
    refuse: (claim, message, attemptsMax) =>
      unlessLost(() => racing(() => db.transaction((tx) => refuse(tx, claim, message, attemptsMax)))),
    done: (claim) => unlessLost(() => db.transaction((tx) => answer(tx, claim))),
  };
}

interface BatchRow extends MessageRow {
  readonly wishes: ExtractionWishes | null;
  readonly metadata: Metadata | null;
  readonly memory_expires_at: Date | null;
  readonly request_id: string | null;
}

/*
 * The session of the oldest message that waits, as far as wishes and metadata are one; of the turns of a call either all
 * or, where they are too many or too many for the model, the first. The event of talk that was set aside for long may be swept by now.
 */
const READ = `WITH first AS MATERIALIZED (
  SELECT m.session_id, m.agent_id, m.id, m.batch_max, e.wishes, e.metadata, e.memory_expires_at FROM engram.messages m LEFT JOIN engram.events e ON e.id = m.event_id
  WHERE m.owner = $1::uuid AND m.extracted_at IS NULL AND m.failed_at IS NULL ORDER BY m.id LIMIT 1),
waiting AS (
  SELECT m.*, least($2::int, f.batch_max) AS messages_max, f.wishes, f.metadata, f.memory_expires_at,
    sum(octet_length(m.content)) OVER (ORDER BY m.id) AS bytes, row_number() OVER (ORDER BY m.id) AS n
  FROM first f JOIN engram.messages m ON m.owner = $1::uuid AND m.extracted_at IS NULL AND m.failed_at IS NULL
    AND m.session_id IS NOT DISTINCT FROM f.session_id AND m.agent_id IS NOT DISTINCT FROM f.agent_id
  LEFT JOIN engram.events e ON e.id = m.event_id
  WHERE e.wishes IS NOT DISTINCT FROM f.wishes AND e.metadata IS NOT DISTINCT FROM f.metadata AND e.memory_expires_at IS NOT DISTINCT FROM f.memory_expires_at)
SELECT ${MESSAGE_COLUMNS}, m.wishes, m.metadata, m.memory_expires_at, m.request_id FROM waiting m
WHERE m.n = 1 OR (m.n <= m.messages_max AND m.bytes <= $3::bigint) ORDER BY m.id`;

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
    wishes: first.wishes ?? { instructions: null, includes: null, excludes: null },
    metadata: first.metadata ?? {},
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
  { messages, facts, isCut = false }: { messages: readonly string[]; facts: readonly KeptFact[]; isCut?: boolean },
): Promise<void> {
  const marked = await tx.query(
    `UPDATE engram.messages SET ${isCut ? "failed_at" : "extracted_at"} = now() WHERE id = ANY ($1::uuid[]) AND owner = $2::uuid AND extracted_at IS NULL AND failed_at IS NULL
     RETURNING 1 AS one`,
    [messages, claim.owner],
  );
  if (marked.length !== messages.length) throw new Lost("a message is gone, or another worker's by now");
  await tx.query("SELECT set_config('engram.actor', 'extraction', true)");
  const kept = await keepFacts(tx, facts);
  await completeEvents(tx, claim.owner, messages, kept);
  await endSessions(tx, claim.owner, messages);
  await answer(tx, claim, { isNews: isCut });
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
       error = (SELECT 'invalid: the model''s answer about a message could not be read, or not to its end; the message stays as it is' FROM engram.messages m
         WHERE m.id = ANY (e.message_ids) AND m.failed_at IS NOT NULL LIMIT 1)
     WHERE e.owner = $1::uuid AND e.completed_at IS NULL AND e.message_ids && $2::uuid[]`,
    [owner, messages, JSON.stringify(kept)],
  );
}

/** What is said later is not concerned: the model, or the talk, may be another by then. */
async function narrow(
  tx: Executor,
  claim: ExtractionClaim,
  messages: readonly string[],
  { messagesMax, isOfSize }: { messagesMax: number; isOfSize: boolean },
): Promise<void> {
  await tx.query(
    `UPDATE engram.messages SET batch_max = least(batch_max, $3::int) WHERE owner = $2::uuid AND extracted_at IS NULL AND failed_at IS NULL
       AND (id = ANY ($1::uuid[]) OR ($4::bool AND batch_max IS NOT NULL))`,
    [messages, claim.owner, messagesMax, isOfSize],
  );
  await answer(tx, claim);
}

/** The same again at once would mostly be the same answer, so that further tries are some seconds apart. */
async function refuse(tx: Executor, claim: ExtractionClaim, message: string, attemptsMax: number): Promise<void> {
  const [row] = await tx.query<{ attempts: number; failed: boolean }>(
    `UPDATE engram.messages SET attempts = attempts + 1, failed_at = CASE WHEN attempts + 1 >= $2::int THEN now() END
     WHERE id = $1::uuid AND extracted_at IS NULL AND failed_at IS NULL RETURNING attempts, failed_at IS NOT NULL AS failed`,
    [message, attemptsMax],
  );
  if (row === undefined) throw new Lost("the message is gone, or another worker's by now");
  await completeEvents(tx, claim.owner, [message], []);
  await answer(tx, claim, row.failed ? { isNews: true } : { pauseSeconds: backoffSeconds(row.attempts) });
}

/** Why an owner's work is parked. */
const SET_ASIDE = "invalid: talk that could not be read is set aside";

/**
 * The work row goes when nothing waits any more and nothing is set aside; it is parked while something is, and due for the next
 * batch while something waits. What there is, is read after the row is locked, in a new statement: whoever adds to the talk
 * holds the row until the commit, and an older snapshot would not see what was added.
 */
async function answer(
  tx: Executor,
  { owner, token }: ExtractionClaim,
  { pauseSeconds = 0, isNews = false }: { pauseSeconds?: number; isNews?: boolean } = {},
): Promise<void> {
  const held = await tx.query(
    `SELECT 1 AS one FROM engram.outbox WHERE topic = '${EXTRACT_TOPIC}' AND key = $1::uuid AND lease = $2::uuid FOR UPDATE`,
    [owner, token],
  );
  if (held.length === 0) throw new Lost("the lease is another's");
  // Given up by an operator it stays out of sight, until something more is set aside.
  await tx.query(
    `WITH talk AS (SELECT EXISTS (SELECT FROM engram.messages m WHERE m.owner = $1::uuid AND m.extracted_at IS NULL AND m.failed_at IS NULL) AS waits,
       EXISTS (SELECT FROM engram.messages m WHERE m.owner = $1::uuid AND m.failed_at IS NOT NULL) AS failed),
     gone AS (DELETE FROM engram.outbox o USING talk t WHERE o.topic = '${EXTRACT_TOPIC}' AND o.key = $1::uuid AND NOT t.waits AND NOT t.failed)
     UPDATE engram.outbox o SET lease = NULL, doubt_until = NULL, due_at = clock_timestamp() + $2::float8 * interval '1 s',
       attempts = CASE WHEN t.waits THEN 0 ELSE o.attempts END, error = CASE WHEN NOT t.waits THEN '${SET_ASIDE}' END,
       parked_at = CASE WHEN NOT t.waits THEN clock_timestamp() END, discarded_at = CASE WHEN NOT $3::bool THEN o.discarded_at END
     FROM talk t WHERE o.topic = '${EXTRACT_TOPIC}' AND o.key = $1::uuid AND (t.waits OR t.failed)`,
    [owner, pauseSeconds, isNews],
  );
}
