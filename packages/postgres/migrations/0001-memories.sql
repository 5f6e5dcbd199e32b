-- The truth: memories in public, everything else of ours in schema engram.

CREATE SCHEMA IF NOT EXISTS engram;

CREATE TABLE engram.projects (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO engram.projects (id, name) VALUES ('00000000-0000-7000-8000-000000000001', 'default');

-- Keys that are issued; those of MEM0_API_KEY live in the environment and belong to the default project.
CREATE TABLE engram.keys (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  project_id uuid NOT NULL REFERENCES engram.projects (id),
  name text NOT NULL,
  secret_sha256 bytea NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  revoked_at timestamptz
);

CREATE SEQUENCE engram.memory_version;

-- The words of a text. PostgreSQL's configuration "russian" stems ASCII words with the English stemmer and the rest with
-- the Russian one, so that both languages live in one row. The expression is rebuildable: replace the function, then
-- UPDATE memories SET content = content, which changes no version.
CREATE FUNCTION engram.search_vector(content text) RETURNS tsvector
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN to_tsvector('pg_catalog.russian'::regconfig, translate(content, 'ёЁ', 'еЕ'));

-- What decides sameness: equal live states are one memory. NULL (events, retired rows) is never equal to anything.
CREATE FUNCTION engram.dedupe_key(project_id uuid, user_id text, level text, type text, session_id text, agent_id text, key text, content text)
  RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN type <> 'interaction' THEN md5(project_id::text || md5(coalesce(user_id, '')) || level || ':' || type || ':'
    || md5(CASE level WHEN 'session' THEN coalesce(session_id, '') WHEN 'agent' THEN coalesce(agent_id, '') ELSE '' END)
    || md5(coalesce(key, '')) || md5(content))::uuid END;

-- What a key names: at most one live state.
CREATE FUNCTION engram.slot_key(project_id uuid, user_id text, level text, type text, session_id text, agent_id text, key text)
  RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN key IS NOT NULL AND type <> 'interaction' THEN md5(project_id::text || md5(coalesce(user_id, '')) || level || ':'
    || md5(CASE level WHEN 'session' THEN coalesce(session_id, '') WHEN 'agent' THEN coalesce(agent_id, '') ELSE '' END)
    || md5(key))::uuid END;

CREATE TABLE public.memories (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  project_id uuid NOT NULL DEFAULT '00000000-0000-7000-8000-000000000001',
  user_id text,
  agent_id text,
  session_id text,
  level text NOT NULL DEFAULT 'user' CHECK (level IN ('user', 'session', 'agent')),
  type text NOT NULL DEFAULT 'fact',
  key text,
  content text NOT NULL CHECK (content <> ''),
  metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
  importance real CHECK (importance BETWEEN 0 AND 1),
  categories text[] NOT NULL DEFAULT '{}',
  -- Every session and agent that told it; session_id and agent_id are the latest.
  session_ids text[] NOT NULL DEFAULT '{}',
  agent_ids text[] NOT NULL DEFAULT '{}',
  -- Where it comes from: messages, role, model, prompt, trust.
  source_message_ids uuid[] NOT NULL DEFAULT '{}',
  provenance jsonb NOT NULL DEFAULT '{}',
  occurred_at timestamptz NOT NULL DEFAULT now(),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  valid_from timestamptz NOT NULL DEFAULT now(),
  valid_to timestamptz,
  superseded_by uuid,
  seen_count integer NOT NULL DEFAULT 1,
  last_seen_at timestamptz NOT NULL DEFAULT now(),
  version bigint NOT NULL DEFAULT nextval('engram.memory_version'),
  request_id text,
  dedupe_key uuid GENERATED ALWAYS AS (
    CASE WHEN valid_to IS NULL THEN engram.dedupe_key(project_id, user_id, level, type, session_id, agent_id, key, content) END
  ) STORED UNIQUE,
  slot_key uuid GENERATED ALWAYS AS (
    CASE WHEN valid_to IS NULL THEN engram.slot_key(project_id, user_id, level, type, session_id, agent_id, key) END
  ) STORED UNIQUE,
  search tsvector GENERATED ALWAYS AS (engram.search_vector(content)) STORED,
  CHECK (level <> 'session' OR session_id IS NOT NULL),
  CHECK (level <> 'agent' OR agent_id IS NOT NULL)
);
-- The guide's names, over the columns that its queries and ours share.
CREATE INDEX idx_memories_user_id ON public.memories (user_id, project_id, created_at DESC, id);
CREATE INDEX idx_memories_type ON public.memories (type);
CREATE INDEX idx_memories_created_at ON public.memories (created_at);
CREATE INDEX idx_memories_agent_id ON public.memories (agent_id, project_id) WHERE user_id IS NULL;
CREATE INDEX idx_memories_session_id ON public.memories (session_id, project_id) WHERE level = 'session';
CREATE INDEX idx_memories_search ON public.memories USING gin (search);

-- A version that is no longer current: what it looked like (`snapshot`), and what ended it (event, actor, request, at).
-- The current version is the row itself. Of a deleted memory the lines stay, their snapshots do not.
CREATE TABLE engram.history (
  memory_id uuid NOT NULL,
  version bigint NOT NULL,
  event text NOT NULL CHECK (event IN ('updated', 'superseded', 'restored', 'deleted')),
  actor text,
  request_id text,
  snapshot jsonb,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (memory_id, version)
);

CREATE TABLE engram.index_targets (
  name text PRIMARY KEY,
  state text NOT NULL CHECK (state IN ('live', 'filling', 'retired')),
  model text,
  dims integer,
  calibration jsonb,
  created_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  cursor_id uuid
);
CREATE UNIQUE INDEX index_targets_live ON engram.index_targets (state) WHERE state = 'live';
-- Model and dims stay NULL until a worker has probed the embedder; without this row the first writes would ask for nothing.
INSERT INTO engram.index_targets (name, state) VALUES ('main', 'live');

CREATE TABLE engram.outbox (
  topic text NOT NULL,
  key uuid NOT NULL,
  fair integer NOT NULL DEFAULT 0,
  lane smallint NOT NULL DEFAULT 0,
  gen bigint NOT NULL DEFAULT 1,
  due_at timestamptz NOT NULL DEFAULT now(),
  created_at timestamptz NOT NULL DEFAULT now(),
  lease uuid,
  doubt_until timestamptz,
  attempts integer NOT NULL DEFAULT 0,
  parked_at timestamptz,
  error text,
  request_id text,
  PRIMARY KEY (topic, key)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
CREATE INDEX outbox_due ON engram.outbox (topic, lane, due_at) WHERE parked_at IS NULL;
CREATE INDEX outbox_fair ON engram.outbox (topic, lane, fair, due_at) WHERE parked_at IS NULL;

-- No work row, or one that only waits out its doubt: indexed. Parked: failed. Else pending. The live target decides.
CREATE FUNCTION engram.index_status(memory_id uuid) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce((
    SELECT CASE
      WHEN o.parked_at IS NOT NULL THEN 'failed'
      WHEN o.lease IS NULL AND o.attempts = 0 AND o.doubt_until IS NOT NULL AND o.due_at >= o.doubt_until THEN 'indexed'
      ELSE 'pending' END
    FROM engram.index_targets t JOIN engram.outbox o ON o.topic = 'index:' || t.name AND o.key = memory_id
    WHERE t.state = 'live'), 'indexed')
$$;
