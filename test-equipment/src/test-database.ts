/** A database of its own for each test file: files run side by side and see nothing of each other. */
import { randomBytes } from "node:crypto";
import pg from "pg";

export type TestDatabase = {
  readonly url: string;
  /** Drops it, cutting any connection that is still open. */
  readonly drop: () => Promise<void>;
};

/**
 * Creates a database with a random name on the server of `adminUrl`. With `template` it is a copy of that database (to
 * which nobody may be connected at that moment): migrate once, copy for each file.
 */
export async function createTestDatabase(
  adminUrl: string,
  options: { readonly template?: string } = {},
): Promise<TestDatabase> {
  const name = `engram_test_${randomBytes(8).toString("hex")}`;
  const template = options.template === undefined ? "" : ` TEMPLATE ${pg.escapeIdentifier(options.template)}`;
  await runStatement(adminUrl, `CREATE DATABASE ${pg.escapeIdentifier(name)}${template}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return {
    url: url.toString(),
    drop: () => runStatement(adminUrl, `DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`),
  };
}

async function runStatement(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
