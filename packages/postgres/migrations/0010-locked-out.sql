-- Supabase serves every table that its roles `anon` and `authenticated` may see to whoever has the project's public key, and
-- grants them all new tables of `public`. Ours are shut to both, twice over: nothing granted, and row-level security without a
-- policy, which does not bind their owner. Where the roles do not exist nothing is touched. Asks the catalog first, so that a
-- start at which all is well takes no lock.
CREATE FUNCTION engram.lock_out() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE strangers text[]; stranger text; tbl record;
BEGIN
  SELECT array_agg(rolname::text) INTO strangers FROM pg_roles WHERE rolname IN ('anon', 'authenticated');
  IF strangers IS NULL THEN RETURN; END IF;
  FOR tbl IN
    SELECT c.oid, c.relrowsecurity FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND (n.nspname = 'engram' OR c.oid = to_regclass('public.memories')) AND pg_has_role(c.relowner, 'USAGE')
  LOOP
    IF NOT tbl.relrowsecurity THEN
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
