import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, test } from "@jest/globals";
import { createPgvectorIndex, takeOverFormer } from "../src/index.ts";
import { GUIDE_SQL } from "./guide-sql.ts";
import { serverUrl } from "./servers.ts";
import { NEW, OLD, openTableWorld, type TableWorld } from "./table-world.ts";

(serverUrl === undefined ? describe.skip : describe)("the table that people read, and rights", () => {
  let world: TableWorld;
  const open = async (): Promise<TableWorld> => {
    world = await openTableWorld();
    return world;
  };
  afterEach(() => world.close());

  test("another program's table, somebody else's, and a schema without rights are each told with their cure", async () => {
    const { db } = await open();
    const role = `engram_poor_${randomBytes(4).toString("hex")}`;
    await db.script(`CREATE ROLE ${role} LOGIN; CREATE TABLE mem0_memories (id int)`);
    expect(await world.place(OLD)).toBe(
      "public.mem0_memories is another program's. Set MEM0_COLLECTION_NAME to a new name",
    );
    await db.script(`DROP TABLE mem0_memories; ${GUIDE_SQL}
      ALTER SCHEMA engram OWNER TO ${role}`);
    const tables = await db.query<{ name: string }>(
      "SELECT oid::regclass::text AS name FROM pg_class WHERE relnamespace = 'engram'::regnamespace AND relkind = 'r' UNION ALL SELECT 'public.memories'",
    );
    for (const { name } of tables) await db.script(`ALTER TABLE ${name} OWNER TO ${role}`);
    const poor = createPgvectorIndex(world.connect(role), { publishAs: "mem0_memories" });
    expect(await poor.publish(OLD)).toBe(
      `public.mem0_memories belongs to another role. As its owner run: ALTER TABLE public.mem0_memories OWNER TO ${role};`,
    );
    await db.script(`ALTER TABLE mem0_memories OWNER TO ${role}`);
    await poor.prepare(NEW);
    expect(await poor.publish(NEW)).toMatch(
      /permission denied for schema public\. As the owner of schema public run: GRANT/,
    );
    await db.script("DROP TABLE mem0_memories");
    expect(await poor.publish(OLD)).toBe(
      `public.mem0_memories cannot be made: permission denied for schema public. As the owner of schema public run: GRANT USAGE, CREATE ON SCHEMA public TO ${role};`,
    );
    await db.script(`GRANT USAGE, CREATE ON SCHEMA public TO ${role}`);
    expect(await poor.publish(OLD)).toBeUndefined();
    await db.script(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
  });

  test("rows that row-level security hides are not taken for none", async () => {
    const { db } = await open();
    const role = `engram_poor_${randomBytes(4).toString("hex")}`;
    const former = "CREATE TABLE mem0_memories (id uuid PRIMARY KEY, vector vector(4), payload jsonb)";
    for (const table of [former, GUIDE_SQL]) {
      await db.script(`CREATE EXTENSION IF NOT EXISTS vector; ${table};
        INSERT INTO mem0_memories ${table === former ? "(id) VALUES (gen_random_uuid())" : "(user_id, memory, hash) VALUES ('u', 'раз', 'h')"};
        CREATE ROLE ${role} LOGIN; GRANT USAGE, CREATE ON SCHEMA public, engram TO ${role}; GRANT ALL ON ALL TABLES IN SCHEMA engram, public TO ${role};
        ALTER TABLE memories OWNER TO ${role};
        ALTER TABLE mem0_memories OWNER TO ${role}; ALTER TABLE mem0_memories ENABLE ROW LEVEL SECURITY; ALTER TABLE mem0_memories FORCE ROW LEVEL SECURITY`);
      const poor = world.connect(role);
      const index = createPgvectorIndex(poor, { publishAs: "mem0_memories" });
      const cure = "As its owner run: ALTER TABLE public.mem0_memories NO FORCE ROW LEVEL SECURITY;";
      await expect(takeOverFormer(poor, { name: "mem0_memories" })).rejects.toMatchObject({
        message: expect.stringContaining(cure),
      });
      await index.prepare(OLD);
      expect(await index.publish(OLD)).toBe(
        `public.mem0_memories hides its rows from ${role} by row-level security. ${cure}`,
      );
      expect(await db.query("SELECT 1 AS one FROM mem0_memories")).toEqual([{ one: 1 }]);
      await db.script(`DROP TRIGGER ${OLD.name}_d ON memories; DROP TRIGGER ${OLD.name}_t ON memories;
        ALTER TABLE memories OWNER TO CURRENT_USER; DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
    }
  });

  test("is shut to Supabase's anon and authenticated, whoever made it", async () => {
    const { db } = await open();
    await db.script(`${GUIDE_SQL} DO $$ BEGIN CREATE ROLE anon NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
      GRANT ALL ON mem0_memories TO anon; GRANT USAGE ON SCHEMA public TO anon`);
    await world.place(OLD);
    const rights = async (relation: string) =>
      (
        await db.query<{ some: boolean }>(
          `SELECT has_table_privilege('anon', '${relation}', 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE') AS some`,
        )
      )[0]?.some;
    expect(await rights("public.mem0_memories")).toBe(false);
    expect(await rights(`engram.${OLD.name}`)).toBe(false);
    expect(await db.query("SELECT relrowsecurity AS rls FROM pg_class WHERE oid = 'mem0_memories'::regclass")).toEqual([
      { rls: true },
    ]);
    await db.script("DROP OWNED BY anon");
  });
});
