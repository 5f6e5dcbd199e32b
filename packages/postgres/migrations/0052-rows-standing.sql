-- Of memories that were read before, each with its version and owner: an entry for each that does not stand as it was read, live,
-- seen once and indexed; NULL: all do. An entry is its place among the ids (from 1 on), how often it was seen (NULL: it is
-- gone, retired, expired, another's or another version), and its index status. Kept plans as in 0051. Each is looked up by its
-- key: OFFSET keeps a plan that was made for small tables from going through a whole index instead. Only of what has work
-- is the status made, which takes longer than all the rest.
CREATE FUNCTION engram.rows_standing(ids uuid[], versions bigint[], project_ids uuid[], user_ids text[]) RETURNS json
  LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $$
DECLARE
  live text := (SELECT 'index:' || t.name FROM engram.index_targets t WHERE t.state = 'live');
BEGIN
  RETURN (SELECT json_agg(json_build_array(s.n, s.seen_count, s.index_status)) FROM (
      SELECT a.n, m.seen_count, CASE WHEN o.key IS NULL THEN 'indexed' ELSE engram.index_status(a.id) END AS index_status
      FROM unnest(ids, versions, project_ids, user_ids) WITH ORDINALITY a (id, version, project_id, user_id, n)
        LEFT JOIN LATERAL (SELECT m.seen_count FROM public.memories m WHERE m.id = a.id AND m.version = a.version
          AND m.project_id = a.project_id AND m.user_id = a.user_id
          AND m.valid_to IS NULL AND (m.expires_at IS NULL OR m.expires_at > statement_timestamp()) OFFSET 0) m ON true
        LEFT JOIN LATERAL (SELECT o.key FROM engram.outbox o WHERE o.topic = live AND o.key = a.id OFFSET 0) o ON true) s
    WHERE s.seen_count IS DISTINCT FROM 1 OR s.index_status <> 'indexed');
END $$;
