-- The same words for a third of the time, which every write pays. What a generated column calls is read and planned anew by
-- each statement when it is written in SQL, and once for a connection in PL/pgSQL. `translate` compares each character with
-- its list from the front: so none for characters that are not there, and the commonest letters first, as themselves.

CREATE OR REPLACE FUNCTION engram.search_fold(content text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF content ~ '[^\x01-\x7f]' THEN
    IF content ~ '[À-ÖØ-öø-ž]' THEN
      content := translate(content,
        'ÀÁÂÃÄÅĀĂĄàáâãäåāăąÇĆČçćčĎĐďđÈÉÊËĒĖĘĚèéêëēėęěĞğÌÍÎÏĪĮİìíîïīįıŁłÑŃŇñńňÒÓÔÕÖØŌŐòóôõöøōőŘřŚŞŠśşšŤťÙÚÛÜŪŮŰùúûüūůűÝýÿŹŻŽźżž',
        'aaaaaaaaaaaaaaaaaaccccccddddeeeeeeeeeeeeeeeeggiiiiiiiiiiiiiillnnnnnnoooooooooooooooorrssssssttuuuuuuuuuuuuuuyyyzzzzzz');
    END IF;
    IF content ~ '[А-ЯЁёІЇЄҐЎ]' THEN
      content := translate(content,
        ' оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЁёІЇЄҐЎ',
        ' оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъабвгдежзийклмнопрстуфхцчшщъыьэюяееіїєґў');
    END IF;
    IF content ~ '[«»„“”‘—–…№•·،。、，！？：；（）「」]' THEN
      content := translate(content, '«»„“”‘—–…№•·،。、，！？：；（）「」', '                        ');
    END IF;
  END IF;
  IF content ~ '[-_/.:@#+=*|\\]' THEN
    content := translate(content, '-_/.:@#+=*|\', '            ');
  END IF;
  RETURN content;
END $$;

-- A name of two words has 65 characters at most. SECURITY DEFINER, so that a role that may only write public.memories need
-- not see schema engram, whose functions are looked up when it runs.
CREATE OR REPLACE FUNCTION engram.search_document(content text, occurred_at timestamptz) RETURNS tsvector
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN engram.search_words(content, true)
    || CASE WHEN strpos(content, ': ') BETWEEN 2 AND 66 THEN engram.search_speaker(content) ELSE ''::tsvector END
    || engram.search_days(occurred_at);
END $$;

-- The outbox likewise: in SQL it was read and planned by every statement, and twice by one that may merge, since ON
-- CONFLICT fires the triggers of updates whether a row was updated or not. (Both as they stood, but for that.)
CREATE OR REPLACE FUNCTION engram.mark_dirty(ids uuid[], owners text[], request_ids text[]) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO engram.outbox AS o (topic, key, fair, lane, request_id)
  SELECT 'index:' || t.name, d.id, hashtext(d.owner), (cardinality(ids) > 64)::int, d.request_id
  FROM unnest(ids, owners, request_ids) AS d (id, owner, request_id) CROSS JOIN engram.index_targets t WHERE t.state <> 'retired' ORDER BY 1, 2
  ON CONFLICT (topic, key) DO UPDATE SET gen = o.gen + 1, attempts = 0, parked_at = NULL, discarded_at = NULL, error = NULL,
    request_id = excluded.request_id, lane = LEAST(o.lane, excluded.lane),
    due_at = CASE WHEN o.lease IS NULL THEN LEAST(o.due_at, excluded.due_at) ELSE o.due_at END;
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
  RETURN NULL;
END $$;

-- What two generated columns call; as they stood.
CREATE OR REPLACE FUNCTION engram.dedupe_key(project_id uuid, user_id text, level text, type text, session_id text, agent_id text, key text, content text)
  RETURNS uuid LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN CASE WHEN type <> 'interaction' THEN md5(project_id::text || md5(coalesce(user_id, '')) || level || ':' || type || ':'
    || md5(CASE level WHEN 'session' THEN coalesce(session_id, '') WHEN 'agent' THEN coalesce(agent_id, '') ELSE '' END)
    || md5(coalesce(key, '')) || md5(content))::uuid END;
END $$;

CREATE OR REPLACE FUNCTION engram.slot_key(project_id uuid, user_id text, level text, type text, session_id text, agent_id text, key text)
  RETURNS uuid LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN CASE WHEN key IS NOT NULL AND type <> 'interaction' THEN md5(project_id::text || md5(coalesce(user_id, '')) || level || ':'
    || md5(CASE level WHEN 'session' THEN coalesce(session_id, '') WHEN 'agent' THEN coalesce(agent_id, '') ELSE '' END)
    || md5(key))::uuid END;
END $$;

-- The elements of both in the order of their first appearance, none twice.
CREATE FUNCTION engram.union_in_order(one anyarray, other anyarray) RETURNS anyarray LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF one @> other THEN RETURN one; END IF;
  RETURN ARRAY(SELECT element FROM unnest(one || other) WITH ORDINALITY AS elements (element, n) GROUP BY element ORDER BY min(n));
END $$;

-- Of every row that an answer shows; as it stood.
CREATE OR REPLACE FUNCTION engram.index_status(memory_id uuid) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN coalesce((
    SELECT CASE
      WHEN o.parked_at IS NOT NULL THEN 'failed'
      WHEN o.lease IS NULL AND o.attempts = 0 AND o.doubt_until IS NOT NULL AND o.due_at >= o.doubt_until THEN 'indexed'
      ELSE 'pending' END
    FROM engram.index_targets t JOIN engram.outbox o ON o.topic = 'index:' || t.name AND o.key = memory_id
    WHERE t.state = 'live'), 'indexed');
END $$;
