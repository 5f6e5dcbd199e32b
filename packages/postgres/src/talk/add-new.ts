import type { AddDraft, AddEvent } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { queuedEvent } from "./events.ts";
import { saidIn } from "./sameness.ts";

/** A call of `add` and whose talk it is. */
export interface Call {
  readonly draft: AddDraft;
  readonly owner: string;
}

/**
 * Of the calls, each of another owner and with at least one message, those that say nothing but what is new: their messages and
 * events, in one statement and one commit. Undefined: something of the call is known, or may be, and nothing of it is written;
 * `add` tells what it means. Throws `conflict` when another client has kept one of the messages meanwhile; then nothing is written.
 */
export async function addNew(
  db: Executor,
  calls: readonly Call[],
  debounceMs: number,
): Promise<readonly (AddEvent | undefined)[]> {
  const said = calls.flatMap(({ draft, owner }) =>
    saidIn(owner, draft).map((message) => ({ event_id: draft.eventId, ...message })),
  );
  const rows = await db.query<{ id: string; created_at: Date }>(ADD_NEW, [
    JSON.stringify(calls.map(toRow)),
    JSON.stringify(said),
    debounceMs,
  ]);
  const made = new Map(rows.map((row) => [row.id, queuedEvent(row.id, row.created_at)]));
  return calls.map(({ draft }) => made.get(draft.eventId));
}

function toRow({ draft, owner }: Call) {
  return {
    event_id: draft.eventId,
    project_id: draft.speaker.projectId,
    user_id: draft.speaker.userId,
    agent_id: draft.speaker.agentId,
    session_id: draft.speaker.sessionId,
    owner,
    metadata: draft.metadata,
    wishes: draft.wishes,
    expires_at: draft.expiresAt,
    request_id: draft.requestId,
    ends_session: draft.endsSession === true,
    key: draft.keyed?.key,
    request: draft.keyed?.request,
  };
}

const lastOf = (session: string) =>
  `(SELECT l.text_hash FROM engram.messages l WHERE l.owner = c.owner AND l.session_id ${session} ORDER BY l.id DESC LIMIT 1)`;
const isKept = (condition: string) => `(SELECT k.id FROM engram.messages k WHERE ${condition} LIMIT 1) IS NOT NULL`;

/*
 * The sameness of each message is that of `add` where nothing is known; a first, short one may be known behind another message
 * too. Each is looked for by a subquery of its own, which can only ask the index; a join might read all messages that are kept.
 * A plain INSERT: where another client has kept one meanwhile, it is known, and the statement is undone.
 */
const ADD_NEW = `WITH call AS MATERIALIZED (
  SELECT * FROM json_to_recordset($1::json) AS c(event_id uuid, project_id uuid, user_id text, agent_id text, session_id text, owner uuid, metadata jsonb,
    wishes jsonb, expires_at timestamptz, request_id text, ends_session bool, key text, request text)),
heard AS MATERIALIZED (
  SELECT s.*, c.owner, s.ord = 1 AND s.is_short AS depends, CASE WHEN NOT s.is_short THEN s.text_hash
    WHEN s.ord > 1 THEN md5(s.text_hash::text || s.previous_hash::text)::uuid
    ELSE md5(s.text_hash::text || coalesce(CASE WHEN c.session_id IS NULL THEN ${lastOf("IS NULL")} ELSE ${lastOf("= c.session_id")} END::text, ''))::uuid
    END AS sameness
  FROM json_to_recordset($2::json) AS s(event_id uuid, ord int, id uuid, role text, name text, content text, said_at timestamptz, text_hash uuid,
    previous_hash uuid, is_short bool) JOIN call c USING (event_id)),
known AS MATERIALIZED (
  SELECT h.event_id FROM heard h
  WHERE ${isKept("k.sameness = h.sameness")} OR (h.depends AND ${isKept("k.owner = h.owner AND k.text_hash = h.text_hash")})),
fresh AS MATERIALIZED (SELECT * FROM call c WHERE c.event_id NOT IN (SELECT event_id FROM known)),
put AS (
  INSERT INTO engram.messages (id, project_id, user_id, agent_id, session_id, owner, event_id, role, name, content, said_at, text_hash, sameness, due_at,
    request_id)
  SELECT o.id, f.project_id, f.user_id, f.agent_id, f.session_id, f.owner, f.event_id, o.role, o.name, o.content, least(o.said_at, now()), o.text_hash,
    o.sameness, now() + $3::float8 * interval '1 ms', f.request_id
  FROM (SELECT DISTINCT ON (sameness) * FROM heard ORDER BY sameness, ord) o JOIN fresh f USING (event_id) ORDER BY o.sameness
  RETURNING id, event_id),
event AS (
  INSERT INTO engram.events (id, project_id, user_id, agent_id, session_id, owner, message_ids, metadata, wishes, memory_expires_at, request_id, ends_session)
  SELECT f.event_id, f.project_id, f.user_id, f.agent_id, f.session_id, f.owner,
    (SELECT array_agg(p.id ORDER BY p.id) FROM put p WHERE p.event_id = f.event_id), f.metadata, f.wishes, f.expires_at,
    f.request_id, f.ends_session
  FROM fresh f RETURNING id, created_at),
kept AS (
  INSERT INTO engram.idempotency (key_hash, request_hash, project_id, user_id, result)
  SELECT decode(f.key, 'hex'), decode(f.request, 'hex'), f.project_id, f.user_id,
    json_build_object('value', json_build_object('eventId', f.event_id, 'status', 'queued'))
  FROM fresh f WHERE f.key IS NOT NULL ORDER BY f.key)
SELECT id, created_at FROM event`;
