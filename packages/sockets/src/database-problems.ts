import type { Config, Problem } from "@engram/config";
import { MemoryError, toMemoryError } from "@engram/memory";
import { codeOf, isTlsFault } from "@engram/sql";
import { providerProblem } from "./provider-problems.ts";

/** The variable that gave the address, by which the operator knows what to mend. */
type DatabaseVariable = Config["truth"]["databaseVariable"];

const CURES = {
  database_host: "Check the host's name, and that this machine's DNS knows it",
  database_network:
    "Check address and firewall. A host that has IPv6 alone (Supabase's db.PROJECT.supabase.co) needs IPv6 here: use the address of its pooler instead",
  database_refused: "Start PostgreSQL, or correct host and port",
  database_password:
    "Correct the user or the password; escape special characters (@ is %40). At Supabase's pooler the user is postgres.PROJECT",
  database_missing: "Create it: CREATE DATABASE mem0;",
  database_certificate:
    "Put the provider's certificate in a file and name it: ?sslmode=verify-full&sslrootcert=FILE; or use sslmode=require, which encrypts and does not check",
  database_tls:
    "Turn TLS on in PostgreSQL: a public host is never talked to in clear. A host of your own network is named by its private address",
  database_permission:
    "As an owner run: GRANT CREATE ON DATABASE <name> TO <role>; GRANT CREATE, USAGE ON SCHEMA public TO <role>;",
  database_encoding: "Make it anew: CREATE DATABASE <name> ENCODING 'UTF8' TEMPLATE template0;",
  database_foreign_table: "Give Engram a database of its own, or rename that table",
  extension_missing: "Run as the database's owner: CREATE EXTENSION vector; or set QDRANT_URL",
  index_dimensions: "Set EMBEDDING_DIMENSIONS to what the table has, or MEM0_COLLECTION_NAME to a new name",
} as const;

type ProblemCode = keyof typeof CURES;

/** By the code of PostgreSQL (postgresql.org/docs/current/errcodes-appendix.html) or of Node's network. */
const BY_CODE: Readonly<Record<string, ProblemCode>> = {
  ENOTFOUND: "database_host",
  EAI_AGAIN: "database_host",
  EAI_NODATA: "database_host",
  ENETUNREACH: "database_network",
  EHOSTUNREACH: "database_network",
  EADDRNOTAVAIL: "database_network",
  ETIMEDOUT: "database_network",
  ECONNREFUSED: "database_refused",
  "28P01": "database_password",
  "28000": "database_password",
  "3D000": "database_missing",
  "42501": "database_permission",
};

/** Poolers have their own words for what PostgreSQL has codes for. */
const BY_WORDS: readonly (readonly [RegExp, ProblemCode])[] = [
  [/no encryption|SSL required|requires SSL|TLS required/i, "database_tls"],
  [/does not support SSL/, "database_tls"],
  [
    /password authentication failed|SASL authentication failed|Tenant or user not found|no such user/i,
    "database_password",
  ],
  [/no such database/i, "database_missing"],
  [/timeout expired|connection timeout/i, "database_network"],
  [/^The database's encoding is/, "database_encoding"],
  [/that is not Engram's/, "database_foreign_table"],
  [/no extension vector/, "extension_missing"],
  [/holds vectors of \d+ dimensions/, "index_dimensions"],
];

/** After the variable's name. */
const MESSAGES: Partial<Record<ProblemCode, (detail: string) => string>> = {
  database_host: (detail) => `the host cannot be resolved (${detail})`,
  database_network: (detail) => `the host cannot be reached (${detail})`,
  database_refused: (detail) => `nothing listens there (${detail})`,
};

/** The commonest troubles of a database, each with what to do (CONTRACT.md 4). */
export function databaseProblem(error: unknown, variable: DatabaseVariable): Problem {
  const told = knownProblem(error, variable);
  if (told !== undefined) return told;
  const known = toMemoryError(error);
  return {
    code: "database",
    message: known.code === "unavailable" ? known.message : `The database refuses: ${detailOf(rootOf(known))}`,
    cure: "See the message; the service keeps trying",
  };
}

/** Why the index cannot be prepared: the truth's troubles too, where it lies in the truth, and those of the provider. */
export function indexProblem(error: unknown, variable: DatabaseVariable): Problem {
  const { code, message } = toMemoryError(error);
  return (
    knownProblem(error, variable) ??
    providerProblem(error) ?? {
      code: `index_${code}`,
      message,
      cure: "Search answers from words meanwhile; the worker keeps trying",
    }
  );
}

/** What `publish` came to: a sentence, and what to do. */
export function publicTableProblem(told: string): Problem {
  const isLength = /holds vectors of \d+ dimensions/.test(told);
  return { code: isLength ? "index_dimensions" : "collection_name", ...splitCure(told) };
}

/** Why the rows of a former mem0 stay where they are. */
export function formerRowsProblem(error: unknown, variable: DatabaseVariable): Problem {
  const { code, message } = toMemoryError(error);
  if (code === "unavailable") return { code: "former_rows", ...splitCure(message) };
  return { ...databaseProblem(error, variable), code: "former_rows" };
}

function splitCure(told: string): Pick<Problem, "message" | "cure"> {
  const message = firstSentence(told);
  return { message, cure: told.slice(message.length).replace(/^\. /, "") || "The service keeps trying" };
}

function knownProblem(error: unknown, variable: DatabaseVariable): Problem | undefined {
  const root = rootOf(error);
  const detail = detailOf(root);
  const words = error instanceof MemoryError ? `${error.message}\n${detail}` : detail;
  const code =
    BY_WORDS.find(([pattern]) => pattern.test(words))?.[1] ??
    (isTlsFault(root) ? "database_certificate" : BY_CODE[codeOf(root)]);
  if (code === undefined) return undefined;
  return {
    code,
    message: messageOf(code, error) ?? `${variable}: ${MESSAGES[code]?.(detail) ?? detail}`,
    cure: CURES[code],
  };
}

const SAID_BY_US: ReadonlySet<ProblemCode> = new Set([
  "database_encoding",
  "database_foreign_table",
  "index_dimensions",
]);

/** Of what the address reaches, where it is not the address that is wrong. */
function messageOf(code: ProblemCode, error: unknown): string | undefined {
  if (code === "extension_missing") return "The database has no extension vector";
  return SAID_BY_US.has(code) && error instanceof MemoryError ? firstSentence(error.message) : undefined;
}

/** What the driver itself said, under what we made of it. */
function rootOf(error: unknown): unknown {
  let root = error;
  while (root instanceof MemoryError && root.cause !== undefined) root = root.cause;
  return root;
}

/** Several addresses of one host fail as one error without words; then its parts have them. */
function detailOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(detailOf).join(", ");
  return error instanceof Error ? error.message : String(error);
}

function firstSentence(text: string): string {
  return text.split(/\. (?=[A-Z])/)[0] ?? text;
}
