-- Raw talk: kept and findable at commit, extracted later. What becomes of one call of `add` is its event.

CREATE TABLE engram.events (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL,
  user_id text,
  agent_id text,
  session_id text,
  -- Whose talk it is (`tenantOf` of the domain), and the key of the work: one owner's talk is extracted by one at a time.
  owner uuid NOT NULL,
  -- All messages of the call, those too that were known before.
  message_ids uuid[] NOT NULL,
  metadata jsonb NOT NULL DEFAULT '{}',
  wishes jsonb NOT NULL DEFAULT '{}',
  -- Of the memories that come of it.
  memory_expires_at timestamptz,
  -- [{id, event}]: ids alone, so that a memory that is gone leaves nothing here.
  results jsonb NOT NULL DEFAULT '[]',
  error text,
  request_id text,
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  completed_at timestamptz
);
CREATE INDEX events_open ON engram.events (owner) WHERE completed_at IS NULL;
CREATE INDEX events_completed_at ON engram.events (completed_at);
CREATE INDEX events_created_at ON engram.events (project_id, created_at DESC, id);
CREATE INDEX events_user_id ON engram.events (user_id, project_id) WHERE user_id IS NOT NULL;

-- In the order of their ids, which the application makes in the order of the call (UUIDv7).
CREATE TABLE engram.messages (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL,
  user_id text,
  agent_id text,
  session_id text,
  owner uuid NOT NULL,
  event_id uuid NOT NULL,
  role text NOT NULL CHECK (role IN ('user', 'assistant', 'system', 'tool')),
  name text,
  -- '' once a memory that came of it has been deleted.
  content text NOT NULL,
  said_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- The words alone, and the words with what they followed where they are too few to mean the same by themselves.
  text_hash uuid NOT NULL,
  sameness uuid NOT NULL UNIQUE,
  -- When its extraction is due at the earliest, so that several calls at once are extracted by one.
  due_at timestamptz NOT NULL,
  extracted_at timestamptz,
  -- An answer about it alone could not be read, so often.
  attempts integer NOT NULL DEFAULT 0,
  failed_at timestamptz,
  request_id text,
  search tsvector GENERATED ALWAYS AS (engram.search_document(content, said_at)) STORED
);
CREATE INDEX messages_waiting ON engram.messages (owner, id) WHERE extracted_at IS NULL AND failed_at IS NULL;
CREATE INDEX messages_searchable ON engram.messages USING gin (search) WHERE extracted_at IS NULL;
CREATE INDEX messages_session ON engram.messages (owner, session_id, id);
CREATE INDEX messages_owner ON engram.messages (owner, id);
CREATE INDEX messages_text_hash ON engram.messages (owner, text_hash);
CREATE INDEX messages_user_id ON engram.messages (user_id, project_id) WHERE user_id IS NOT NULL;

CREATE INDEX idx_memories_source_messages ON public.memories USING gin (source_message_ids) WHERE source_message_ids <> '{}';

-- Like the triggers of memories: the one way into the outbox. A later message never pushes the work back, and never breaks
-- a lease; a message that is kept verbatim asks for nothing.
CREATE FUNCTION engram.messages_after_insert() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO engram.outbox AS o (topic, key, fair, due_at, request_id)
  SELECT 'extract', c.owner, hashtext(c.project_id::text || coalesce(c.user_id, '')), min(c.due_at), max(c.request_id)
  FROM changed c WHERE c.extracted_at IS NULL GROUP BY c.owner, c.project_id, c.user_id ORDER BY 2
  ON CONFLICT (topic, key) DO UPDATE SET gen = o.gen + 1, attempts = 0, parked_at = NULL, error = NULL, request_id = excluded.request_id,
    due_at = CASE WHEN o.lease IS NULL THEN LEAST(o.due_at, excluded.due_at) ELSE o.due_at END;
  RETURN NULL;
END $$;
CREATE TRIGGER engram_after_insert AFTER INSERT ON engram.messages REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION engram.messages_after_insert();

-- Deleting means gone: messages no longer tell what a deleted memory said, and those of a user without any memory go. Of a
-- message that is blanked the hashes stay, so that a client which sends its history again does not bring it back.
CREATE FUNCTION engram.forget_messages() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  sources uuid[];
  users text[];
BEGIN
  IF NOT EXISTS (SELECT FROM engram.messages) THEN RETURN NULL; END IF;
  SELECT array_agg(DISTINCT s.id) INTO sources FROM changed c, unnest(c.source_message_ids) AS s (id) WHERE c.source_message_ids <> '{}';
  IF sources IS NOT NULL THEN
    UPDATE engram.messages SET content = '', name = NULL WHERE id = ANY (sources) AND extracted_at IS NOT NULL AND content <> '';
  END IF;
  SELECT array_agg(DISTINCT c.user_id) INTO users FROM changed c WHERE c.user_id IS NOT NULL;
  DELETE FROM engram.messages m WHERE m.user_id = ANY (users) AND m.extracted_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM public.memories x WHERE x.user_id = m.user_id AND x.project_id = m.project_id);
  RETURN NULL;
END $$;
CREATE TRIGGER engram_after_delete_messages AFTER DELETE ON public.memories REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION engram.forget_messages();

CREATE FUNCTION engram.forget_all_messages() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM engram.messages WHERE extracted_at IS NOT NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER engram_before_truncate_messages BEFORE TRUNCATE ON public.memories
  FOR EACH STATEMENT EXECUTE FUNCTION engram.forget_all_messages();
