import { MemoryError, tenantOf, uuidv7, type AddDraft, type AddEvent, type MemoryDraft } from "@engram/memory";
import { Values, type Executor } from "@engram/sql";
import { keepAnswer } from "../kept-answers.ts";
import { putMemories } from "../put-memories.ts";
import { saidIn } from "./sameness.ts";
import { getEvent, queuedEvent } from "./events.ts";

interface AddedRow extends Record<string, unknown> {
  readonly created_at: Date;
  readonly completed_at: Date | null;
  /** In the order of the call, each once. */
  readonly messages: { readonly ord: number; readonly id: string; readonly created: boolean }[];
}

/** Keeps the messages that are new and the event of the call, in one statement; see `Conversations.add`. */
export async function add(db: Executor, draft: AddDraft, debounceMs: number): Promise<AddEvent> {
  if (draft.infer) {
    const { completed_at, created_at } = await insert(db, draft, debounceMs);
    if (completed_at === null) return queuedEvent(draft.eventId, created_at);
  } else await db.transaction((tx) => addVerbatim(tx, draft));
  const event = await getEvent(db, draft.speaker.projectId, draft.eventId);
  if (event === undefined)
    throw new MemoryError("internal", "Internal error", { cause: new Error("an event vanished") });
  return event;
}

/** Every new turn of the user and the assistant becomes an event of its own. */
async function addVerbatim(tx: Executor, draft: AddDraft): Promise<void> {
  const { messages } = await insert(tx, draft, 0);
  const kept = messages.flatMap(({ ord, id, created }) => {
    const message = draft.messages[ord - 1];
    return created && message !== undefined && (message.role === "user" || message.role === "assistant")
      ? [verbatim(draft, message, id)]
      : [];
  });
  if (kept.length === 0) return;
  const put = await putMemories(tx, kept);
  const results = put.map(({ memory }) => ({ id: memory.id, event: "ADD" }));
  await tx.query("UPDATE engram.events SET results = results || $2::jsonb WHERE id = $1::uuid", [
    draft.eventId,
    JSON.stringify(results),
  ]);
}

function verbatim(
  { speaker, metadata, expiresAt, requestId }: AddDraft,
  { role, name, content, saidAt }: AddDraft["messages"][number],
  messageId: string,
): MemoryDraft {
  return {
    id: uuidv7(),
    ...speaker,
    level: speaker.userId === null ? "agent" : "user",
    type: "interaction",
    key: null,
    content,
    metadata: { ...metadata, role, ...(name === null ? {} : { name }) },
    importance: null,
    categories: [],
    // As the message: what a clock that is ahead has told was said now.
    occurredAt: saidAt !== null && saidAt > new Date() ? null : saidAt,
    expiresAt,
    requestId,
    source: { messageIds: [messageId], provenance: { role }, validFrom: saidAt ?? new Date() },
  };
}

/*
 * A first, short message is the one of the same words that is kept already, where what follows it is the same too: the
 * next message of the call, or nothing. Else it is new after the last one that is kept.
 *
 * What the user says again is told anew where all memories that came of its last telling have been replaced since, and the
 * call does not show it as history: with something after it that the user said later in the session or, where that is
 * nothing, with anything after it. Each telling is known by the one before, so that this one is known when it comes again.
 *
 * Each round of the walk has one row a message at most; without its LIMIT the planner takes it for a thousand rows, and the
 * whole for so dear that PostgreSQL may compile it first.
 *
 * DO UPDATE and not DO NOTHING, so that the ids of known messages come back, those too that another client commits at this
 * moment. What a client's clock says is part of what makes two messages the same; kept is no time to come, which would win
 * over all that is said later.
 */
async function insert(db: Executor, draft: AddDraft, debounceMs: number): Promise<AddedRow> {
  const { speaker, keyed } = draft;
  const values = new Values();
  const owner = tenantOf(speaker);
  const own = `${values.add(owner)}::uuid`;
  const project = `${values.add(speaker.projectId)}::uuid`;
  const user = `${values.add(speaker.userId)}::text`;
  const agent = `${values.add(speaker.agentId)}::text`;
  const session = `${values.add(speaker.sessionId)}::text`;
  const event = `${values.add(draft.eventId)}::uuid`;
  const request = `${values.add(draft.requestId)}::text`;
  const due = `now() + ${values.add(debounceMs)}::float8 * interval '1 ms'`;
  const ofSession = speaker.sessionId === null ? "m.session_id IS NULL" : `m.session_id = ${session}`;
  const answer = `SELECT ${project} AS project_id, ${user} AS user_id, NULL::uuid AS memory_id,
    json_build_object('value', json_build_object('eventId', e.id, 'status', CASE WHEN e.completed_at IS NULL THEN 'queued' ELSE 'done' END)) AS result FROM event e`;
  const statement = `WITH RECURSIVE input AS (
  SELECT * FROM json_to_recordset(${values.add(JSON.stringify(saidIn(owner, draft)))}::json) AS i(ord int, id uuid, role text, name text, content text,
    said_at timestamptz, text_hash uuid, previous_hash uuid, is_short bool)),
last AS (SELECT m.text_hash FROM engram.messages m WHERE m.owner = ${own} AND ${ofSession} ORDER BY m.id DESC LIMIT 1),
prior AS (
  SELECT m.id, m.sameness FROM input i JOIN engram.messages m ON m.owner = ${own} AND m.text_hash = i.text_hash AND ${ofSession}
  WHERE i.ord = 1 AND i.is_short ORDER BY m.id DESC LIMIT 1),
again AS (
  SELECT p.sameness FROM prior p WHERE (
    SELECT m.text_hash FROM engram.messages m WHERE m.owner = ${own} AND ${ofSession} AND m.id > p.id ORDER BY m.id LIMIT 1
  ) IS NOT DISTINCT FROM (SELECT i.text_hash FROM input i WHERE i.ord = 2)),
heard AS MATERIALIZED (
  SELECT i.*, CASE WHEN NOT i.is_short THEN i.text_hash WHEN i.ord > 1 THEN md5(i.text_hash::text || i.previous_hash::text)::uuid
    ELSE coalesce((SELECT sameness FROM again), md5(i.text_hash::text || coalesce((SELECT text_hash FROM last)::text, ''))::uuid) END AS first_sameness
  FROM input i),
tellings AS (
  SELECT h.ord, h.text_hash, m.id, m.sameness FROM heard h, LATERAL (${oneOf("h.first_sameness")}) m
  UNION ALL
  SELECT t.ord, t.text_hash, m.id, m.sameness FROM (SELECT * FROM tellings LIMIT ${values.add(draft.messages.length)}::int) t, LATERAL (${oneOf("md5(t.text_hash::text || t.sameness::text)::uuid")}) m),
latest AS (SELECT DISTINCT ON (t.ord) t.ord, t.id, t.sameness FROM tellings t ORDER BY t.ord, t.id DESC),
placed AS MATERIALIZED (
  SELECT h.*, l.id AS known_id, l.sameness AS known_sameness, count(*) FILTER (WHERE h.role = 'user') OVER after_it > 0 AS is_followed,
    coalesce(max(l.id::text COLLATE "C") FILTER (WHERE h.role = 'user') OVER after_it > l.id::text, false) AS is_followed_as_it_was
  FROM heard h LEFT JOIN latest l USING (ord) WINDOW after_it AS (ORDER BY h.ord ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)),
told AS MATERIALIZED (
  SELECT p.*, CASE
    WHEN p.known_id IS NULL THEN p.first_sameness
    WHEN p.said_at IS NULL AND p.role = 'user' AND NOT p.is_followed_as_it_was AND (NOT p.is_followed OR EXISTS (
        SELECT FROM engram.messages m WHERE m.owner = ${own} AND ${ofSession} AND m.id > p.known_id AND m.role = 'user'))
      AND (SELECT bool_and(x.valid_to IS NOT NULL) FROM public.memories x
        WHERE x.source_message_ids <> '{}' AND x.source_message_ids @> ARRAY[p.known_id] AND x.project_id = ${project})
      THEN md5(p.text_hash::text || p.known_sameness::text)::uuid
    ELSE p.known_sameness END AS sameness
  FROM placed p),
once AS (SELECT DISTINCT ON (sameness) * FROM told ORDER BY sameness, ord),
put AS (
  INSERT INTO engram.messages AS m (id, project_id, user_id, agent_id, session_id, owner, event_id, role, name, content, said_at, text_hash, sameness,
    due_at, extracted_at, request_id)
  SELECT o.id, ${project}, ${user}, ${agent}, ${session}, ${own}, ${event}, o.role, o.name, o.content, least(o.said_at, now()), o.text_hash, o.sameness,
    ${due}, CASE WHEN ${values.add(draft.infer)}::bool THEN NULL ELSE now() END, ${request}
  FROM once o ORDER BY o.sameness
  ON CONFLICT (sameness) DO UPDATE SET role = m.role, failed_at = CASE WHEN m.extracted_at IS NOT NULL OR excluded.extracted_at IS NOT NULL THEN m.failed_at END,
    attempts = CASE WHEN m.failed_at IS NULL THEN m.attempts ELSE 0 END
  RETURNING m.id, m.sameness, (m.extracted_at IS NOT NULL OR m.failed_at IS NOT NULL) AS settled, (m.xmax = 0) AS created),
all_told AS (
  SELECT coalesce(array_agg(p.id ORDER BY o.ord), '{}') AS ids, coalesce(bool_and(p.settled), true) AS settled,
    coalesce(json_agg(json_build_object('ord', o.ord, 'id', p.id, 'created', p.created) ORDER BY o.ord), '[]') AS list
  FROM once o JOIN put p ON p.sameness = o.sameness),
event AS (
  INSERT INTO engram.events (id, project_id, user_id, agent_id, session_id, owner, message_ids, metadata, wishes, memory_expires_at, request_id, ends_session, completed_at, results)
  SELECT ${event}, ${project}, ${user}, ${agent}, ${session}, ${own}, a.ids, ${values.add(JSON.stringify(draft.metadata))}::jsonb,
    ${values.add(JSON.stringify(draft.wishes))}::jsonb, ${values.add(draft.expiresAt)}::timestamptz, ${request},
    ${values.add(draft.endsSession === true)}::bool,
    CASE WHEN a.settled THEN now() END,
    CASE WHEN a.settled THEN coalesce((
      SELECT jsonb_agg(jsonb_build_object('id', x.id, 'event', 'SAME') ORDER BY x.created_at, x.id) FROM public.memories x
      WHERE x.source_message_ids <> '{}' AND x.source_message_ids && a.ids AND x.project_id = ${project} AND x.valid_to IS NULL), '[]') ELSE '[]' END
  FROM all_told a RETURNING id, created_at, completed_at)${keyed === undefined ? "" : `,\n${keepAnswer(keyed, values, answer)}`}
SELECT e.created_at, e.completed_at, a.list AS messages FROM event e, all_told a`;
  const [row] = await db.query<AddedRow>(statement, values.list);
  if (row === undefined)
    throw new MemoryError("internal", "Internal error", { cause: new Error("an add returned no row") });
  return row;
}

/**
 * The message of a sameness; with a LIMIT, so that the index is asked and not all messages are read, however many the planner
 * thinks that the list has.
 */
function oneOf(sameness: string): string {
  return `SELECT m.id, m.sameness FROM engram.messages m WHERE m.sameness = ${sameness} LIMIT 1`;
}
