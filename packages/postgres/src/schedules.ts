import { SCHEDULE_TOPIC, type Claimed, type Schedule, type Schedules } from "@engram/memory";
import type { Executor } from "@engram/sql";

interface ScheduleRow extends Record<string, unknown> {
  readonly name: string;
  readonly state: unknown;
  readonly finished_at: Date | null;
  readonly result: unknown;
}

const SELECT = "SELECT name, state, finished_at, result FROM engram.schedules";

/** The key of a job's work row, made from its name. */
const KEY = "md5('schedule:' || $1::text)::uuid";

const ENSURE = `WITH known AS (INSERT INTO engram.schedules (key, name) VALUES (${KEY}, $1) ON CONFLICT DO NOTHING)
INSERT INTO engram.outbox AS o (topic, key, due_at) VALUES ('${SCHEDULE_TOPIC}', ${KEY}, clock_timestamp() + $2::float8 * interval '1 s')
ON CONFLICT (topic, key) DO UPDATE SET due_at = excluded.due_at WHERE o.lease IS NULL AND o.due_at > excluded.due_at`;

// The generation moves, so that a step which is under way does not put off what was asked for now.
const REQUEST = `WITH known AS (
  INSERT INTO engram.schedules AS s (key, name, state) VALUES (${KEY}, $1, $2::jsonb)
  ON CONFLICT (key) DO UPDATE SET state = coalesce($2::jsonb, s.state))
INSERT INTO engram.outbox AS o (topic, key, due_at) VALUES ('${SCHEDULE_TOPIC}', ${KEY}, clock_timestamp() + $3::float8 * interval '1 s')
ON CONFLICT (topic, key) DO UPDATE SET gen = o.gen + 1, attempts = 0, error = NULL,
  due_at = CASE WHEN o.lease IS NULL THEN LEAST(o.due_at, excluded.due_at) ELSE o.due_at END`;

// Fenced by the token. Where the generation moved, a run was asked for meanwhile: its state stands, and it is due at once.
const SAVE = `WITH mine AS (
  UPDATE engram.outbox o SET lease = NULL, attempts = 0, error = NULL, doubt_until = NULL,
    due_at = clock_timestamp() + CASE WHEN o.gen = $3::bigint THEN $4::float8 ELSE 0 END * interval '1 s'
  WHERE o.topic = '${SCHEDULE_TOPIC}' AND o.key = $1::uuid AND o.lease = $2::uuid RETURNING o.key, o.gen = $3::bigint AS undisturbed)
UPDATE engram.schedules s SET
  state = CASE WHEN mine.undisturbed THEN CASE WHEN $5::bool THEN NULL ELSE $6::jsonb END ELSE s.state END,
  finished_at = CASE WHEN $5::bool THEN clock_timestamp() ELSE s.finished_at END,
  result = CASE WHEN $5::bool THEN $6::jsonb ELSE s.result END
FROM mine WHERE s.key = mine.key RETURNING 1 AS one`;

/** Jobs that run by the clock, in PostgreSQL. */
export function createSchedules(db: Executor): Schedules {
  return {
    async ensure(name, firstInSeconds) {
      await db.query(ENSURE, [name, firstInSeconds]);
    },
    async request(name, state, { inSeconds = 0 } = {}) {
      await db.query(REQUEST, [name, state === undefined ? null : JSON.stringify(state), inSeconds]);
    },
    async get(name) {
      return toSchedule((await db.query<ScheduleRow>(`${SELECT} WHERE name = $1`, [name]))[0]);
    },
    async getByKey(key) {
      return toSchedule((await db.query<ScheduleRow>(`${SELECT} WHERE key = $1::uuid`, [key]))[0]);
    },
    save: (token, claimed, step) => save(db, token, claimed, step),
  };
}

async function save(
  db: Executor,
  token: string,
  { key, generation }: Claimed,
  step: Parameters<Schedules["save"]>[2],
): Promise<boolean> {
  const kept: unknown = step.done ? step.result : step.state;
  const rows = await db.query(SAVE, [
    key,
    token,
    String(generation),
    step.nextInSeconds,
    step.done,
    JSON.stringify(kept ?? null),
  ]);
  return rows.length > 0;
}

function toSchedule(row: ScheduleRow | undefined): Schedule | undefined {
  return row === undefined
    ? undefined
    : {
        name: row.name,
        state: row.state,
        finishedAt: row.finished_at,
        result: row.result,
      };
}
