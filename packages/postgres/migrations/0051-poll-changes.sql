-- Each search asks these, whose plans took ten times as long as their work: .7 ms of a processor, .07 since. In a function
-- they are planned once in a session, without named statements, which poolers do not allow. One plan does for all who ask,
-- for whatever is looked up has its key. A table that was small when the plan was made is not to be gone through for that,
-- and nothing is to be compiled first (jit), which would be done each time.

-- True where talk of the tenant waits, or could not be read. Each half has its index; before the table's first statistics the
-- plan may go by the owner's messages instead.
CREATE FUNCTION engram.talk_waits(tenant uuid) RETURNS boolean
  LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $$
BEGIN
  RETURN EXISTS (SELECT FROM engram.messages WHERE owner = tenant AND extracted_at IS NULL AND failed_at IS NULL)
    OR EXISTS (SELECT FROM engram.messages WHERE owner = tenant AND failed_at IS NOT NULL);
END $$;

-- Another text where what was read before need not be what stands: the server has started, from a backup perhaps, or the
-- table was filled past its triggers (restored, emptied, written anew).
CREATE FUNCTION engram.epoch() RETURNS text
  LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $$
BEGIN
  RETURN concat_ws(' ', extract(epoch FROM pg_postmaster_start_time()), pg_relation_filenode('public.memories'),
    (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()));
END $$;

-- Where the truth stands (`since`: the mark that the next poll is to begin from; `clock`: milliseconds since 1970, by the
-- clock that memories expire by), and of each of the tenants what has changed from its mark on, a row more than `changes_max`
-- at most, and whether talk of it waits.
CREATE FUNCTION engram.poll_changes(tenants uuid[], sinces xid8[], changes_max integer) RETURNS json
  LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $$
BEGIN
  RETURN (SELECT json_build_object('since', pg_snapshot_xmin(pg_current_snapshot())::text, 'toldFrom', t.told_from::text,
      'epoch', engram.epoch(), 'clock', (extract(epoch FROM statement_timestamp()) * 1000)::float8,
      'tenants', (
        SELECT json_agg(json_build_object('talkWaits', engram.talk_waits(a.tenant), 'changes', (
          SELECT json_agg(json_build_object('transaction', c.xid::text, 'ids', c.ids))
          FROM (SELECT c.xid, c.ids FROM engram.changes c WHERE c.tenant = a.tenant AND c.xid >= a.since LIMIT changes_max + 1) c)) ORDER BY a.n)
        FROM unnest(tenants, sinces) WITH ORDINALITY a (tenant, since, n)))
    FROM engram.changes_told t WHERE t.one);
END $$;
