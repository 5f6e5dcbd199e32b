-- Jobs that run by the clock: reconcile, sweeps. Each has one work row in the outbox (topic `schedule`) whose due_at says
-- when it runs next, so that leases, attempts and back-off are those of all other work; this table keeps where it stands.
CREATE TABLE engram.schedules (
  key uuid PRIMARY KEY,
  name text NOT NULL UNIQUE,
  -- Where a run of several steps has got to; NULL between runs.
  state jsonb,
  -- Of the last run that came to its end.
  finished_at timestamptz,
  result jsonb
);

-- What an operator has looked at and given up: out of the count of parked work, failed until its memory changes.
ALTER TABLE engram.outbox ADD COLUMN discarded_at timestamptz;
CREATE INDEX outbox_parked ON engram.outbox (key, topic) WHERE parked_at IS NOT NULL;

CREATE OR REPLACE FUNCTION engram.mark_dirty(ids uuid[], owners text[], request_ids text[]) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO engram.outbox AS o (topic, key, fair, lane, request_id)
  SELECT 'index:' || t.name, d.id, hashtext(d.owner), (cardinality(ids) > 64)::int, d.request_id
  FROM unnest(ids, owners, request_ids) AS d (id, owner, request_id) CROSS JOIN engram.index_targets t WHERE t.state <> 'retired' ORDER BY 1, 2
  ON CONFLICT (topic, key) DO UPDATE SET gen = o.gen + 1, attempts = 0, parked_at = NULL, discarded_at = NULL, error = NULL,
    request_id = excluded.request_id, lane = LEAST(o.lane, excluded.lane),
    due_at = CASE WHEN o.lease IS NULL THEN LEAST(o.due_at, excluded.due_at) ELSE o.due_at END
$$;

-- What the sweep of expired memories looks for.
CREATE INDEX idx_memories_expires_at ON public.memories (expires_at) WHERE expires_at IS NOT NULL;
