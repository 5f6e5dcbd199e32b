-- Answers to writes that carried an Idempotency-Key, each written by the statement of its effect, kept for 24 hours.
-- Neither the key nor the body stands here, only digests, the second one keyed with the first one's secret: whoever
-- reads this table cannot try out what was said.
CREATE TABLE engram.idempotency (
  -- sha256 of the project, the key's holder and the key.
  key_hash bytea PRIMARY KEY,
  -- HMAC-SHA256 of method, path and body under the key.
  request_hash bytea NOT NULL,
  project_id uuid NOT NULL,
  -- Whose memory it was about, where it was about one user's, so that erasing a person reaches it. Blank such a row
  -- (result, user_id and memory_id NULL) and leave it: without it, a retry would write the memory again.
  user_id text,
  -- The memory whose content the result holds.
  memory_id uuid,
  -- False: a write of several statements has begun, and nobody has answered it yet.
  done boolean NOT NULL DEFAULT true,
  -- What is needed to give the same answer again; of a write under way, how far it has got. NULL once it is done:
  -- it held the content of a memory that is gone.
  result json,
  -- What the first answer to a request that waited for the index said of it.
  index_status text,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idempotency_memory_id ON engram.idempotency (memory_id) WHERE memory_id IS NOT NULL;
CREATE INDEX idempotency_user_id ON engram.idempotency (user_id, project_id) WHERE user_id IS NOT NULL;
CREATE INDEX idempotency_created_at ON engram.idempotency (created_at);

-- Deleting means gone: an answer does not outlive the memory whose content it holds, by whatever door that went.
-- An array and not a join: its plan is kept for the session, and must suit one row as well as 100,000.
CREATE FUNCTION engram.blank_answers() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  ids uuid[];
BEGIN
  IF EXISTS (SELECT FROM engram.idempotency WHERE memory_id IS NOT NULL) THEN
    SELECT array_agg(c.id) INTO ids FROM changed c;
    UPDATE engram.idempotency SET result = NULL WHERE memory_id = ANY (ids) AND result IS NOT NULL;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER engram_after_delete_answers AFTER DELETE ON public.memories REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION engram.blank_answers();

CREATE FUNCTION engram.blank_all_answers() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE engram.idempotency SET result = NULL WHERE memory_id IS NOT NULL AND result IS NOT NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER engram_before_truncate_answers BEFORE TRUNCATE ON public.memories
  FOR EACH STATEMENT EXECUTE FUNCTION engram.blank_all_answers();
