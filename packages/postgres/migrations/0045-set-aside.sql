-- Talk that cannot be read: what a model cannot read at once is read in smaller parts, and what it cannot read at all is set
-- aside, where an operator sees it, until somebody has it read again.

-- So many messages at most are read by one call that begins with this one; NULL: as many as fit.
ALTER TABLE engram.messages ADD COLUMN batch_max smallint CHECK (batch_max > 0);
CREATE INDEX messages_set_aside ON engram.messages (owner) WHERE failed_at IS NOT NULL;
CREATE INDEX events_failed ON engram.events (owner) WHERE error IS NOT NULL;

-- The other way into the outbox, after that of new messages (0030): one that was set aside waits again, whoever says so. The
-- events that failed with it are open again too. For each row, since the condition spares all other changes the call.
CREATE FUNCTION engram.messages_again() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE engram.events SET completed_at = NULL, error = NULL WHERE owner = NEW.owner AND error IS NOT NULL AND message_ids @> ARRAY[NEW.id];
  INSERT INTO engram.outbox AS o (topic, key, fair, due_at)
  VALUES ('extract', NEW.owner, hashtext(NEW.project_id::text || coalesce(NEW.user_id, '')), now())
  ON CONFLICT (topic, key) DO UPDATE SET gen = o.gen + 1, attempts = 0, parked_at = NULL, discarded_at = NULL, error = NULL,
    due_at = CASE WHEN o.lease IS NULL THEN LEAST(o.due_at, excluded.due_at) ELSE o.due_at END;
  RETURN NULL;
END $$;
CREATE TRIGGER engram_after_update AFTER UPDATE ON engram.messages FOR EACH ROW
  WHEN (OLD.failed_at IS NOT NULL AND NEW.failed_at IS NULL AND NEW.extracted_at IS NULL) EXECUTE FUNCTION engram.messages_again();

-- As in 0030, with what is set aside: nothing comes of it by itself, so it is forgotten like what has been read. With it goes
-- its parked work. Of the same project alone: another's user of that name is somebody else.
CREATE OR REPLACE FUNCTION engram.forget_messages() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  sources uuid[];
  users text[];
  owners uuid[];
BEGIN
  IF NOT EXISTS (SELECT FROM engram.messages) THEN RETURN NULL; END IF;
  SELECT array_agg(DISTINCT s.id) INTO sources FROM changed c, unnest(c.source_message_ids) AS s (id) WHERE c.source_message_ids <> '{}';
  IF sources IS NOT NULL THEN
    UPDATE engram.messages SET content = '', name = NULL, extracted_at = coalesce(extracted_at, now()), failed_at = NULL
    WHERE id = ANY (sources) AND (extracted_at IS NOT NULL OR failed_at IS NOT NULL) AND content <> '';
  END IF;
  SELECT array_agg(DISTINCT c.user_id) INTO users FROM changed c WHERE c.user_id IS NOT NULL;
  WITH gone AS (
    DELETE FROM engram.messages m WHERE m.user_id = ANY (users) AND (m.extracted_at IS NOT NULL OR m.failed_at IS NOT NULL)
      AND (m.project_id, m.user_id) IN (SELECT c.project_id, c.user_id FROM changed c)
      AND NOT EXISTS (SELECT FROM public.memories x WHERE x.user_id = m.user_id AND x.project_id = m.project_id) RETURNING m.owner)
  SELECT array_agg(DISTINCT g.owner) INTO owners FROM gone g;
  DELETE FROM engram.outbox o WHERE o.topic = 'extract' AND o.key = ANY (owners) AND o.parked_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM engram.messages m WHERE m.owner = o.key AND m.extracted_at IS NULL);
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION engram.forget_all_messages() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM engram.messages WHERE extracted_at IS NOT NULL OR failed_at IS NOT NULL;
  DELETE FROM engram.outbox WHERE topic = 'extract' AND parked_at IS NOT NULL;
  RETURN NULL;
END $$;

-- What was set aside before is seen from now on.
INSERT INTO engram.outbox AS o (topic, key, fair, parked_at, error)
SELECT DISTINCT ON (m.owner) 'extract', m.owner, hashtext(m.project_id::text || coalesce(m.user_id, '')), m.failed_at,
  'invalid: talk that could not be read is set aside' FROM engram.messages m WHERE m.failed_at IS NOT NULL
ORDER BY m.owner, m.failed_at DESC
ON CONFLICT (topic, key) DO NOTHING;
