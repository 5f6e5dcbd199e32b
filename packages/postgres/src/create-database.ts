import { codeOf } from "@engram/sql";
import pg from "pg";
import { reachOf } from "./tls.ts";

const TIMEOUT_MS = 5_000;
/** Another process was faster. */
const EXISTS = new Set(["42P04", "23505"]);

/**
 * Makes the database that the address names, over the server's own database `postgres`; false where the role may not, or
 * that one cannot be reached either.
 */
export async function createDatabase(address: string): Promise<boolean> {
  const url = new URL(address);
  const name = decodeURIComponent(url.pathname.slice(1));
  if (name === "" || name === "postgres") return false;
  url.pathname = "/postgres";
  const client = new pg.Client({
    ...reachOf(url.toString()),
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
    application_name: "engram",
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ server_encoding: string }>("SHOW server_encoding");
    // A cluster that was made in the locale C gives SQL_ASCII unless asked.
    const encoding = rows[0]?.server_encoding === "UTF8" ? "" : " ENCODING 'UTF8' TEMPLATE template0";
    await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}${encoding}`);
    return true;
  } catch (error) {
    return EXISTS.has(codeOf(error));
  } finally {
    client.end().catch(() => undefined);
  }
}
