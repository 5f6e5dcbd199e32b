-- Vectors in this database have the shape of the guide's table (id, user_id, memory, hash, embedding, metadata, created_at,
-- updated_at), so that those of the live model can stand in `public` under the configured name, where people read them.

-- The tables that stand, one for each model. `hash` was of the text and is now the guide's: unique for each memory.
DO $$
DECLARE name text;
BEGIN
  FOR name IN
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'engram' AND c.relkind = 'r'
      AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'embedding' AND NOT a.attisdropped)
      AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'fingerprint' AND NOT a.attisdropped)
  LOOP
    EXECUTE format('ALTER TABLE engram.%I RENAME COLUMN hash TO fingerprint', name);
    EXECUTE format($sql$ALTER TABLE engram.%I ALTER COLUMN version DROP NOT NULL, ALTER COLUMN fingerprint DROP NOT NULL, ALTER COLUMN embedding DROP NOT NULL,
      ADD COLUMN user_id text NOT NULL DEFAULT '', ADD COLUMN memory text NOT NULL DEFAULT '', ADD COLUMN hash text,
      ADD COLUMN metadata jsonb DEFAULT '{}', ADD COLUMN created_at timestamptz DEFAULT now(), ADD COLUMN updated_at timestamptz DEFAULT now()$sql$, name);
    EXECUTE format('UPDATE engram.%I SET hash = id::text', name);
    EXECUTE format($sql$UPDATE engram.%I v SET user_id = coalesce(m.user_id, ''), memory = m.content, metadata = m.metadata,
      created_at = m.created_at, updated_at = m.updated_at FROM public.memories m WHERE m.id = v.id$sql$, name);
    EXECUTE format($sql$ALTER TABLE engram.%I ALTER COLUMN user_id DROP DEFAULT, ALTER COLUMN memory DROP DEFAULT, ALTER COLUMN hash SET NOT NULL,
      ADD UNIQUE (hash)$sql$, name);
  END LOOP;
END $$;

-- A row that a person deletes from the public table is a deleted memory. Whoever keeps the index says so with the
-- transaction-local setting engram.index_author, which no session keeps: poolers may stand between. Rows without a version
-- are not ours.
CREATE FUNCTION engram.vectors_deleted() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  ids uuid[];
BEGIN
  IF current_setting('engram.index_author', true) = 'on' THEN RETURN NULL; END IF;
  ids := ARRAY(SELECT g.id FROM gone g WHERE g.version IS NOT NULL);
  IF cardinality(ids) > 0 THEN DELETE FROM public.memories WHERE id = ANY (ids); END IF;
  RETURN NULL;
END $$;

-- A truncated index is more likely to be wanted anew than a wish to forget everything, and the memories can make it again:
-- each gets its work row.
CREATE FUNCTION engram.vectors_truncated() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM engram.mark_dirty(array_agg(m.id), array_agg(m.project_id::text || coalesce(m.user_id, '')), array_agg(NULL::text))
  FROM public.memories m;
  RETURN NULL;
END $$;

-- The public table is ours as well: it is known by its trigger. Views of schema engram hold nothing, and are shut all the same.
CREATE OR REPLACE FUNCTION engram.lock_out() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE strangers text[]; stranger text; tbl record;
BEGIN
  SELECT array_agg(rolname::text) INTO strangers FROM pg_roles WHERE rolname IN ('anon', 'authenticated');
  IF strangers IS NULL THEN RETURN; END IF;
  FOR tbl IN
    SELECT c.oid, c.relrowsecurity, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE ((c.relkind IN ('r', 'v') AND n.nspname = 'engram') OR c.oid = to_regclass('public.memories')
      OR c.oid IN (SELECT t.tgrelid FROM pg_trigger t WHERE t.tgfoid = 'engram.vectors_deleted'::regproc))
      AND pg_has_role(c.relowner, 'USAGE')
  LOOP
    IF tbl.relkind = 'r' AND NOT tbl.relrowsecurity THEN
      EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', tbl.oid::regclass);
    END IF;
    FOREACH stranger IN ARRAY strangers LOOP
      IF has_table_privilege(stranger, tbl.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') THEN
        EXECUTE format('REVOKE ALL ON TABLE %s FROM PUBLIC, %I', tbl.oid::regclass, stranger);
      END IF;
    END LOOP;
  END LOOP;
  FOREACH stranger IN ARRAY strangers LOOP
    IF has_schema_privilege(stranger, 'engram', 'USAGE, CREATE') THEN
      EXECUTE format('REVOKE ALL ON SCHEMA engram FROM PUBLIC, %I', stranger);
    END IF;
  END LOOP;
END $$;
