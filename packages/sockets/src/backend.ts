import type { Config } from "@engram/config";
import { chooseSockets } from "./open-sockets.ts";

export type Backend = "supabase-pgvector" | "pgvector" | "qdrant" | "embedded";

const SUPABASE_HOST = /\.supabase\.(co|com|net)$/;

/** Where the vectors lie, in the guide's words. */
export function backendOf(config: Config): Backend {
  const chosen = chooseSockets(config);
  if (chosen.vectors === "qdrant") return "qdrant";
  const { databaseUrl } = config.truth;
  if (databaseUrl === undefined) return "embedded";
  return SUPABASE_HOST.test(new URL(databaseUrl).hostname) ? "supabase-pgvector" : "pgvector";
}
