-- Triggers keep version, outbox and history, nothing clever: every door (API, worker, bulk load, psql) is the same door.
-- SECURITY DEFINER, so that a role that may only write public.memories need not see schema engram.

-- A new version whenever readers or the index may see a difference. Named columns, never whole rows: generated columns
-- are NULL in NEW. Being told again (seen_count, last_seen_at) is no change; where it was told changes the index alone.
CREATE FUNCTION engram.memories_before_update() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.id := OLD.id;
  IF (NEW.content, NEW.type, NEW.key, NEW.metadata, NEW.importance, NEW.categories, NEW.occurred_at, NEW.expires_at, NEW.valid_from, NEW.valid_to,
      NEW.superseded_by, NEW.project_id, NEW.user_id, NEW.level, NEW.created_at, NEW.source_message_ids, NEW.provenance)
    IS DISTINCT FROM
     (OLD.content, OLD.type, OLD.key, OLD.metadata, OLD.importance, OLD.categories, OLD.occurred_at, OLD.expires_at, OLD.valid_from, OLD.valid_to,
      OLD.superseded_by, OLD.project_id, OLD.user_id, OLD.level, OLD.created_at, OLD.source_message_ids, OLD.provenance) THEN
    NEW.version := nextval('engram.memory_version');
    NEW.updated_at := now();
  ELSIF (NEW.session_id, NEW.agent_id, NEW.session_ids, NEW.agent_ids)
    IS DISTINCT FROM (OLD.session_id, OLD.agent_id, OLD.session_ids, OLD.agent_ids) THEN
    NEW.version := nextval('engram.memory_version');
    NEW.updated_at := OLD.updated_at;
  ELSE
    NEW.version := OLD.version;
    NEW.updated_at := OLD.updated_at;
  END IF;
  IF NEW.request_id IS NOT DISTINCT FROM OLD.request_id THEN
    NEW.request_id := nullif(current_setting('engram.request_id', true), '');
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER engram_before_update BEFORE UPDATE ON public.memories
  FOR EACH ROW EXECUTE FUNCTION engram.memories_before_update();

-- Raw INSERTs give one session or agent, or none: the arrays follow.
CREATE FUNCTION engram.memories_before_insert() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.session_id IS NOT NULL AND NEW.session_ids = '{}' THEN NEW.session_ids := ARRAY[NEW.session_id]; END IF;
  IF NEW.agent_id IS NOT NULL AND NEW.agent_ids = '{}' THEN NEW.agent_ids := ARRAY[NEW.agent_id]; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER engram_before_insert BEFORE INSERT ON public.memories
  FOR EACH ROW WHEN (NEW.session_id IS NOT NULL OR NEW.agent_id IS NOT NULL) EXECUTE FUNCTION engram.memories_before_insert();

-- The one way into the outbox. A statement of more than 64 rows is bulk and goes into lane 1, behind single writes.
-- A lease is never broken: whoever holds it sees at its acknowledgement that the generation has moved.
CREATE FUNCTION engram.mark_dirty(ids uuid[], owners text[], request_ids text[]) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO engram.outbox AS o (topic, key, fair, lane, request_id)
  SELECT 'index:' || t.name, d.id, hashtext(d.owner), (cardinality(ids) > 64)::int, d.request_id
  FROM unnest(ids, owners, request_ids) AS d (id, owner, request_id) CROSS JOIN engram.index_targets t WHERE t.state <> 'retired' ORDER BY 1, 2
  ON CONFLICT (topic, key) DO UPDATE SET gen = o.gen + 1, attempts = 0, parked_at = NULL, error = NULL, request_id = excluded.request_id,
    lane = LEAST(o.lane, excluded.lane), due_at = CASE WHEN o.lease IS NULL THEN LEAST(o.due_at, excluded.due_at) ELSE o.due_at END
$$;

CREATE FUNCTION engram.memories_after_insert() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM engram.mark_dirty(array_agg(c.id), array_agg(c.project_id::text || coalesce(c.user_id, '')),
    array_agg(coalesce(c.request_id, nullif(current_setting('engram.request_id', true), '')))) FROM changed c;
  RETURN NULL;
END $$;
CREATE TRIGGER engram_after_insert AFTER INSERT ON public.memories REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION engram.memories_after_insert();

CREATE FUNCTION engram.memories_after_update() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO engram.history (memory_id, version, event, actor, request_id, snapshot)
  SELECT b.id, b.version,
    CASE WHEN b.valid_to IS NULL AND c.valid_to IS NOT NULL THEN 'superseded' WHEN b.valid_to IS NOT NULL AND c.valid_to IS NULL THEN 'restored' ELSE 'updated' END,
    nullif(current_setting('engram.actor', true), ''), c.request_id, to_jsonb(b) - '{search,dedupe_key,slot_key}'::text[]
  FROM before b JOIN changed c ON c.id = b.id WHERE c.version <> b.version
  ON CONFLICT DO NOTHING;

  PERFORM engram.mark_dirty(array_agg(c.id), array_agg(c.project_id::text || coalesce(c.user_id, '')), array_agg(c.request_id))
  FROM changed c JOIN before b ON b.id = c.id WHERE c.version <> b.version;
  RETURN NULL;
END $$;
CREATE TRIGGER engram_after_update AFTER UPDATE ON public.memories REFERENCING OLD TABLE AS before NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION engram.memories_after_update();

-- Deleting means gone: content leaves the history with the row; a line without content stays for the audit.
CREATE FUNCTION engram.memories_after_delete() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE engram.history h SET snapshot = NULL FROM changed c WHERE h.memory_id = c.id;
  INSERT INTO engram.history (memory_id, version, event, actor, request_id)
  SELECT c.id, c.version, 'deleted', nullif(current_setting('engram.actor', true), ''), nullif(current_setting('engram.request_id', true), '')
  FROM changed c ON CONFLICT DO NOTHING;

  PERFORM engram.mark_dirty(array_agg(c.id), array_agg(c.project_id::text || coalesce(c.user_id, '')),
    array_agg(nullif(current_setting('engram.request_id', true), ''))) FROM changed c;
  RETURN NULL;
END $$;
CREATE TRIGGER engram_after_delete AFTER DELETE ON public.memories REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION engram.memories_after_delete();

CREATE FUNCTION engram.memories_before_truncate() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE engram.history SET snapshot = NULL WHERE snapshot IS NOT NULL;
  INSERT INTO engram.history (memory_id, version, event)
  SELECT m.id, m.version, 'deleted' FROM public.memories m ON CONFLICT DO NOTHING;
  PERFORM engram.mark_dirty(array_agg(m.id), array_agg(m.project_id::text || coalesce(m.user_id, '')), array_agg(NULL::text))
  FROM public.memories m;
  RETURN NULL;
END $$;
CREATE TRIGGER engram_before_truncate BEFORE TRUNCATE ON public.memories
  FOR EACH STATEMENT EXECUTE FUNCTION engram.memories_before_truncate();
