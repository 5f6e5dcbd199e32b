-- What came to pass in whose memories, told for a quarter of an hour: who holds a user's memories for searches follows it from
-- the mark of its last look. A mark is the xmin of that look's snapshot: whatever the look did not see yet has a transaction
-- from there on. So nothing is missed, in whatever order transactions end, and none has to wait for another.

-- What was begun before tells nothing, so it has to end first.
LOCK TABLE public.memories IN SHARE ROW EXCLUSIVE MODE;

CREATE TABLE engram.changes (
  tenant uuid NOT NULL,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  -- The memories that are to be read anew; NULL: too many to be told.
  ids uuid[]
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
CREATE INDEX changes_tenant ON engram.changes (tenant, xid);

-- Changes below `told_from` are no longer told. It was the xmin of a snapshot a quarter of an hour ago at least, so that all
-- of them could be seen for that long, however long their transactions took. `next` is to become it.
CREATE TABLE engram.changes_told (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  told_from xid8 NOT NULL,
  next xid8 NOT NULL,
  next_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO engram.changes_told (told_from, next)
  SELECT pg_snapshot_xmin(pg_current_snapshot()), pg_snapshot_xmin(pg_current_snapshot());

-- Takes away a chunk of what was told for long enough, and returns how many. A transaction that is yet to come is another
-- database's, of which this one was restored: such marks begin anew, and such changes go. Every statement reads the clock of
-- transactions for itself, and under the lock: what is yet to come at one may have come at the next.
CREATE FUNCTION engram.forget_changes(told interval, chunk integer) RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  forgotten bigint;
BEGIN
  PERFORM FROM engram.changes_told FOR UPDATE;
  UPDATE engram.changes_told t SET next = pg_snapshot_xmin(pg_current_snapshot()), next_at = now(),
    told_from = CASE WHEN t.next > pg_snapshot_xmax(pg_current_snapshot()) THEN pg_snapshot_xmin(pg_current_snapshot()) ELSE t.next END
  WHERE t.next_at <= now() - told OR GREATEST(t.told_from, t.next) > pg_snapshot_xmax(pg_current_snapshot());
  DELETE FROM engram.changes WHERE ctid = ANY (ARRAY(
    SELECT c.ctid FROM engram.changes c, engram.changes_told t
    WHERE c.xid < t.told_from OR c.xid >= pg_snapshot_xmax(pg_current_snapshot()) LIMIT chunk));
  GET DIAGNOSTICS forgotten = ROW_COUNT;
  RETURN forgotten;
END $$;

-- So many memories of one user in one statement are told one by one.
CREATE FUNCTION engram.tell_changes(ids uuid[], project_ids uuid[], user_ids text[]) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO engram.changes (tenant, ids)
  SELECT engram.user_tenant(d.project_id, d.user_id), CASE WHEN count(*) <= 100 THEN array_agg(d.id) END
  FROM unnest(ids, project_ids, user_ids) AS d (id, project_id, user_id) WHERE d.user_id IS NOT NULL
  GROUP BY d.project_id, d.user_id;
END $$;

-- The same of vectors that are kept in this database. Their tables are made at start and get the triggers then; those that
-- stand, also the public one behind its view, get them here. Rows without a version are not ours.
CREATE FUNCTION engram.vectors_told() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO engram.changes (tenant, ids)
  SELECT c.tenant, CASE WHEN count(*) <= 100 THEN array_agg(c.id) END
  FROM changed c WHERE c.tenant IS NOT NULL AND c.version IS NOT NULL GROUP BY c.tenant;
  RETURN NULL;
END $$;

DO $$
DECLARE tbl regclass;
BEGIN
  FOR tbl IN
    SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND pg_has_role(c.relowner, 'USAGE') AND ((n.nspname = 'engram' AND EXISTS (
        SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'embedding' AND NOT a.attisdropped))
      OR c.oid IN (SELECT t.tgrelid FROM pg_trigger t WHERE t.tgfoid = 'engram.vectors_deleted'::regproc))
  LOOP
    EXECUTE format('CREATE TRIGGER engram_told_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS changed
      FOR EACH STATEMENT EXECUTE FUNCTION engram.vectors_told()', tbl);
    EXECUTE format('CREATE TRIGGER engram_told_update AFTER UPDATE ON %s REFERENCING NEW TABLE AS changed
      FOR EACH STATEMENT EXECUTE FUNCTION engram.vectors_told()', tbl);
  END LOOP;
END $$;

-- The triggers as they stood, which now tell too. Words are made anew without a new version when the rules of languages change.
CREATE OR REPLACE FUNCTION engram.memories_after_insert() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM engram.mark_dirty(array_agg(c.id), array_agg(c.project_id::text || coalesce(c.user_id, '')),
      array_agg(coalesce(c.request_id, nullif(current_setting('engram.request_id', true), '')))),
    engram.tell_changes(array_agg(c.id), array_agg(c.project_id), array_agg(c.user_id)) FROM changed c;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION engram.memories_after_update() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM changed) THEN RETURN NULL; END IF;
  INSERT INTO engram.history (memory_id, version, event, actor, request_id, snapshot, tenant)
  SELECT b.id, b.version,
    CASE WHEN b.valid_to IS NULL AND c.valid_to IS NOT NULL THEN 'superseded' WHEN b.valid_to IS NOT NULL AND c.valid_to IS NULL THEN 'restored' ELSE 'updated' END,
    nullif(current_setting('engram.actor', true), ''), c.request_id, to_jsonb(b) - '{search,dedupe_key,slot_key}'::text[],
    engram.user_tenant(b.project_id, b.user_id)
  FROM before b JOIN changed c ON c.id = b.id WHERE c.version <> b.version
  ON CONFLICT DO NOTHING;

  PERFORM engram.mark_dirty(array_agg(c.id), array_agg(c.project_id::text || coalesce(c.user_id, '')), array_agg(c.request_id))
  FROM changed c JOIN before b ON b.id = c.id WHERE c.version <> b.version;

  -- To whom a memory was taken away it is told as well.
  PERFORM engram.tell_changes(array_agg(d.id), array_agg(d.project_id), array_agg(d.user_id))
  FROM before b JOIN changed c ON c.id = b.id
    CROSS JOIN LATERAL (SELECT c.id, c.project_id, c.user_id UNION SELECT b.id, b.project_id, b.user_id) d
  WHERE c.version <> b.version OR c.search IS DISTINCT FROM b.search;
  RETURN NULL;
END $$;

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
      array_agg(nullif(current_setting('engram.request_id', true), ''))),
    engram.tell_changes(array_agg(c.id), array_agg(c.project_id), array_agg(c.user_id)) FROM changed c;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION engram.memories_before_truncate() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE engram.history SET snapshot = NULL WHERE snapshot IS NOT NULL;
  INSERT INTO engram.history (memory_id, version, event, tenant)
  SELECT m.id, m.version, 'deleted', engram.user_tenant(m.project_id, m.user_id) FROM public.memories m ON CONFLICT DO NOTHING;
  PERFORM engram.mark_dirty(array_agg(m.id), array_agg(m.project_id::text || coalesce(m.user_id, '')), array_agg(NULL::text)),
    engram.tell_changes(array_agg(m.id), array_agg(m.project_id), array_agg(m.user_id)) FROM public.memories m;
  RETURN NULL;
END $$;
