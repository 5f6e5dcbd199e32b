-- A person erased, with proof. What hangs on a person is found by a hash where the person's id itself must not stay.

-- The tenant of a user as the index keeps it (`tenantOf` of the domain); NULL for what is nobody's own.
CREATE FUNCTION engram.user_tenant(project_id uuid, user_id text) RETURNS uuid
  LANGUAGE sql STABLE STRICT PARALLEL SAFE
  RETURN left(encode(sha256(convert_to('["' || project_id::text || '","user",' || to_json(user_id)::text || ']', 'UTF8')), 'hex'), 32)::uuid;

-- Whose a line of the history is, so that the lines of memories that were deleted long ago are found too.
ALTER TABLE engram.history ADD COLUMN tenant uuid;
UPDATE engram.history h SET tenant = engram.user_tenant((h.snapshot ->> 'project_id')::uuid, h.snapshot ->> 'user_id') WHERE h.snapshot IS NOT NULL;
CREATE INDEX history_tenant ON engram.history (tenant, memory_id, version) WHERE tenant IS NOT NULL;

CREATE OR REPLACE FUNCTION engram.memories_after_update() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO engram.history (memory_id, version, event, actor, request_id, snapshot, tenant)
  SELECT b.id, b.version,
    CASE WHEN b.valid_to IS NULL AND c.valid_to IS NOT NULL THEN 'superseded' WHEN b.valid_to IS NOT NULL AND c.valid_to IS NULL THEN 'restored' ELSE 'updated' END,
    nullif(current_setting('engram.actor', true), ''), c.request_id, to_jsonb(b) - '{search,dedupe_key,slot_key}'::text[],
    engram.user_tenant(b.project_id, b.user_id)
  FROM before b JOIN changed c ON c.id = b.id WHERE c.version <> b.version
  ON CONFLICT DO NOTHING;

  PERFORM engram.mark_dirty(array_agg(c.id), array_agg(c.project_id::text || coalesce(c.user_id, '')), array_agg(c.request_id))
  FROM changed c JOIN before b ON b.id = c.id WHERE c.version <> b.version;
  RETURN NULL;
END $$;

-- The history is found by an array and not by a join: its plan is kept for the session and must suit one row as well as
-- 100,000. (With a join every chunk of a mass deletion read the whole table: 50 s for 100,000 rows instead of 4.)
CREATE OR REPLACE FUNCTION engram.memories_after_delete() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  ids uuid[] := ARRAY(SELECT c.id FROM changed c);
BEGIN
  UPDATE engram.history h SET snapshot = NULL WHERE h.memory_id = ANY (ids) AND h.snapshot IS NOT NULL;
  INSERT INTO engram.history (memory_id, version, event, actor, request_id, tenant)
  SELECT c.id, c.version, 'deleted', nullif(current_setting('engram.actor', true), ''), nullif(current_setting('engram.request_id', true), ''),
    engram.user_tenant(c.project_id, c.user_id)
  FROM changed c ON CONFLICT DO NOTHING;

  PERFORM engram.mark_dirty(array_agg(c.id), array_agg(c.project_id::text || coalesce(c.user_id, '')),
    array_agg(nullif(current_setting('engram.request_id', true), ''))) FROM changed c;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION engram.memories_before_truncate() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE engram.history SET snapshot = NULL WHERE snapshot IS NOT NULL;
  INSERT INTO engram.history (memory_id, version, event, tenant)
  SELECT m.id, m.version, 'deleted', engram.user_tenant(m.project_id, m.user_id) FROM public.memories m ON CONFLICT DO NOTHING;
  PERFORM engram.mark_dirty(array_agg(m.id), array_agg(m.project_id::text || coalesce(m.user_id, '')), array_agg(NULL::text))
  FROM public.memories m;
  RETURN NULL;
END $$;

-- The record of an erasure, which outlives it: times, counts, a hash. The user's id stands in it only until the writes that
-- were in flight at the request have ended and are erased too, a second as a rule.
CREATE TABLE engram.erasures (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL,
  tenant uuid NOT NULL,
  -- What the outbox tells users apart by (hashtext): finds work that was asked for before the request.
  fair integer NOT NULL,
  user_id text,
  actor text,
  requested_at timestamptz NOT NULL DEFAULT now(),
  -- Taken after the request: of the transactions below it some may have been in flight then.
  in_flight_below xid8,
  completed_at timestamptz,
  erased jsonb NOT NULL DEFAULT '{}',
  CHECK (completed_at IS NULL OR user_id IS NULL)
);
CREATE INDEX erasures_running ON engram.erasures (requested_at) WHERE completed_at IS NULL;

-- The ids of the memories that went, until the last work for them is done: random numbers, but a person's. No foreign key:
-- it would be checked for each of them, and the record outlives them in any case.
CREATE TABLE engram.erased_ids (
  erasure_id uuid NOT NULL,
  memory_id uuid NOT NULL,
  PRIMARY KEY (erasure_id, memory_id)
);

-- Vectors that are kept in this database say whose they are, like points elsewhere. Their tables are made at start, one for
-- each model, so those that stand are found by their shape.
DO $$
DECLARE name text;
BEGIN
  FOR name IN
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'engram' AND c.relkind = 'r' AND EXISTS (
      SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'embedding' AND NOT a.attisdropped)
  LOOP
    EXECUTE format('ALTER TABLE engram.%I ADD COLUMN IF NOT EXISTS tenant uuid', name);
    EXECUTE format('UPDATE engram.%I v SET tenant = engram.user_tenant(m.project_id, m.user_id) FROM public.memories m WHERE m.id = v.id', name);
  END LOOP;
END $$;
