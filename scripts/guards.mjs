/**
 * What keeps the protocol, each with how it is taken away and the test that has to notice: `text` stands in `file` exactly
 * once and becomes `broken`, and so does what is `also` to be changed; `tests` is a path and a pattern of names.
 *
 * @typedef {{ file: string, text: string, broken: string }} Edit
 * @typedef {Edit & { guard: string, also?: readonly Edit[], tests: { path: string, name: string } }} Guard
 */

const outbox = "packages/postgres/src/outbox.ts";
const triggers = "packages/postgres/migrations/0043-cost-of-a-write.sql";
const memories = "packages/postgres/migrations/0001-memories.sql";
const vectors = "packages/postgres/migrations/0040-vectors-table.sql";
const converge = "packages/memory/src/converge.ts";

const contract = (name) => ({ path: "packages/postgres/test/outbox.test.ts", name });
const crashPoints = (name) => ({ path: "packages/memory/test/crash-points.test.ts", name });
const store = (name) => ({ path: "packages/postgres/test/memory-store.test.ts", name });
const filters = (name) => ({ path: "packages/sockets/test/filters.test.ts", name });
const points = { path: "packages/sockets/test/points.test.ts", name: "no wrong hit" };
const publicTable = (name) => ({ path: "packages/pgvector/test/public-table.test.ts", name });
const talk = "packages/postgres/src/talk/extractions.ts";
const setAside = "packages/postgres/migrations/0045-set-aside.sql";
const reading = (name) => ({ path: "packages/postgres/test/reading.test.ts", name });
const again = (name) => ({ path: "packages/postgres/test/set-aside.test.ts", name });
const together = (name) => ({ path: "packages/postgres/test/add-together.test.ts", name });
const graph = (name) => ({ path: "packages/pgvector/test/graph-search.test.ts", name });
const changes = "packages/postgres/migrations/0050-changes.sql";
const poll = "packages/postgres/migrations/0051-poll-changes.sql";
const standing = "packages/postgres/migrations/0052-rows-standing.sql";
const replica = "packages/memory/src/working-set/replica.ts";
const told = (name) => ({ path: "packages/postgres/test/searchable-rows.test.ts", name });
const held = (name) => ({ path: "packages/pgvector/test/held-searches.test.ts", name });
const sets = (name) => ({ path: "packages/memory/src/working-set/working-sets.test.ts", name });
const ranking = (name) => ({ path: "packages/memory/src/rank.test.ts", name });

/** @type {readonly Guard[]} */
export const guards = [
  {
    guard: "the token, at the acknowledgement",
    file: outbox,
    text: "WHERE o.lease = $1::uuid FOR UPDATE OF o SKIP LOCKED),\ngone",
    broken: "WHERE (o.lease = $1::uuid OR true) FOR UPDATE OF o SKIP LOCKED),\ngone",
    tests: contract("only the holder of the token can acknowledge"),
  },
  {
    guard: "the token, at a failure",
    file: outbox,
    text: "WHERE o.lease = $1::uuid FOR UPDATE OF o SKIP LOCKED) d\nWHERE (o.topic, o.key) = (d.topic, d.key) RETURNING 1 AS one`;\n\nasync function fail",
    broken:
      "WHERE (o.lease = $1::uuid OR true) FOR UPDATE OF o SKIP LOCKED) d\nWHERE (o.topic, o.key) = (d.topic, d.key) RETURNING 1 AS one`;\n\nasync function fail",
    tests: contract("only the holder of the token can fail"),
  },
  {
    guard: "the token, when work is given back",
    file: outbox,
    text: "o.key = ANY($3::uuid[]) AND o.lease = $1::uuid",
    broken: "o.key = ANY($3::uuid[]) AND (o.lease = $1::uuid OR true)",
    tests: contract("only the holder of the token can release"),
  },
  {
    guard: "the generation, at the acknowledgement",
    file: outbox,
    text: "(o.gen = d.gen AND o.doubt_until IS NULL) AS fin",
    broken: "(o.doubt_until IS NULL) AS fin",
    tests: contract("a row that was dirtied meanwhile is worked again at once"),
  },
  {
    guard: "the doubt, at the acknowledgement",
    file: outbox,
    text: "(o.gen = d.gen AND o.doubt_until IS NULL) AS fin",
    broken: "(o.gen = d.gen) AS fin",
    tests: contract("a row in doubt stays until one more pass"),
  },
  {
    guard: "the doubt, when a lease that ran out is claimed again",
    file: outbox,
    text: "doubt_until = CASE WHEN o.lease IS NOT NULL THEN",
    broken: "doubt_until = CASE WHEN o.lease IS NOT NULL AND false THEN",
    tests: contract("a row whose lease ran out is in doubt"),
  },
  {
    guard: "the doubt, of a failure that was cut",
    file: outbox,
    text: "doubt_until = CASE WHEN d.doubt THEN",
    broken: "doubt_until = CASE WHEN d.doubt AND false THEN",
    tests: contract("a write that was cut leaves doubt"),
  },
  {
    guard: "an older doubt is kept by a failure",
    file: outbox,
    text: "interval '1 s' ELSE o.doubt_until END,\n  due_at = CASE WHEN o.gen <> d.gen",
    broken: "interval '1 s' END,\n  due_at = CASE WHEN o.gen <> d.gen",
    tests: contract("a failure that leaves no doubt keeps the older one"),
  },
  {
    guard: "parked only while the generation is as claimed",
    file: outbox,
    text: "CASE WHEN d.park AND o.gen = d.gen THEN",
    broken: "CASE WHEN d.park THEN",
    tests: contract("never parked"),
  },
  {
    guard: "a writer never makes a leased row due",
    file: triggers,
    text: "due_at = CASE WHEN o.lease IS NULL THEN LEAST(o.due_at, excluded.due_at) ELSE o.due_at END",
    broken: "due_at = LEAST(o.due_at, excluded.due_at)",
    tests: contract("a memory that is changed leaves its row to the holder"),
  },
  {
    guard: "a writer never clears a lease",
    file: triggers,
    text: "SET gen = o.gen + 1, attempts = 0,",
    broken: "SET gen = o.gen + 1, lease = NULL, attempts = 0,",
    tests: contract("a lease that ran out is still seen as lost"),
  },
  {
    guard: "the deadline, before an effect",
    file: "packages/memory/src/deadline.ts",
    text: "if (deadline.isPast()) throw",
    broken: "if (deadline.isPast() && false) throw",
    tests: crashPoints("work: a new memory"),
  },
  {
    guard: "the deadline is half of the lease",
    file: "packages/memory/src/work.ts",
    text: "(options.leaseSeconds / 2)",
    broken: "(options.leaseSeconds * 100)",
    tests: crashPoints("work: a new memory"),
  },
  {
    guard: "a write of the index that was cut is a doubt",
    file: converge,
    text: "const doubt = error.outcomeUnknown || !(thrown instanceof MemoryError);",
    broken: "const doubt = false;",
    tests: crashPoints("work: a new memory"),
  },
  {
    guard: "rows are read after the claim, each time",
    file: converge,
    text: "new Map((await deps.store.readIndexable(ids)).map(",
    broken: "new Map((await ((deps.store as any).kept ??= deps.store.readIndexable(ids))).map(",
    tests: crashPoints("work: a delete while an upsert is under way"),
  },
  {
    guard: "rows are read in a statement of their own, not in the claim's snapshot",
    file: outbox,
    text: "RETURNING o.key, o.gen,",
    broken:
      "RETURNING (SELECT json_build_object('id', m.id, 'version', m.version, 'content', m.content) FROM public.memories m WHERE m.id = o.key) AS joined, o.key, o.gen,",
    also: [
      {
        file: outbox,
        text: "    key: row.key,\n    generation: row.gen,",
        broken: '    ...({ joined: row["joined"] } as {}),\n    key: row.key,\n    generation: row.gen,',
      },
      {
        file: converge,
        text: "new Map((await deps.store.readIndexable(ids)).map((row) => [row.id, row]))",
        broken: "new Map((claimed as any[]).flatMap(({ key, joined }) => (joined ? [[key, joined]] : [])))",
      },
    ],
    tests: { path: "packages/postgres/test/claim-snapshot.test.ts", name: "between a claim's snapshot and its lock" },
  },
  {
    guard: "what reconcile finds apart gets a work row",
    file: "packages/memory/src/look-again.ts",
    text: "const seen = found.filter(({ kind }) => isOurs(kind));",
    broken: "const seen = found.filter(({ kind }) => isOurs(kind) && false);",
    tests: crashPoints("reconcile: points that are missing"),
  },
  {
    guard: "a hit is joined to its row in the caller's project",
    file: "packages/sql/src/filter-sql.ts",
    text: "`m.project_id = ${values.add(scope.projectId)}::uuid`",
    broken: "`(m.project_id = ${values.add(scope.projectId)}::uuid OR true)`",
    tests: store("another project sees nothing"),
  },
  {
    guard: "a hit is joined to its row under the caller's user",
    file: "packages/sql/src/filter-sql.ts",
    text: "`m.user_id = ${values.add(userId)}::text`",
    broken: "`(m.user_id = ${values.add(userId)}::text OR true)`",
    tests: store("a join shows a caller"),
  },
  {
    guard: "a hit is joined to its row at the caller's level",
    file: "packages/sql/src/filter-sql.ts",
    text: "`m.level = ${values.add(level)}::text`",
    broken: "`(m.level = ${values.add(level)}::text OR true)`",
    tests: store("a join shows a caller"),
  },
  {
    guard: "a hit is joined to its row in the caller's session",
    file: "packages/sql/src/filter-sql.ts",
    text: "`m.session_ids @> ARRAY[${values.add(sessionId)}::text]`",
    broken: "`(m.session_ids @> ARRAY[${values.add(sessionId)}::text] OR true)`",
    tests: store("a join shows a caller"),
  },
  {
    guard: "a hit without a row is no hit",
    file: "packages/memory/src/rank.ts",
    text: "!gone.has(hit.id) && (rows",
    broken: "(rows",
    tests: ranking("300 dead points"),
  },
  {
    guard: "a hit of another version is no hit",
    file: "packages/memory/src/rank.ts",
    text: "!gone.has(hit.id) && (rows.get(hit.id)?.version ?? hit.version) === hit.version",
    broken: "!gone.has(hit.id)",
    tests: ranking("points of an older version are dead too"),
  },
  {
    guard: "hits are joined to their rows under the caller's filter",
    file: "packages/postgres/src/find-memories.ts",
    text: "ANY(${values.add(ids)}::uuid[]) AND ${filterSql(filter, values)}`",
    broken: "ANY(${values.add(ids)}::uuid[]) AND (true OR ${filterSql(filter, values)})`",
    tests: points,
  },
  {
    guard: "an index whose nearest points are dead is asked for further ones",
    file: "packages/memory/src/rank.ts",
    text: "if (isStarved && arm.askOn",
    broken: "if (isStarved && Number.isNaN(arm.pool) && arm.askOn",
    tests: points,
  },
  {
    guard: "a search without a user asks the agents for what is nobody's",
    file: "packages/postgres/src/find-memories.ts",
    text: "CASE WHEN m.user_id IS NULL THEN m.agent_id END",
    broken: "NULL::text",
    tests: points,
  },
  {
    guard: "Qdrant is told what a condition lets through before it takes the nearest",
    file: "packages/qdrant/src/to-filter.ts",
    text: "...(ids === undefined ? [] : [{ has_id: ids }]),",
    broken: "",
    tests: filters("the nearest that a condition lets through"),
  },
  {
    guard: "what a point does not tell leaves out nothing, negated or not",
    file: "packages/qdrant/src/narrow.ts",
    text: "return negated(bound(condition.of, OTHER_SIDE[side]));",
    broken: "return negated(bound(condition.of, side));",
    tests: filters("without the ids"),
  },
  {
    guard: "the dedupe key is unique",
    file: memories,
    text: "agent_id, key, content) END\n  ) STORED UNIQUE",
    broken: "agent_id, key, content) END\n  ) STORED",
    tests: store("equal states merge"),
  },
  {
    guard: "the slot key is unique",
    file: memories,
    text: "agent_id, key) END\n  ) STORED UNIQUE",
    broken: "agent_id, key) END\n  ) STORED",
    tests: store("a slot that is taken takes no second live row"),
  },
  {
    guard: "public table: the index says that its deletions are its own",
    file: "packages/pgvector/src/create-index.ts",
    text: "SELECT set_config('engram.index_author', 'on', true) AS is_set",
    broken: "SELECT 'on' AS is_set",
    tests: publicTable("what the index itself takes away, replaces or drops costs no memory"),
  },
  {
    guard: "public table: the trigger on memories gives the setting back",
    file: "packages/pgvector/src/prepare-table.ts",
    text: "PERFORM set_config('engram.index_author', author, true);",
    broken: "",
    tests: publicTable("a row deleted by hand is a deleted memory"),
  },
  {
    guard: "public table: a row deleted by hand is a deleted memory",
    file: vectors,
    text: "IF cardinality(ids) > 0 THEN",
    broken: "IF false THEN",
    tests: publicTable("a row deleted by hand is a deleted memory"),
  },
  {
    guard: "public table: truncated, every memory gets its work row",
    file: vectors,
    text: "  FROM public.memories m;\n  RETURN NULL;",
    broken: "  FROM public.memories m WHERE false;\n  RETURN NULL;",
    tests: publicTable("TRUNCATE loses nothing"),
  },
  {
    guard: "public table: a point is locked before its memory",
    file: "packages/pgvector/src/write-points.ts",
    text: "ORDER BY v.id FOR UPDATE OF v SKIP LOCKED)",
    broken: "ORDER BY v.id)",
    tests: publicTable("a point that somebody holds is left for the next claim"),
  },
  {
    guard: "public table: rows of others are in no index",
    file: "packages/pgvector/src/tables.ts",
    text: "FROM public.${identifier(name)} WHERE version IS NOT NULL`",
    broken: "FROM public.${identifier(name)}`",
    tests: publicTable("that the guide's reader made by hand is the one that is used"),
  },
  {
    guard: "public table: shut to strangers",
    file: vectors,
    text: "OR c.oid IN (SELECT t.tgrelid",
    broken: "OR c.oid IN (SELECT NULL::oid FROM pg_trigger WHERE false) AND c.oid IN (SELECT t.tgrelid",
    tests: { path: "packages/pgvector/test/public-table-troubles.test.ts", name: "is shut to Supabase" },
  },
  {
    guard: "public table: a former row is gone in the commit in which it is a memory",
    file: "packages/pgvector/src/former/take-over.ts",
    text: "await tx.query(`DELETE FROM ${relation}",
    broken: "await tx.query(`SELECT FROM ${relation}",
    tests: { path: "packages/pgvector/test/take-over.test.ts", name: "a second run finds none" },
  },
  {
    guard: "public table: what comes with the table forgets no memory when it is taken",
    file: "packages/pgvector/src/prepare-table.ts",
    text: "    await tx.script(dropPublicTriggers(publicTable));\n",
    broken: "",
    tests: publicTable("that came without what belongs to it"),
  },
  {
    guard: "public table: hidden rows are not taken for none",
    file: "packages/pgvector/src/publish-table.ts",
    text: "if (standing.hidesRows)",
    broken: "if (false)",
    tests: { path: "packages/pgvector/test/public-table-troubles.test.ts", name: "rows that row-level security hides" },
  },
  {
    guard: "public table: gone by hand, it fails no deletion",
    file: "packages/pgvector/src/prepare-table.ts",
    text: "IF to_regclass('${relation}') IS NULL THEN RETURN NULL; END IF;",
    broken: "",
    tests: publicTable("dropped by hand with all that depends on it"),
  },
  {
    guard: "public table: a former row that lasts keeps the memory that says the same",
    file: "packages/pgvector/src/former/take-over.ts",
    text: "expires_at = CASE WHEN m.expires_at IS NULL OR excluded.expires_at IS NULL THEN NULL ELSE GREATEST(m.expires_at, excluded.expires_at) END",
    broken: "expires_at = m.expires_at",
    tests: { path: "packages/pgvector/test/take-over.test.ts", name: "that last keep the memory" },
  },
  {
    guard: "a role without schema engram may write memories",
    file: triggers,
    text: "LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$\nBEGIN\n  RETURN engram.search_words",
    broken:
      "LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$\nBEGIN\n  RETURN engram.search_words",
    tests: { path: "packages/postgres/test/least-role.test.ts", name: "inserts, changes and deletes" },
  },
  {
    guard: "a change of the schema is not given up",
    file: "packages/postgres/src/pool.ts",
    text: "query_timeout: SCRIPT_TIMEOUT_MS",
    broken: "query_timeout: 0",
    tests: { path: "packages/postgres/test/pool.test.ts", name: "a change of the schema is not" },
  },
  {
    guard: "talk: what waits is read after the work row is locked",
    file: talk,
    text: "AND lease = $2::uuid FOR UPDATE`",
    broken: "AND lease = $2::uuid`",
    tests: { path: "packages/postgres/test/talk-races.test.ts", name: "keeps its work row" },
  },
  {
    guard: "talk: nothing is set aside for a model that reads nothing",
    file: "packages/memory/src/extract.ts",
    text: "    await askHarmless(deps, batch, signal);\n",
    broken: "",
    tests: reading("sets nothing aside"),
  },
  {
    guard: "talk: the size that a model can do is remembered",
    file: talk,
    text: "OR ($4::bool AND batch_max IS NOT NULL)",
    broken: "OR ($4::bool AND false)",
    tests: reading("finds the size"),
  },
  {
    guard: "talk: the limit of the day is looked at before every call",
    file: "packages/memory/src/ask-model.ts",
    text: "  if (held !== undefined) throw new HeldBack(held);\n",
    broken: "",
    tests: reading("looks at the limit"),
  },
  {
    guard: "talk: what was set aside and is told again is work",
    file: setAside,
    text: "WHEN (OLD.failed_at IS NOT NULL AND",
    broken: "WHEN (false AND",
    tests: again("told again it is read again"),
  },
  {
    guard: "talk: what was set aside goes with its user's last memory",
    file: setAside,
    text: "(m.extracted_at IS NOT NULL OR m.failed_at IS NOT NULL)\n",
    broken: "(m.extracted_at IS NOT NULL)\n",
    tests: again("goes with its user's last memory"),
  },
  {
    guard: "talk: calls of add that say something known are left to the rules",
    file: "packages/postgres/src/talk/add-new.ts",
    text: " WHERE c.event_id NOT IN (SELECT event_id FROM known)",
    broken: "",
    tests: together("one that is known beside others that are new"),
  },
  {
    guard: "talk: calls of one owner's add go one after another",
    file: "packages/postgres/src/talk/conversations.ts",
    text: "if (!busy.has(call.owner) && !firsts.has(call.owner)) firsts.set(call.owner, call);",
    broken: "firsts.set(call.draft.eventId, call);",
    tests: together("of one owner go one after another"),
  },
  {
    guard: "the graph: the filter is asked of each row that is walked",
    file: "packages/pgvector/src/search-graph.ts",
    text: " AND ${filterSql(filter, values)} OFFSET 0) passed",
    broken: " OFFSET 0) passed",
    tests: graph("only what the filter lets through"),
  },
  {
    guard: "the graph: too few hits are not an answer",
    file: "packages/pgvector/src/search.ts",
    text: "if (hits.length >= query.limit) return hits;",
    broken: "return hits;",
    tests: graph("fewer hits than were asked for"),
  },
  {
    guard: "talk: what was set aside is looked for as what waits is",
    file: poll,
    text: "\n    OR EXISTS (SELECT FROM engram.messages WHERE owner = tenant AND failed_at IS NOT NULL)",
    broken: "",
    tests: { path: "packages/postgres/test/waiting-messages.test.ts", name: "could not be read" },
  },
  {
    guard: "the embedded database: tables that have grown are vacuumed",
    file: "packages/pglite/src/vacuum.ts",
    text: "  for (const { name } of rows) await db.exec(`VACUUM (ANALYZE) ${name}`);\n",
    broken: "",
    tests: { path: "packages/pglite/test/vacuum.test.ts", name: "give back their room" },
  },
  {
    guard: "held: a deletion is told",
    file: changes,
    text: "array_agg(nullif(current_setting('engram.request_id', true), ''))),\n    engram.tell_changes(array_agg(c.id), array_agg(c.project_id), array_agg(c.user_id)) FROM changed c;",
    broken: "array_agg(nullif(current_setting('engram.request_id', true), ''))) FROM changed c;",
    tests: told("every door tells"),
  },
  {
    guard: "held: to whom a memory was taken away it is told",
    file: changes,
    text: " UNION SELECT b.id, b.project_id, b.user_id) d",
    broken: ") d",
    tests: told("every door tells"),
  },
  {
    guard: "held: words that are made anew are told",
    file: changes,
    text: " OR c.search IS DISTINCT FROM b.search;",
    broken: ";",
    tests: told("made anew without a new version"),
  },
  {
    guard: "held: a mark is below all that is under way",
    file: poll,
    text: "'since', pg_snapshot_xmin(",
    broken: "'since', pg_snapshot_xmax(",
    tests: told("a change is told after its commit"),
  },
  {
    guard: "held: a list's mark is below all that is under way",
    file: "packages/postgres/src/searchable-rows.ts",
    text: "SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS since",
    broken: "SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS since",
    tests: told("what could be seen when the rows were listed"),
  },
  {
    guard: "held: a poll goes by keys",
    file: poll,
    text: "integer) RETURNS json\n  LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off",
    broken: "integer) RETURNS json\n  LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan",
    tests: told("a poll goes by keys"),
  },
  {
    guard: "held: whether talk waits goes by keys",
    file: poll,
    text: "RETURNS boolean\n  LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off",
    broken: "RETURNS boolean\n  LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan",
    tests: told("a poll goes by keys"),
  },
  {
    guard: "held: what is under way is told for as long as anything else",
    file: changes,
    text: "SET next = pg_snapshot_xmin(pg_current_snapshot()), next_at",
    broken: "SET next = pg_snapshot_xmax(pg_current_snapshot()), next_at",
    tests: told("longer than changes are told"),
  },
  {
    guard: "held: what was told before the last poll is not taken for known",
    file: replica,
    text: " ||\n    isBelow(since, poll.toldFrom)",
    broken: "",
    tests: sets("what was told since is told no more"),
  },
  {
    guard: "held: another database, or a table that was filled past its triggers",
    file: replica,
    text: "    poll.epoch !== epoch ||\n",
    broken: "",
    tests: held("filled past its triggers"),
  },
  {
    guard: "held: a vector of another version is none",
    file: replica,
    text: "stored?.version === row.version && stored",
    broken: "stored !== undefined && stored",
    tests: held("whatever is put"),
  },
  {
    guard: "held: vectors that are written are told",
    file: "packages/pgvector/src/prepare-table.ts",
    text: "    await tellChanges(tx, collection, publicTable);\n",
    broken: "",
    tests: held("whatever is put"),
  },
  {
    guard: "held: what has expired is not seen",
    file: "packages/memory/src/working-set/seen-rows.ts",
    text: "    if ((expiresAt[at] as number) <= time) continue;\n",
    broken: "",
    tests: held("one that expires"),
  },
  {
    guard: "held: a row is seen by its level alone only where nothing narrows it",
    file: "packages/memory/src/working-set/seen-rows.ts",
    text: "isOfLevel(level, one) && !isNarrow(one)",
    broken: "isOfLevel(level, one)",
    tests: held("whatever is put"),
  },
  {
    guard: "held: what has no end of time stands beside nobody",
    file: "packages/memory/src/working-set/search-words.ts",
    text: "if (!(gap < TALK_GAP_MICROSECONDS)) return;",
    broken: "if (gap >= TALK_GAP_MICROSECONDS) return;",
    tests: held("what has no beginning"),
  },
  {
    guard: "held: vector hits are placed among the ids that they are of",
    file: "packages/memory/src/fuse.ts",
    text: "placed !== undefined && placed.ids === text.ids",
    broken: "placed !== undefined",
    tests: { path: "packages/memory/src/fuse.test.ts", name: "ranks alike" },
  },
  {
    guard: "held: a cosine is taken by the lengths as they are written",
    file: "packages/memory/src/working-set/search-vectors.ts",
    text: "(cosines[row] as number) * (inverses[row] as number) * inverse",
    broken: "(cosines[row] as number) / 32_767 ** 2",
    tests: { path: "packages/memory/src/working-set/search-vectors.test.ts", name: "equal parts of" },
  },
  {
    guard: "held: contents of another version are none",
    file: standing,
    text: " AND m.version = a.version",
    broken: "",
    tests: told("whether it stands"),
  },
  {
    guard: "held: contents of what is retired or expired are none",
    file: standing,
    text: "          AND m.valid_to IS NULL AND (m.expires_at IS NULL OR m.expires_at > statement_timestamp())",
    broken: "         ",
    tests: told("whether it stands"),
  },
  {
    guard: "held: contents of another user's are none",
    file: standing,
    text: " AND m.user_id = a.user_id",
    broken: "",
    tests: told("whether it stands"),
  },
  {
    guard: "held: whether a memory stands goes by keys",
    file: standing,
    text: " AND o.key = a.id OFFSET 0) o ON true",
    broken: ") o ON o.key = a.id",
    tests: told("whether memories stand"),
  },
  {
    guard: "held: contents of what is not seen are not given",
    file: "packages/memory/src/working-set/working-sets.ts",
    text: "seen[place] !== 1 || ",
    broken: "",
    tests: sets("contents are held"),
  },
  {
    guard: "held: who is not asked about catches up with the next sweep",
    file: "packages/memory/src/working-set/working-sets.ts",
    text: "    void catchUpUnasked();\n",
    broken: "",
    tests: sets("not asked about catches up"),
  },
  {
    guard: "held: nobody waits for those who have nothing to ask for",
    file: "packages/memory/src/turns.ts",
    text: " || passed >= GATHERED_MAX",
    broken: "",
    tests: { path: "packages/memory/src/turns.test.ts", name: "never come to gather" },
  },
  {
    guard: "held: those who have had their turn go on together",
    file: "packages/memory/src/turns.ts",
    text: "waiting.length === 0 || ",
    broken: "true || ",
    tests: { path: "packages/memory/src/turns.test.ts", name: "go on together" },
  },
  {
    guard: "search: what scores as high as can be is ordered by its evidence",
    file: "packages/memory/src/fuse.ts",
    text: "    (sums[other] as number) - (sums[one] as number) ||",
    broken: "    scoreOf(sums[other] as number) - scoreOf(sums[one] as number) ||",
    tests: { path: "packages/memory/src/fuse.test.ts", name: "tells apart" },
  },
  {
    guard: "held: one search in each turn of the event loop",
    file: "packages/memory/src/turns.ts",
    text: "    if (isTaken) return new Promise((resolve) => waiting.push(resolve));\n",
    broken: "",
    tests: { path: "packages/memory/src/turns.test.ts", name: "one goes on in each" },
  },
  {
    guard: "held: a poll is of a time after the question",
    file: "packages/memory/src/working-set/next-run.ts",
    text: "if (running === undefined) return start();\n    next ??= running.then(startNext, startNext);\n    return next;",
    broken: "if (next !== undefined) return startNext();\n    return running ?? start();",
    tests: sets("who asks while a run is under way"),
  },
  {
    guard: "held: talk that waits is searched beside what is held",
    file: "packages/memory/src/search-talk.ts",
    text: "held?.talkWaits === false",
    broken: "held !== undefined",
    tests: { path: "packages/memory/src/search-talk.test.ts", name: "somebody whose memories are held" },
  },
];
