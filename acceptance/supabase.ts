import { randomBytes } from "node:crypto";
import { startOwnPostgres, startPgBouncer } from "@engram/test-equipment";
import pg from "pg";

/** A database as Supabase hands it out: TLS alone, a pooler in transaction mode, and a role that owns next to nothing. */
export interface HostedDatabase {
  /** Through the pooler, as the role. */
  readonly url: string;
  /** Past the pooler, as the superuser: for raw SQL. */
  readonly adminUrl: string;
  readonly certificateFile: string;
  readonly stop: () => Promise<void>;
}

const ROLE = "engram_app";
const DATABASE = "mem0";

/** Throws where no PgBouncer can be had. */
export async function startHostedDatabase(): Promise<HostedDatabase> {
  const postgres = await startOwnPostgres();
  const password = randomBytes(12).toString("hex");
  const adminUrl = postgres.url.replace(/\/postgres$/, `/${DATABASE}`);
  try {
    await runAs(postgres.url, [
      "CREATE ROLE anon NOLOGIN",
      "CREATE ROLE authenticated NOLOGIN",
      `CREATE ROLE ${ROLE} LOGIN PASSWORD '${password}' NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS`,
      `CREATE DATABASE ${DATABASE}`,
    ]);
    // The lines of docs/supabase.md, and no right beside them.
    await runAs(adminUrl, [
      "CREATE EXTENSION vector",
      `CREATE SCHEMA engram AUTHORIZATION ${ROLE}`,
      `GRANT USAGE, CREATE ON SCHEMA public TO ${ROLE}`,
      "GRANT USAGE ON SCHEMA public TO anon, authenticated",
      // As Supabase has it: every table that appears in public is theirs.
      `ALTER DEFAULT PRIVILEGES FOR ROLE ${ROLE} GRANT ALL ON TABLES TO anon, authenticated`,
    ]);
    const pooler = await startPgBouncer({ serverUrl: postgres.url, passwords: { [ROLE]: password } });
    if (pooler === undefined) throw new Error("without PgBouncer this target cannot run");
    return {
      url: pooler.urlOf({ user: ROLE, password, database: DATABASE }),
      adminUrl,
      certificateFile: pooler.certificateFile,
      async stop() {
        await pooler.stop();
        await postgres.stop();
      },
    };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

async function runAs(url: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
